"""Figures of prior predictive distributions: the plausible range, and priors without draws."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import make_design

from recovery import figures
from recovery.figures import prior_plots
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure

REASON = "the prior is flat for b_x"


class Predicted(FigureData):
    """Figure data with outcomes from -9 to 9 under `weak`, and none under `other`; no files."""

    @property
    def prior_predictive(self):
        rows = []
        for draw in range(1, 101):
            y = 9 - 18 * (draw - 1) / 99
            rows += [("weak", draw, "line", x, y) for x in (-1.0, 1.0)]
            rows += [("weak", draw, "outcome", 0.0, y)]
        return pd.DataFrame(rows, columns=["prior", "draw", "kind", "x", "y"])

    @property
    def prior_outcomes(self):
        return pd.DataFrame({"prior": ["weak", "other"], "reason": [None, REASON]})

    def first_outcomes(self, scenario):
        return np.array([-1.0, 1.0])


@pytest.fixture
def drawn():
    """Draw a figure of this kind; return it and its panels."""

    def draw(kind, *places):
        weak = make_design().study.priors["weak"].model_dump()
        data = Predicted(make_design(("priors", "other", weak | {"b": "flat"}), *places))
        made = figures.draw(data, Figure(kind, kind, "", ""))
        return made, [axes for axes in made.axes if axes.get_visible()]

    yield draw
    plt.close("all")


def texts(made) -> list[str]:
    return [" ".join(text.get_text().split()) for text in made.findobj(plt.Text)]


def ends(axes, of) -> list[float]:
    lines = [line for line in axes.lines if line.get_linestyle() == ":"]
    return [of(line)[0] for line in lines]


KINDS = {
    "prior_predictive": lambda line: line.get_ydata(),
    "prior_outcomes": lambda line: line.get_xdata(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_ends_of_the_plausible_range_within_a_panel_are_drawn(drawn, kind):
    made, panels = drawn(kind, ("plausible", [-5, 3600]))
    assert ends(panels[0], KINDS[kind]) == [-5]
    assert "End of the plausible range" in texts(made)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_plausible_range_nothing_is_drawn_of_it(drawn, kind):
    made, panels = drawn(kind)
    assert ends(panels[0], KINDS[kind]) == []
    assert "End of the plausible range" not in texts(made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_panel_of_a_flat_prior_says_why_it_has_no_prediction(drawn, kind):
    made, _ = drawn(kind)
    assert f"No prediction: {REASON}" in texts(made)
    assert "Prior: other" in texts(made)
    assert prior_plots._NO_DATA not in texts(made)


def test_one_extreme_outcome_does_not_stretch_the_panel():
    outcomes = np.append(np.linspace(-2, 2, 99), -4000.0)
    edges = prior_plots._edges(outcomes, np.array([-1.0, 1.0]))
    assert -6 < edges[0] < -2
    assert edges[-1] == pytest.approx(2)


def test_few_integers_have_a_bin_each():
    edges = prior_plots._edges(np.array([0, 1, 1, 3]), np.array([0, 2]))
    np.testing.assert_array_equal(edges, [-0.5, 0.5, 1.5, 2.5, 3.5])
