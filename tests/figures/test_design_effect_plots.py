"""The figure of effects of the design: its place in the list, and what its tiles show."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import make_design, make_study
from observed_study import OBSERVED

from recovery import figures
from recovery.figures import design_effect_plots
from recovery.figures.figure_data import FigureData
from recovery.plan import figure_list

COUNTS = ("participants", [4, 8])
TERMS = ("participants", "model", "participants x model")


def listed(*places):
    study = make_study(*places)
    return [each for each in figure_list.figures(study) if each.kind == "design_effects"]


class WithEffects(FigureData):
    """Figure data with given shares and corrected p-values of effects on bias, without files."""

    effects = (("b_x", (0.7, 0.004, 0.0), (0.01, 0.04, 1.0)), ("sigma", (0.996,), (0.2,)))

    @property
    def design_effects(self):
        rows = [
            (parameter, "bias", np.nan, *each)
            for parameter, shares, p_values in self.effects
            for each in zip(TERMS, shares, p_values, strict=False)
        ]
        columns = ["parameter", "measure", "level", "term", "share", "p_corrected"]
        table = pd.DataFrame(rows, columns=columns)
        return pd.concat([table, table.assign(measure="coverage", level=0.89)])


class WithoutEffects(WithEffects):
    """The same without any known share."""

    effects = (("b_x", (np.nan,) * 3, (np.nan,) * 3),)


@pytest.fixture
def drawn_from():
    def draw(kind):
        data = kind(make_design(COUNTS))
        return figures.draw(data, *listed(COUNTS))

    yield draw
    plt.close("all")


def test_several_crossed_cells_have_a_figure_of_effects():
    recovered = {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}}
    observed = ("observed", "real", OBSERVED), ("truths", "recovered", recovered)
    assert [each.name for each in listed(COUNTS)] == ["design_effects"]
    assert [each.name for each in listed()] == ["design_effects"]  # two models
    assert listed(("models", ["pooled"])) == []
    assert listed(("models", ["pooled"]), ("estimators", ["reml"])) == []
    assert listed(*observed) == []


def test_each_tile_has_its_share_and_clear_effects_are_bold(drawn_from):
    bias, coverage = (axes for axes in drawn_from(WithEffects).axes if axes.get_visible())
    assert bias.get_title(loc="left") == "Bias"
    assert coverage.get_title(loc="left") == "Coverage of 89 % intervals"
    tiles = {text.get_position(): text for text in bias.texts}
    shown = {place: (text.get_text(), text.get_fontweight()) for place, text in tiles.items()}
    assert shown == {
        (0, 0): ("70", "bold"),
        (0, 1): ("<1", "bold"),
        (0, 2): ("0", "normal"),
        (1, 0): (">99", "normal"),
    }
    (image,) = bias.images
    colours = image.get_array()
    assert (colours[0, 1] == 1).all()  # not clear
    assert colours[0, 0, :3].sum() < colours[1, 0, :3].sum() < 3  # darker with the share


def test_terms_are_in_words(drawn_from):
    first = next(axes for axes in drawn_from(WithEffects).axes if axes.get_visible())
    labels = [label.get_text() for label in first.get_yticklabels()]
    assert labels == ["participants", "model", "participants \N{MULTIPLICATION SIGN} model"]


def test_without_a_known_share_the_figure_says_so(drawn_from):
    texts = [text.get_text() for text in drawn_from(WithoutEffects).findobj(plt.Text)]
    assert design_effect_plots.NOTHING in texts
