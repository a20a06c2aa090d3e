"""Decisions on the page: their questions in words."""

import pytest

from recovery.report.sections import decisions_section
from recovery.study.decisions import Equivalence, Evidence, Excludes, OneSided

ROPE = {"of": "b_x", "rope": (-0.1, 0.25), "interval": 0.9}


@pytest.mark.parametrize(
    ("rule", "question", "no"),
    [
        (
            Excludes(of="b_x", interval=0.95, excludes=0.0),
            "the 95 % interval of b_x excludes 0",
            "",
        ),
        (
            Equivalence(**ROPE, inside=True),
            "the 90 % interval of b_x lies inside the region from \N{MINUS SIGN}0.1 to 0.25",
            "it lies wholly outside",
        ),
        (
            Equivalence(**ROPE, inside=False),
            "the 90 % interval of b_x lies wholly outside the region from "
            "\N{MINUS SIGN}0.1 to 0.25",
            "it lies inside",
        ),
        (
            OneSided(of="b_x", below=-1.5, probability=0.975),
            "the posterior probability that b_x is below \N{MINUS SIGN}1.5 is at least 97.5 %",
            "",
        ),
        (
            Evidence(of="b_x", null=0.0, bf=10.0),
            "the Bayes factor of b_x against 0 is at least 10",
            "it is at most 1/10",
        ),
    ],
)
def test_a_decision_is_asked_in_words(rule, question, no):
    assert decisions_section.question(rule) == question
    assert decisions_section.no_in_words(rule) == no
