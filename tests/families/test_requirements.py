"""Messages about an invalid own family, when its study is read."""

import pytest
from conftest import STAN
from own_families import refused

from recovery.common.errors import StudyError
from recovery.run import preflight

pytestmark = pytest.mark.usefixtures("in_the_repository")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("import numpy as np", "import numpyy as np", "does not load: ModuleNotFoundError: No mod"),
        ("    mu: Real\n", "    mu: Real, \n", "does not load: SyntaxError"),
        ('OUTCOME = "y"', "", "OUTCOME: missing, must be the name of the column of outcomes"),
        (
            "def stan_data(",
            "def stan_datas(",
            "stan_data: missing, must be a function stan_data(observations, prior)",
        ),
        ("class Truth(Frozen):", "class Truth:", "Truth: got <class"),
        (
            "    mu: Real\n",
            "    mu: Real\n    prior: Real\n",
            "Truth.prior: is a reserved key of truths in a study, must have another name",
        ),
        ("POSITIVE = (", "POSITIV = (", "POSITIV: unknown; should it be POSITIVE?"),
        (
            'POSITIVE = ("tau"',
            'POSITIVE = ("nu"',
            "POSITIVE: got 'nu', must be one of mu, tau, sigm",
        ),
        (
            'LABELS = {"mu"',
            'LABELS = {"nu"',
            "LABELS: got 'nu', must be one of mu, tau, sigma, the",
        ),
        ('MEANS = {"theta"', 'MEANS = {"eta"', "MEANS: got 'eta', must be one of theta"),
        ('"tau": ()', '"tau": 2', "PARAMETERS.tau: got 2, must be a shape: (), (2,) or (2, 3)"),
        ('"tau": ()', '"a b": ()', "PARAMETERS: got the name 'a b', must be a valid Stan"),
        ('{"theta": ()}', '{"mu": ()}', "PARTICIPANTS.mu: is also in PARAMETERS"),
        ('{"theta": ()}', '{"draw": ()}', "PARTICIPANTS.draw: is reserved for tables of draws"),
        ('"tau": ()', '"chain": ()', "PARAMETERS.chain: is reserved for tables of draws, must"),
        ('"mu": ()', '"mu": (2,), "mu[1]": ()', "PARAMETERS.mu[1]: is already an element of 'mu'"),
        ('"y": "real"', '"y": "text"', "COLUMNS.y: got 'text', must be 'integer' or 'real'"),
        ('"participant": "integer", ', "", "COLUMNS: must have 'participant': 'integer'"),
        ('OUTCOME = "y"', 'OUTCOME = "x"', "OUTCOME: got 'x', must be one of participant, y"),
        ('Model("NAME.stan")', '"NAME.stan"', "MODELS.hierarchical: got 'means.stan', must be a M"),
        (
            "NonNegative, Positive",
            "Positive",
            "does not load: NameError: name 'NonNegative' is not",
        ),
        ("import numpy as np", "import sys\nsys.exit(2)", "does not load: SystemExit: 2"),
        ('OUTCOME = "y"', 'OUTCOME = ["y"]', "OUTCOME: got ['y'], must be the name of the column"),
        ('POSITIVE = ("tau", "sigma")', 'POSITIVE = ("tau")', "POSITIVE: got 'tau', must be a tup"),
        (
            'POSITIVE = ("tau", "sigma")',
            "POSITIVE = None",
            "POSITIVE: got nothing, must be a tuple",
        ),
        ('MEANS = {"theta": "mu"}', 'MEANS = ["mu"]', "MEANS: got ['mu'], must be a mapping of na"),
        ('MEANS = {"theta": "mu"}', 'MEANS = {"theta": ["mu"]}', "MEANS: got {'theta': ['mu']}, m"),
        ('{"mu": "Mean, mu"', '{"mu": 3', "LABELS: got {'mu': 3, 'tau'"),
        ('Model("NAME.stan")', "Model(3)", "MODELS.hierarchical.program: got 3, must be text"),
        ('"NAME.stan")', '"NAME.stan", label=3)', "MODELS.hierarchical.label: got 3, must be te"),
        (
            '"NAME.stan")',
            '"NAME.stan", integrated=1)',
            "MODELS.hierarchical.integrated: got 1, mu",
        ),
        ('"NAME.stan")', '"NAME.stan", scored="mu")', "MODELS.hierarchical.scored: got 'mu', must"),
        ('"NAME.stan")', '"l{x}.stan")', "MODELS.hierarchical.program: got 'l{x}.stan', must be a"),
        ('"tau": ()', '"tau": (True,)', "PARAMETERS.tau: got (True,), must be a shape: ()"),
        (
            'Model("NAME.stan")',
            'Model("NAME.stan", scored=("nu",))',
            "MODELS.hierarchical.scored: got 'nu', must be one of mu, tau, sigma",
        ),
    ],
)
def test_an_invalid_file_is_refused_with_its_name(begin, old, new, message):
    raw = begin(("family.py", old, new))
    assert f"{raw['family']}: {message}" in refused(raw)


def test_an_exception_at_load_is_shown_with_lines_of_the_file_only(begin):
    raw = begin(("family.py", 'OUTCOME = "y"', 'OUTCOME = ["y"][1]'))
    message = refused(raw)
    assert "IndexError: list index out of range\n  line 23, in <module>: OUTCOME" in message
    assert "importlib" not in message
    assert "Traceback" not in message


def test_a_type_that_is_not_imported_is_named_if_annotations_are_text(begin):
    raw = begin(
        ("family.py", '"""NAME', 'from __future__ import annotations\n"""NAME'),
        ("family.py", "NonNegative, Positive", "Positive"),
    )
    assert "Truth: has an unknown type; is it imported?" in refused(raw)


def test_a_missing_file_is_refused(raw_study):
    raw = raw_study | {"family": "config/families/none.py"}
    assert refused(raw) == "config/families/none.py: cannot be read: No such file or directory"


def test_a_file_with_the_name_of_a_shipped_family_is_refused(raw_study):
    message = refused(raw_study | {"family": "config/families/multilevel_linear.py"})
    message = message.partition("family: got 'config/families/multilevel_linear.py', ")[2]
    assert message.startswith("must not have the name of a shipped family: ")


def test_options_are_refused(begin):
    raw = begin()
    message = refused(raw | {"family": {"name": raw["family"], "predictors": 2}})
    assert "family: got the options predictors, must have none with a Python file" in message


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("models", ["pooled"], "models[0]: got 'pooled', must be one of 'hierarchical'"),
        ("priors", {"p": {"mu_mean": 0}}, "priors.p.mu_sd: missing, must be given"),
        ("truths", {"t": {"mu": 0, "tau": -1, "sigma": 1}}, "truths.t.tau: got -1, must be at lea"),
        ("truths", {"t": {"mu": 0, "tau": 1, "sigma": 1, "nu": 1}}, "truths.t.nu: unknown key"),
        ("observed", {"o": {"path": "x.csv"}}, "observed.o: must not be there, the family reads"),
    ],
)
def test_a_study_that_does_not_fit_its_family_is_refused(begin, key, value, message):
    assert f"study.yaml: {message}" in refused(begin() | {key: value})


def test_a_truth_cannot_be_drawn_from_a_model_without_a_generator(begin):
    raw = begin(("family.py", 'Model("NAME.stan")', 'Model("NAME.stan", joint="another")'))
    raw["truths"] = {"t": {"prior": "weakly_informative", "model": "hierarchical"}}
    assert "truths.t.model: got 'hierarchical', must be one of (none is declared)" in refused(raw)


def test_a_missing_program_is_refused(begin, tmp_path):
    raw = begin()
    (tmp_path / "means.stan").unlink()
    with pytest.raises(StudyError, match=r"means\.stan: cannot be read: No such file"):
        preflight.prepare(raw, "study.yaml", STAN, thoroughly=False)
