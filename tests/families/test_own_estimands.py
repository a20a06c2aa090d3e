"""Estimands of an own family: functions of its parameters."""

import numpy as np
import pytest
from own_families import refused, tried, tried_in_vain

from recovery import families

pytestmark = pytest.mark.usefixtures("in_the_repository")

BEFORE = "\n# The columns of a dataset"
SHARE = "\ndef share(tau, sigma):\n    return tau**2 / (tau**2 + sigma**2)\n"


def with_estimand(begin, estimands='{"share": share}', code=SHARE, *more):
    given = f"{code}\nESTIMANDS = {estimands}\n{BEFORE}"
    return begin(("family.py", BEFORE, given), *more)


def test_it_is_a_parameter(begin):
    raw = with_estimand(begin)
    family = families.find(raw["family"])
    assert list(family.PARAMETERS) == ["mu", "tau", "sigma", "share"]
    assert family.MODELS["hierarchical"].scored == ("mu", "tau", "sigma", "share")
    values = {"mu": 0.0, "tau": 1.0, "sigma": 2.0}
    assert family.with_estimands(values)["share"] == pytest.approx(0.2)
    draws = {"tau": np.ones((2, 3)), "sigma": np.full((2, 3), 3.0)}
    np.testing.assert_allclose(family.ESTIMANDS["share"].value(draws), np.full((2, 3), 0.1))
    assert tried(raw)[-1].endswith("a short fit ran and gave all parameters")


def test_a_study_can_combine_it_with_parameters(begin):
    family = families.find(with_estimand(begin)["family"], {"twice": "2 * share - mu"})
    values = {"mu": 1.0, "tau": 1.0, "sigma": 2.0}
    assert family.with_estimands(values)["twice"] == pytest.approx(-0.6)


def test_vectors_are_whole(begin):
    code = "\ndef gap(theta):\n    return theta[:, 1] - theta[:, 0]\n"
    changes = [
        ("family.py", '"mu": (), ', '"mu": (), "theta": (2,), '),
        ("family.py", 'PARTICIPANTS = {"theta": ()}', "PARTICIPANTS = {}"),
        ("family.py", 'MEANS = {"theta": "mu"}', "MEANS = {}"),
    ]
    family = families.find(with_estimand(begin, '{"gap": gap}', code, *changes)["family"])
    values = {"theta[1]": np.array([1.0, 2.0]), "theta[2]": np.array([4.0, 4.0])}
    assert family.ESTIMANDS["gap"].value(values).tolist() == [3.0, 2.0]


@pytest.mark.parametrize(
    ("estimands", "code", "message"),
    [
        ('["share"]', SHARE, "ESTIMANDS: got ['share'], must be a mapping of names to functions"),
        ('{"tau": share}', SHARE, "ESTIMANDS.tau: is the name of something else, must be another"),
        ('{"a b": share}', SHARE, "ESTIMANDS: got the name 'a b', must be letters, digits and"),
        ('{"share": 3}', SHARE, "ESTIMANDS.share: got 3, must be a function of parameters"),
        (
            '{"share": share}',
            "\ndef share(tau, sigm):\n    return tau\n",
            "ESTIMANDS.share: has the argument 'sigm', must be one of mu, tau, sigma",
        ),
    ],
)
def test_wrong_files(begin, estimands, code, message):
    assert message in refused(with_estimand(begin, estimands, code))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('no')", "ESTIMANDS.share: raised KeyError: 'no'"),
        ("return float(tau.mean())", "must be an array with one number for each draw"),
        ('return tau * float("nan")', "draws of share are not finite"),
    ],
)
def test_wrong_functions(begin, body, message):
    code = f"\ndef share(tau, sigma):\n    {body}\n"
    assert message in tried_in_vain(with_estimand(begin, '{"share": share}', code))
