"""A researcher's own family in the workflow: what runs first, what reruns, what stops it."""

import os
import time

import pandas as pd
import pytest
import yaml
from workflow_runs import SUMMARY, check_out

pytestmark = pytest.mark.workflow

STUDY = {
    "family": "config/families/means.py",
    "truths": {"typical": {"mu": 0.5, "tau": 1, "sigma": 1}},
    "participants": [4],
    "models": ["hierarchical", "alike"],
    "priors": {"weak": {"mu_mean": 0, "mu_sd": 1, "tau_rate": 1, "sigma_rate": 1}},
}
# A second program, in which participants are alike.
ALIKE = (
    ("transformed parameters {\n  vector[J] theta = mu + tau * z;\n}\n", ""),
    ("real<lower=0> tau;\n  vector[J] z;\n  ", ""),
    ("  tau ~ exponential(prior_tau_rate);\n  z ~ std_normal();\n", ""),
    ("normal(theta[participant], sigma)", "normal(mu, sigma)"),
)
IMPORTS = """import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import beside
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    checkout = check_out(tmp_path_factory.mktemp("finished"))
    assert checkout.python("workflow/family.py", "means").returncode == 0
    program = (checkout.folder / "config/families/means.stan").read_text()
    for old, new in ALIKE:
        assert old in program
        program = program.replace(old, new)
    (checkout.folder / "config/families/alike.stan").write_text(program)
    family = checkout.folder / STUDY["family"]
    models = (
        'MODELS = {\n    "hierarchical": Model("means.stan"),\n    "alike": '
        'Model("alike.stan", pooling="complete", scored=("mu", "sigma"), joint="alike"),\n}'
    )
    text = family.read_text().replace('MODELS = {"hierarchical": Model("means.stan")}', models)
    family.write_text(text.replace("import numpy as np\n", IMPORTS, 1))
    (checkout.folder / "config/families/beside.py").write_text("ZERO = 0\n")
    checkout.write(**STUDY)
    done = checkout.make_study("--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def checkout(finished, tmp_path):
    return finished.copy(tmp_path / "changed")


def test_it_goes_through_to_the_report(finished):
    results = finished.folder / "results/small"
    page = (results / "report.html").read_text()
    assert "Mean, mu" in page
    assert "Alike" in page
    tried = (results / "family.txt").read_text().splitlines()
    assert tried[1:3] == [
        "hierarchical under weak: a short fit ran and gave all parameters",
        "alike under weak: a short fit ran and gave all parameters",
    ]


def test_nothing_runs_when_nothing_changed_or_files_were_touched(checkout):
    assert checkout.planned() == {}
    later = time.time() + 10
    for file in (checkout.folder / "config/families").glob("*.*"):
        os.utime(file, (later, later))
    assert checkout.planned() == {}


def test_an_edited_program_is_tried_and_runs_its_own_fits(checkout):
    program = checkout.folder / "config/families/alike.stan"
    program.write_text(program.read_text() + "\n")
    assert checkout.planned(SUMMARY) == {"check": 1, "fit": 1, "summarise": 1}


@pytest.mark.slow
@pytest.mark.parametrize("file", ["means.py", "beside.py"])
def test_an_edited_family_is_tried_and_runs_everything(checkout, file):
    edited = checkout.folder / "config/families" / file
    edited.write_text(edited.read_text() + "\n# edited\n")
    assert checkout.planned(SUMMARY) == {"check": 1, "simulate": 1, "fit": 1, "summarise": 1}


@pytest.mark.slow
def test_more_replicates_try_nothing_again(checkout):
    checkout.write(**STUDY, replicates=5, batch=3)
    assert "check" not in checkout.planned(SUMMARY)


def test_a_family_that_fails_its_trial_stops_before_any_simulation(checkout):
    family = checkout.folder / STUDY["family"]
    broken = family.read_text().replace(
        "rng.normal(size=participants)", "np.random.normal(size=participants)"
    )
    family.write_text(broken)
    done = checkout.make_study("--cores", "2")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "config/families/means.py: simulate: gave other data for the same `rng`" in said
    assert "rule simulate" not in said
    assert "Traceback" not in (checkout.folder / "results/small/logs/check.log").read_text()


@pytest.mark.slow
def test_a_file_that_cannot_load_is_refused_before_any_job(checkout):
    family = checkout.folder / STUDY["family"]
    family.write_text("import nothing_of_the_kind\n")
    for done in (checkout.make_study("--cores", "1"), checkout.snakemake("-n")):
        assert done.returncode != 0
        said = done.stdout + done.stderr
        assert "config/families/means.py: does not load: ModuleNotFoundError" in said
        assert "line 1, in <module>: import nothing_of_the_kind" in said
        assert "Traceback" not in said


def test_one_fit_of_it_can_be_made_again(finished):
    done = finished.python("workflow/replay.py", "study.yaml", "typical-4x5/hierarchical/weak/2")
    assert "The same as in the study's tables, to the last digit." in done.stdout, done.stderr


@pytest.mark.slow
def test_calibration_applies_to_what_is_exact_for_the_generator(checkout):
    raw = yaml.safe_load((checkout.folder / "study.yaml").read_text())
    checkout.write(**{**raw, "truths": {"drawn": {"prior": "weak"}}})
    assert checkout.make_study("--cores", "2").returncode == 0
    table = pd.read_parquet(checkout.folder / "results/small/summary/calibration.parquet")
    verdicts = table.groupby("model")["verdict"].unique().map(list)
    assert verdicts["alike"] == ["not applicable"]
    assert verdicts["hierarchical"] == ["inconclusive"]  # three replicates
    assert "projection of theta" in set(table["quantity"])
