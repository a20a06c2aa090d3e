"""The documentation shows the numbers that shipped studies give."""

import io
import subprocess
import sys

import docs_numbers
import pandas as pd
import pytest
import yaml
from workflow_runs import ROOT, check_out

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
FILES = {"multilevel": "config.yaml"}  # of other studies: their name


def numbers(text: str) -> pd.DataFrame:
    """The numbers of a Markdown table; an empty cell is no number."""
    rows = [line.removeprefix("| ").removesuffix(" |") for line in text.splitlines()]
    lines = "\n".join([rows[0], *rows[2:]]).replace(" %", "")
    table = pd.read_csv(io.StringIO(lines), sep=r"\s*\|\s*", engine="python")
    return table.drop(columns="model")


@pytest.mark.parametrize("study", ["multilevel"])  # others: minutes more
def test_the_documentation_has_the_results_of_a_study(study, tmp_path):
    # Other kinds of processors differ by Monte Carlo error: of 20 fits, 2 in convergence and
    # coverage; a tenth in ESS, widths and numbers of participants.
    content = yaml.safe_load((ROOT / "config" / FILES.get(study, f"{study}.yaml")).read_text())
    if study == "multilevel":  # the fits on the page, since nothing else decides them
        for key in ("estimators", "planning"):
            del content[key]
        content["models"] = list(docs_numbers.POSTERIOR_MODELS)
        content["priors"] = {docs_numbers.PRIOR: content["priors"][docs_numbers.PRIOR]}
    check_out(tmp_path)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    # Minutes: longer than a checkout's own runs may take on a busy machine.
    subprocess.run([sys.executable, "workflow/run.py", "study.yaml"], cwd=tmp_path, check=True)
    for table in docs_numbers.TABLES:
        if table.study == study:
            said = numbers(table.shown())
            found = numbers(table.text(tmp_path / "results" / study / "summary"))
            assert len(said) == len(found) > 0
            for name in said:
                share = name.startswith(("converged", "coverage"))
                tolerance = {"abs": 10, "rel": 0} if share else {"abs": 0, "rel": 0.1}
                assert list(said[name]) == pytest.approx(
                    list(found[name]), **tolerance, nan_ok=True
                )
