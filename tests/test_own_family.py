"""A researcher's own family: what its file may hold, and what is said of one that is wrong."""

import re

import numpy as np
import pytest
from conftest import ROOT, STAN
from scipy import stats

from recovery import checks, engines, families, posterior, trial
from recovery.engines.base import EngineError, Program, Settings
from recovery.faults import StudyError
from recovery.study import parse
from recovery.yaml_file import read_yaml

TEMPLATES = ROOT / "workflow" / "templates"
BANDIT = "config/families/learning_rate.py"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def begin(tmp_path):
    """Write the template's family and study, with changes; return the study's raw content."""

    def write(*changes: tuple[str, str, str]) -> dict:
        texts = {name: (TEMPLATES / name).read_text() for name in ("family.py", "family.stan")}
        for name, old, new in changes:
            assert texts[name].count(old) >= 1, old
            texts[name] = texts[name].replace(old, new, 1)
        (tmp_path / "means.py").write_text(texts["family.py"].replace("NAME", "means"))
        (tmp_path / "means.stan").write_text(texts["family.stan"])
        raw = read_yaml(TEMPLATES / "study.yaml")
        return raw | {"name": "means", "family": str(tmp_path / "means.py")}

    return write


def refused(raw) -> str:
    """Return what is said of a study whose family cannot be."""
    with pytest.raises(StudyError) as error:
        parse(raw, families.find, "study.yaml")
    return str(error.value)


def tried(raw) -> list[str]:
    """Do what the rule `check` does."""
    design = checks.prepare(raw, ["study.yaml"], STAN, thoroughly=False)
    family = families.find(design.study.family)
    programs = {
        model: Program(str(family.program(model, STAN)), str(STAN)) for model in family.MODELS
    }
    return trial.run(design, programs)


def tried_in_vain(raw) -> str:
    with pytest.raises((StudyError, EngineError)) as error:
        tried(raw)
    return str(error.value)


# What it holds


def test_the_template_passes_its_trial(begin):
    assert tried(begin()) == [
        "typical: 50 observations simulated",
        "hierarchical under weakly_informative: fits its data and has its parameters",
    ]


def test_vectors_and_participants_get_stans_names():
    family = families.find(BANDIT)
    assert list(family.PARAMETERS) == ["mu[1]", "mu[2]", "sigma[1]", "sigma[2]"]
    assert family.POSITIVE == ("sigma[1]", "sigma[2]")
    assert list(family.COEFFICIENTS) == ["alpha", "tau"]
    truth = family.Truth(mu=(0, 1), sigma=(0.5, 0.3))
    columns, values = family.simulate(truth, 3, 4, np.random.default_rng(1))
    assert (values["mu[2]"], values["sigma[1]"]) == (1.0, 0.5)
    groups = family.participants_of([*values, "z[1,1]"])
    assert groups == {name: [f"{name}[{j}]" for j in (1, 2, 3)] for name in ("alpha", "tau")}
    assert columns["choice"].size == 12


def test_participants_may_have_vectors_of_their_own(begin):
    family = families.find(
        begin(
            ("family.py", '{"theta": ()}', '{"theta": (2,)}'),
            ("family.py", 'MEANS = {"theta": "mu"}', 'MEANS = {"theta[,2]": "mu"}'),
            ("family.py", '{"theta": theta}', '{"theta": np.stack([theta, -theta], axis=1)}'),
        )["family"]
    )
    truth = family.Truth(mu=0, tau=1, sigma=1)
    _, values = family.simulate(truth, 2, 1, np.random.default_rng(1))
    assert values["theta[2,1]"] == -values["theta[2,2]"]
    assert family.participants_of(list(values)) == {
        f"theta[,{k}]": [f"theta[1,{k}]", f"theta[2,{k}]"] for k in (1, 2)
    }
    assert family.population_of("theta[,2]") == "mu"


def test_a_log_likelihood_gets_whole_vectors_of_draws(begin):
    given = """
def log_likelihood(values, observations):
    theta = values["theta"][:, observations["participant"] - 1]
    assert theta.shape == (2, observations["y"].size)
    z = (observations["y"] - theta) / values["sigma"][:, None]
    return (-0.5 * z**2 - np.log(values["sigma"])[:, None] - 0.5 * np.log(2 * np.pi)).T


def draw_truth("""
    family = families.find(begin(("family.py", "\ndef draw_truth(", given))["family"])
    columns = {"participant": np.array([1, 2, 2]), "y": np.array([0.0, 1.0, 2.0])}
    values = {"mu": np.zeros(2), "tau": np.ones(2), "sigma": np.array([1.0, 2.0])}
    values |= {"theta[1]": np.array([0.5, 0.0]), "theta[2]": np.array([1.0, 3.0])}
    theta = np.array([[0.5, 1.0, 1.0], [0.0, 3.0, 3.0]])
    expected = stats.norm(theta, [[1.0], [2.0]]).logpdf(columns["y"]).T
    np.testing.assert_allclose(family.log_likelihood(values, columns), expected, rtol=1e-12)
    found = family.test_quantities(values, columns, np.random.default_rng(1))
    assert list(found) == ["log likelihood", "projection of theta"]
    np.testing.assert_allclose(found["log likelihood"], expected.sum(axis=0), rtol=1e-12)


def test_an_edited_file_is_another_family(begin):
    one = families.find(begin()["family"])
    other = families.find(begin(("family.py", '"Mean, mu"', '"Grand mean"'))["family"])
    assert (one.PARAMETERS["mu"], other.PARAMETERS["mu"]) == ("Mean, mu", "Grand mean")


def test_nothing_is_left_beside_the_file(begin, tmp_path):
    tried(begin())
    assert {file.name for file in tmp_path.iterdir()} == {"means.py", "means.stan"}


# Refused when the study is read


@pytest.mark.parametrize(
    ("old", "new", "said"),
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
            "Truth.prior: must have another name",
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
        ('"tau": ()', '"a b": ()', "PARAMETERS: got the name 'a b', must be a name of Stan's"),
        ('{"theta": ()}', '{"mu": ()}', "PARTICIPANTS.mu: stands in PARAMETERS too"),
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
def test_a_file_that_is_wrong_is_refused_by_its_name(begin, old, new, said):
    raw = begin(("family.py", old, new))
    assert f"{raw['family']}: {said}" in refused(raw)


def test_a_file_that_raises_is_told_with_its_own_lines_alone(begin):
    raw = begin(("family.py", 'OUTCOME = "y"', 'OUTCOME = ["y"][1]'))
    said = refused(raw)
    assert "IndexError: list index out of range\n  line 23, in <module>: OUTCOME" in said
    assert "importlib" not in said
    assert "Traceback" not in said


def test_a_type_that_is_not_imported_is_said_where_annotations_are_text(begin):
    raw = begin(
        ("family.py", '"""NAME', 'from __future__ import annotations\n"""NAME'),
        ("family.py", "NonNegative, Positive", "Positive"),
    )
    assert "Truth: has a type that is not known; is it imported?" in refused(raw)


def test_a_file_that_is_not_there_is_refused(raw_study):
    raw = raw_study | {"family": "config/families/none.py"}
    assert refused(raw) == "config/families/none.py: cannot be read: No such file or directory"


def test_a_file_with_the_name_of_a_shipped_family_is_refused(raw_study):
    said = refused(raw_study | {"family": "config/families/multilevel_linear.py"})
    assert "family: got 'config/families/multilevel_linear.py', must have another name" in said


def test_options_are_refused(begin):
    raw = begin()
    said = refused(raw | {"family": {"name": raw["family"], "predictors": 2}})
    assert "family: got the options predictors, a file of one's own has none" in said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("models", ["pooled"], "models[0]: got 'pooled', must be one of 'hierarchical'"),
        ("priors", {"p": {"mu_mean": 0}}, "priors.p.mu_sd: missing, must be given"),
        ("truths", {"t": {"mu": 0, "tau": -1, "sigma": 1}}, "truths.t.tau: got -1, must be at lea"),
        ("truths", {"t": {"mu": 0, "tau": 1, "sigma": 1, "nu": 1}}, "truths.t.nu: unknown key"),
        ("observed", {"o": {"path": "x.csv"}}, "observed.o: must not be there, the family reads"),
    ],
)
def test_a_study_is_held_to_its_family(begin, key, value, said):
    assert f"study.yaml: {said}" in refused(begin() | {key: value})


def test_a_truth_cannot_be_drawn_from_a_model_without_a_generator(begin):
    raw = begin(("family.py", 'Model("NAME.stan")', 'Model("NAME.stan", joint="another")'))
    raw["truths"] = {"t": {"prior": "weakly_informative", "model": "hierarchical"}}
    assert "truths.t.model: got 'hierarchical', must be one of (none is declared)" in refused(raw)


def test_a_program_that_is_not_there_is_refused(begin, tmp_path):
    raw = begin()
    (tmp_path / "means.stan").unlink()
    with pytest.raises(StudyError, match=r"means\.stan: cannot be read: No such file"):
        checks.prepare(raw, ["study.yaml"], STAN, thoroughly=False)


# Said by the trial


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
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
        ('"y": y}', '"y": y[1:]}', "simulate: column 'participant' has shape (50,), must have one"),
        ('"y": y}', '"y": y * np.nan}', "simulate: column 'y' holds a value that is not finite"),
        (
            '"participant": participant, "y"',
            '"participant": participant / 1, "y"',
            "simulate: column 'participant' holds float64, COLUMNS says integer",
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
        ('{"theta": theta}\n', "{}\n", "simulate: values lacks 'theta', which PARTICIPANTS has"),
        ('{"theta": theta}\n', '{"theta": theta, "nu": 1}\n', "simulate: values has ['nu'], must"),
        (
            "PARAMETERS = {",
            'PARAMETERS = {"icc": (), ',
            "simulate: values lacks 'icc', which is no",
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
        ('    return {\n        "N"', '    return 1, {\n        "N"', "stan_data: returned (1, {"),
        ('"y": y}', '"y": [[1], [1, 2]]}', "simulate: a column is no array, must have one row an"),
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
    ],
)
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
            "means.stan: does not run with what stan_data gives (N, J, participant, y, prior_",
        ),
        ("family.stan", "real mu;\n  real<", "real mu;\n  rael<", "means.stan: does not compile"),
    ],
)
def test_a_program_is_held_to_the_file(begin, file, old, new, said):
    assert said in tried_in_vain(begin((file, old, new)))


def test_a_parameter_that_the_program_lacks_is_named_with_those_it_has(begin):
    raw = begin(
        ("family.py", 'PARAMETERS = {"mu"', 'PARAMETERS = {"icc": (), "mu"'),
        ("family.py", '{"theta": theta}\n', '{"theta": theta, "icc": 0.5}\n'),
    )
    assert re.search(
        r"means\.stan: lacks icc, which the family's file has under PARAMETERS; "
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


def test_draws_that_are_not_finite_are_said(begin):
    quantities = "generated quantities { real icc = not_a_number(); }"
    raw = begin(
        ("family.stan", ", sigma);\n}", ", sigma);\n}\n" + quantities),
        ("family.py", 'PARAMETERS = {"mu"', 'PARAMETERS = {"icc": (), "mu"'),
        ("family.py", '{"theta": theta}\n', '{"theta": theta, "icc": 0.5}\n'),
    )
    assert "draws of icc are not finite" in tried_in_vain(raw)


# The bandit


def test_a_learner_follows_the_delta_rule():
    """Choices and rewards, replayed by hand, have the probabilities that they were drawn with."""
    family = families.find(BANDIT)
    truth = family.Truth(mu=(0.0, 1.0), sigma=(0.0, 0.0))  # alpha 1/2 for everybody
    columns, values = family.simulate(truth, 4000, 3, np.random.default_rng(1))
    assert {values[f"alpha[{j}]"] for j in range(1, 4001)} == {0.5}
    choice = columns["choice"].reshape(3, -1)
    reward = columns["reward"].reshape(3, -1)
    assert abs(choice[0].mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)  # no value is known yet
    once = (choice[0] == 1) & (reward[0] == 1)  # arm 2 is then worth 1/2, arm 1 nothing
    expected = 1 / (1 + np.exp(-np.e * 0.5))
    error = np.sqrt(expected * (1 - expected) / once.sum())
    assert abs(choice[1][once].mean() - expected) < 4 * error
    for arm, chance in ((0, 0.3), (1, 0.7)):
        mine = reward[choice == arm]
        assert abs(mine.mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / mine.size)


def test_the_bandits_program_has_the_likelihood_of_its_choices():
    """Log densities of two points differ as those that are written out with SciPy."""
    import stanli

    family = families.find(BANDIT)
    prior = family.Prior(mu_mean=(0, 1), mu_sd=(1, 0.5), sigma_rate=2)
    truth = family.Truth(mu=(-0.5, 1.2), sigma=(0.5, 0.3))
    columns, _ = family.simulate(truth, 3, 20, np.random.default_rng(1))
    data = {k: np.asarray(v).tolist() for k, v in family.stan_data(columns, prior).items()}
    model = stanli.Model(stan_file=str(family.program("hierarchical", STAN)), data=data)
    found, expected = [], []
    for point in np.random.default_rng(2).normal(scale=0.5, size=(2, 10)):
        found.append(model.log_prob_grad(point)[0])
        expected.append(_log_density(point, columns, prior))
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], rel=1e-9)


def _log_density(point, columns, prior) -> float:
    """Of unconstrained mu, log sigma and z (by columns), with the Jacobian of the logarithm."""
    mu, sigma, z = point[:2], np.exp(point[2:4]), point[4:].reshape(2, 3)
    alpha = 1 / (1 + np.exp(-(mu[0] + sigma[0] * z[0])))
    tau = np.exp(mu[1] + sigma[1] * z[1])
    total = stats.norm(prior.mu_mean, prior.mu_sd).logpdf(mu).sum() + stats.norm.logpdf(z).sum()
    total += stats.expon(scale=1 / prior.sigma_rate).logpdf(sigma).sum() + point[2:4].sum()
    for j in range(3):
        value = [0.0, 0.0]
        mine = columns["participant"] == j + 1
        for arm, reward in zip(columns["choice"][mine], columns["reward"][mine], strict=True):
            chance = 1 / (1 + np.exp(-tau[j] * (value[1] - value[0])))
            total += stats.bernoulli(chance).logpmf(arm)
            value[arm] += alpha[j] * (reward - value[arm])
    return total


@pytest.mark.slow
def test_the_bandits_parameters_come_back_from_much_data():
    family, engine = families.find(BANDIT), engines.find("stanli")
    truth = family.Truth(mu=(-0.5, 1.2), sigma=(0.5, 0.3))
    columns, values = family.simulate(truth, 40, 60, np.random.default_rng(1))
    prior = family.Prior(mu_mean=(0, 1), mu_sd=(1, 0.5), sigma_rate=2)
    program = Program(str(family.program("hierarchical", STAN)), str(STAN))
    draws = engine.sample(
        engine.load(program), family.stan_data(columns, prior), 1, Settings(2, 300, 300, 0.9, 8)
    )
    found = posterior.summarise(draws, list(family.PARAMETERS), [0.999])
    low, high = found["q0_05"], found["q99_95"]
    true = np.array([values[name] for name in family.PARAMETERS])
    assert np.all((low < true) & (true < high))  # false alarms 4e-3
