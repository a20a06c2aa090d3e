"""Steps of forced jobs: what Snakemake runs when a rule or a file is forced."""

import re
from types import SimpleNamespace

import pytest
from conftest import ROOT, make_design
from observed_study import OBSERVED

from recovery.plan.forcerun import STEPS, folder_of, folders_made_again
from recovery.plan.inputs import Inputs

FROM_OBSERVED = {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}}
EVERYTHING = (
    ("observed", "real", OBSERVED),
    ("truths", "as_real", FROM_OBSERVED),
    ("verify", {"engine": "cmdstan", "share": 1}),
    ("selection", {"leave_out": ["participant"]}),
    ("decisions", {"effect": {"of": "x", "null": 0, "bf": 10}}),
    ("keep_draws", True),
    ("engine", "cmdstan"),
)
WILDCARDS = SimpleNamespace(
    scenario="as_real-4", batch="00001-00025", model="centered", prior="weak", dataset="real"
)
SUMMARISED = {"summary", "figures", "report.html", "manifest.json", "tables", "outcome.txt"}
FITTED = {"estimates", "groups", "diagnostics", "draws", "loo", "evidence"}


def settings(*forced: str, targets: tuple = (), force: bool = False) -> SimpleNamespace:
    return SimpleNamespace(forcerun={*forced}, targets=targets, forcetargets=force, forceall=False)


def test_every_rule_with_a_script_belongs_to_one_step():
    text = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):|^use rule \w+ as (\w+)", text, re.MULTILINE)
    in_steps = [rule for step in STEPS.values() for rule in step.rules]
    assert sorted(in_steps) == sorted(one or other for one, other in rules)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_names_the_steps_that_its_inputs_come_from(step):
    method = getattr(Inputs(make_design(*EVERYTHING), ancient=str), step, lambda wildcards: {})
    files = [
        file
        for value in method(WILDCARDS).values()
        for file in ([value] if isinstance(value, str) else value)
    ]
    makers = {folder: name for name, each in STEPS.items() for folder in each.folders}
    assert {makers[folder_of(file)] for file in files} <= {*STEPS[step].reads}


@pytest.mark.parametrize(
    ("forced", "folders"),
    [
        (["fit"], FITTED | SUMMARISED),
        (["estimate"], FITTED | SUMMARISED),
        (["simulate"], {"data", "truth", "verified"} | FITTED | SUMMARISED),
        (["report"], {"report.html", "manifest.json", "tables", "outcome.txt"}),
        (["./results/small/figures/bias-x.svg"], SUMMARISED - {"summary"}),
        (["all", "unknown"], set()),
        ([], set()),
    ],
)
def test_a_forced_step_is_made_again_with_all_that_depends_on_it(forced, folders):
    assert folders_made_again(settings(*forced)) == folders


def test_force_applies_to_targets():
    targets = ("results/small/summary/performance.parquet",)
    assert folders_made_again(settings(targets=targets)) == set()
    assert folders_made_again(settings(targets=targets, force=True)) == SUMMARISED


def test_rules_of_a_module_are_forced_by_their_names_in_the_caller():
    def renamed(rule: str) -> str:
        return f"recovery_{rule}"

    assert folders_made_again(settings("recovery_outcome"), renamed) == {"outcome.txt"}
    assert folders_made_again(settings("outcome"), renamed) == set()


def test_observed_data_and_fits_to_them_are_different_folders():
    data = "results/small/observed/data/real/00001-00001.parquet"
    fits = "results/small/observed/estimates/real/centered/weak/00001-00001.parquet"
    assert [folder_of(file) for file in (data, fits)] == ["observed/data", "observed"]
