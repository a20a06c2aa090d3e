"""The documentation shows the numbers that the default study gives."""

import io
import subprocess
import sys

import docs_numbers
import pandas as pd
import pytest
import yaml
from workflow_runs import ROOT, check_out

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def numbers(text: str) -> pd.DataFrame:
    """The numbers of a Markdown table."""
    rows = [line.strip("| \n").replace(" %", "") for line in text.splitlines()]
    table = pd.read_csv(
        io.StringIO("\n".join([rows[0], *rows[2:]])), sep=r"\s*\|\s*", engine="python"
    )
    return table.select_dtypes("number")


def test_the_documentation_has_the_default_studys_convergence(tmp_path):
    # The fits of three models under one prior are the whole study's, since nothing else decides
    # them. Other kinds of processors differ by Monte Carlo error: 2 of 20 fits, a tenth of ESS.
    study = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for key in ("estimators", "planning"):
        del study[key]
    study["models"] = list(docs_numbers.MODELS)
    study["priors"] = {docs_numbers.PRIOR: study["priors"][docs_numbers.PRIOR]}
    check_out(tmp_path)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    # Some 80 processor seconds: longer than a checkout's own runs may take on a busy machine.
    subprocess.run([sys.executable, "workflow/run.py", "study.yaml"], cwd=tmp_path, check=True)
    found = docs_numbers.table(tmp_path / "results/multilevel/summary")
    said, true = numbers(docs_numbers.shown()), numbers(found)
    assert len(said) == len(true) == 9
    assert (said["fits"] == true["fits"]).all()
    assert (said["converged"] - true["converged"]).abs().max() <= 10
    assert ((said["ESS a gradient"] / true["ESS a gradient"]) - 1).abs().max() < 0.1
