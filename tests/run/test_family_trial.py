"""What the trial of a researcher's own family says, before any fit."""

import re

import pytest
from conftest import STAN
from own_families import tried, tried_in_vain
from slow_cases import slow_after

from recovery import families
from recovery.common.errors import StudyError
from recovery.run import preflight
from recovery.study.parse import parse

pytestmark = pytest.mark.usefixtures("in_the_repository", "without_pause")


FAULTS = [
    (
        'return {"participant": participant, "y": y}, {"theta": theta}',
        'return {"participant": participant, "y": y}',
        "simulate: returned {'participant': array([",
    ),
    (
        '"participant": participant, "y": y}',
        '"participant": participant}',
        "simulate: observations has ['participant'], must have the columns ['participant'",
    ),
    (
        '"y": y}',
        '"y": y[1:]}',
        "simulate: column 'participant' has shape (50,), must have one",
    ),
    (
        '"y": y}',
        '"y": y * np.nan}',
        "simulate: column 'y' holds a value that is not finite",
    ),
    (
        '"participant": participant, "y"',
        '"participant": participant / 1, "y"',
        "simulate: column 'participant' holds float64, must be integer as in COLUMNS",
    ),
    (
        '"participant": participant, "y"',
        '"participant": participant - 1, "y"',
        "simulate: column 'participant' has [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], must have 1 to 10",
    ),
    (
        '{"theta": theta}\n',
        '{"theta": theta[:3]}\n',
        "simulate: theta: got shape (3,), must have (10,)",
    ),
    (
        '{"theta": theta}\n',
        "{}\n",
        "simulate: values lacks 'theta', which is in PARTICIPANTS",
    ),
    (
        '{"theta": theta}\n',
        '{"theta": theta, "nu": 1}\n',
        "simulate: values has ['nu'], must",
    ),
    (
        "PARAMETERS = {",
        'PARAMETERS = {"icc": (), ',
        "simulate: values lacks 'icc', which is in PARAMETERS",
    ),
    (
        "rng.normal(size=participants)",
        "np.random.normal(size=participants)",
        "simulate: gave other data for the same `rng`; it must draw from `rng` alone",
    ),
    (
        "theta = truth.mu",
        "theta = truth.nu",
        "simulate: raised AttributeError: 'Truth' object has no attribute 'nu'\n"
        "  line 52, in simulate: theta = truth.nu",
    ),
    (
        '    return {\n        "N"',
        '    return 1, {\n        "N"',
        "stan_data: returned (1, {",
    ),
    (
        '"y": y}',
        '"y": [[1], [1, 2]]}',
        "simulate: a column is not an array, must have one row",
    ),
    (
        '{"theta": theta}\n',
        '{"theta": theta + 1j}\n',
        "simulate: theta: got array([",
    ),
    (
        "\ndef stan_data(",
        "\ndef prior_sd(prior):\n    return {'mu': None}\n\n\ndef stan_data(",
        "prior_sd: mu: got nothing, must be a number above 0",
    ),
    (
        "\ndef stan_data(",
        "\ndef prior_sd(prior):\n    return prior.mu\n\n\ndef stan_data(",
        "prior_sd: raised AttributeError: 'Prior' object has no attribute 'mu'",
    ),
    (
        "\ndef stan_data(",
        "\ndef log_likelihood(values, observations):\n    return [1]\n\n\ndef stan_data(",
        "log_likelihood: returned [1], must be an array of (50, 2): observations x draws",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), slow_after(4, FAULTS))
def test_what_a_function_gives_is_held_to_the_file(begin, old, new, said):
    raw = begin(("family.py", old, new))
    assert f"{raw['family']}: {said}" in tried_in_vain(raw)


def test_a_prior_that_gives_no_data_is_refused_before_any_fit(begin):
    raw = begin(("family.py", "    theta = truth.mu", "    theta = np.inf + truth.mu"))
    raw["truths"] = {"drawn": {"prior": "weakly_informative"}}
    assert "cannot be simulated: " in tried_in_vain(raw)
    wide = {"mu_mean": 5, "mu_sd": 1.0e-3, "tau_rate": 1, "sigma_rate": 1}
    raw = begin(("family.py", "    theta = truth.mu", "    theta = 1 / (truth.mu < 3) + truth.mu"))
    raw["family"] = begin(
        (
            "family.py",
            "    theta = truth.mu",
            "    theta = (0 if truth.mu < 3 else np.nan) + truth.mu",
        )
    )["family"]
    said = tried_in_vain(raw | {"priors": {**raw["priors"], "wide": wide}})
    assert "none of 100 datasets can be drawn from a prior: " in said
    assert "simulate: column 'y' holds a value that is not finite" in said


def test_a_generator_may_say_that_there_are_no_data(begin):
    some = "    if truth.mu > 0:\n        raise SimulationError('too large')\n    theta = truth.mu"
    raw = begin(
        ("family.py", "Positive, Real", "Positive, Real, SimulationError"),
        ("family.py", "    theta = truth.mu", some),
    )
    raw["truths"] = {"typical": {"mu": -1, "tau": 1, "sigma": 1}}
    assert len(tried(raw)) == 2


def test_a_pooled_program_has_a_joint_model_of_its_own(begin):
    pooled = 'MODELS = {"alike": Model("NAME.stan", pooling="complete"), '
    family = families.find(begin(("family.py", "MODELS = {", pooled))["family"])
    assert (family.MODELS["alike"].joint, family.MODELS["hierarchical"].joint) == ("alike", "own")


def test_a_mapping_of_the_name_alone_is_the_name(begin):
    raw = begin()
    study = parse(raw | {"family": {"name": raw["family"]}}, families.find)
    assert study.family == raw["family"]


def test_a_drawn_truth_must_be_one(begin):
    raw = begin(("family.py", "    return Truth(", "    return dict("))
    raw["truths"] = {"drawn": {"prior": "weakly_informative"}}
    assert f"{raw['family']}: draw_truth: returned {{'mu'" in tried_in_vain(raw)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "family.py",
            'PARAMETERS = {"mu"',
            'PARAMETERS = {"tau2": (), "mu"',
            "values lacks 'tau2'",
        ),
        (
            "family.stan",
            "theta = mu + tau * z",
            "eta = mu + tau * z",
            "means.stan: does not compile",
        ),
        (
            "family.stan",
            "  vector[N] y;",
            "  vector[N] y;\n  int<lower=1> T;",
            "means.stan: stan_data lacks T, declared as int; it returned N, J, participant, y, ",
        ),
        ("family.stan", "real mu;\n  real<", "real mu;\n  rael<", "means.stan: does not compile"),
    ],
)
def test_a_program_is_held_to_the_file(begin, file, old, new, said):
    assert said in tried_in_vain(begin((file, old, new)))


@pytest.mark.parametrize(
    ("declared", "returned", "said"),
    slow_after(
        3,
        [
            (
                "matrix[2, N] X;",
                'np.ones((observations["y"].size, 2))',
                "got shape (50, 2), must be matrix[2, N] with N = 50, of shape (2, 50)",
            ),
            ("matrix[2, N] X;", 'np.ones(2 * observations["y"].size)', "got shape (100,), must be"),
            (
                "vector[6] X;",
                "[[1, 2, 3], [4, 5, 6]]",
                "got shape (2, 3), must be vector[6], of shape",
            ),
            ("int X;", "[3]", "got shape (1,), must be int, a single number"),
            ("vector[1] X;", "3", "got a single number, must be vector[1], of shape (1,)"),
            ("int X;", 'observations["y"].size / 1', "got 50.0, must be int: integers, without a"),
            ("array[2] int X;", "None", "got None, must be a number"),
        ],
    ),
)
def test_data_are_held_to_their_declarations(begin, declared, returned, said):
    raw = begin(
        ("family.stan", "  vector[N] y;", f"  vector[N] y;\n  {declared}"),
        (
            "family.py",
            '        "prior_mu_mean"',
            f'        "X": {returned},\n        "prior_mu_mean"',
        ),
    )
    assert f"means.stan: stan_data: X: {said}" in tried_in_vain(raw)


def test_data_of_every_size_are_held_to_their_declarations(begin):
    """A square matrix, transposed, goes unnoticed; what holds for one size may for no other."""
    square = '"X": np.ones((observations["y"].size, 50)),'
    before = '        "prior_mu_mean"'
    raw = begin(
        ("family.stan", "  vector[N] y;", "  vector[N] y;\n  matrix[50, N] X;"),
        ("family.py", before, f"        {square}\n{before}"),
    )
    assert len(tried(raw | {"participants": [10]})) == 2
    said = tried_in_vain(raw)
    assert (
        "means.stan: stan_data: X: got shape (100, 50), must be matrix[50, N] with N = 100, of "
        "shape (50, 100)\n  " in said
    )
    assert said.endswith("(typical-20x5)")


@pytest.mark.slow
def test_entries_that_the_program_does_not_declare_do_no_harm(begin):
    more = '        "note": "text", "ragged": [[1], [2, 3]],\n        "prior_mu_mean"'
    assert len(tried(begin(("family.py", '        "prior_mu_mean"', more)))) == 2


def test_a_parameter_that_the_program_lacks_is_named_with_those_it_has(begin):
    raw = begin(
        ("family.py", 'PARAMETERS = {"mu"', 'PARAMETERS = {"icc": (), "mu"'),
        ("family.py", '{"theta": theta}\n', '{"theta": theta, "icc": 0.5}\n'),
    )
    assert re.search(
        r"means\.stan: lacks icc, which the family's file lists under PARAMETERS; "
        r"the program has mu, tau, z, sigma, theta$",
        tried_in_vain(raw),
    )


def test_participants_that_the_program_lacks_are_counted(begin):
    said = tried_in_vain(
        begin(
            ("family.stan", "vector[J] theta = mu + tau * z;", "vector[J] eta = mu + tau * z;"),
            ("family.stan", "normal(theta[participant]", "normal(eta[participant]"),
        )
    )
    assert "has no parameters of participants, must have the 10 parameters (theta[1]" in said


@pytest.mark.slow
def test_a_quantity_with_the_name_of_a_column_of_draws_is_refused(begin):
    quantities = "generated quantities { real chain = 1; }"
    raw = begin(("family.stan", ", sigma);\n}", ", sigma);\n}\n" + quantities))
    assert (
        "means.stan: has parameters named chain, must have other names: these are"
        in tried_in_vain(raw)
    )


@pytest.mark.slow
def test_draws_that_are_not_finite_are_said(begin):
    quantities = "generated quantities { real icc = not_a_number(); }"
    raw = begin(
        ("family.stan", ", sigma);\n}", ", sigma);\n}\n" + quantities),
        ("family.py", 'PARAMETERS = {"mu"', 'PARAMETERS = {"icc": (), "mu"'),
        ("family.py", '{"theta": theta}\n', '{"theta": theta, "icc": 0.5}\n'),
    )
    assert "draws of icc are not finite" in tried_in_vain(raw)


# Sizes


@pytest.mark.slow
def test_a_generator_that_needs_the_studys_sizes_is_taken(begin):
    some = (
        "    if participants % 4 or observations != 16:\n"
        "        raise ValueError('blocks of 4, 16 items')\n    theta = truth.mu"
    )
    raw = begin(("family.py", "    theta = truth.mu", some))
    raw |= {"participants": [12, 8], "observations": [16]}
    preflight.try_programs(parse(raw, families.find), STAN, "stanli")
    assert tried(raw)[0] == "typical: 128 observations simulated"


@pytest.mark.slow
@pytest.mark.parametrize("refused", [12, 9])
def test_a_size_that_cannot_be_is_said(begin, refused):
    some = f"    if participants == {refused}:\n        1 / 0\n    theta = truth.mu"
    raw = begin(("family.py", "    theta = truth.mu", some))
    said = tried_in_vain(raw | {"participants": [12, 9, 10], "observations": [4, 3]})
    assert f"{raw['family']}: simulate: raised ZeroDivisionError: division by zero\n" in said
    size = f"with {refused} participants and 3 observations of each (typical-{refused}x3)"
    assert said.endswith(f"\n  {size}")


def test_programs_are_tried_before_any_job_with_the_smallest_size(begin):
    some = "    if participants == 9:\n        1 / 0\n    theta = truth.mu"
    raw = begin(("family.py", "    theta = truth.mu", some)) | {"participants": [12, 9]}
    study = parse(raw, families.find)
    with pytest.raises(StudyError, match=r"\n  with 9 participants and 5 observations of each$"):
        preflight.try_programs(study, STAN, "stanli")


# What does not end
