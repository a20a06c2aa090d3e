"""What the page says, apart from running a whole study."""

import pytest
from conftest import ROOT, make_study

from recovery import figures, gallery, report

STUDY = make_study()


@pytest.mark.parametrize(
    ("value", "mcse", "shown"),
    [
        (0.123456, 0.0123, "0.123"),  # two digits of the MCSE
        (-0.5, 0.04, "−0.500"),  # a true minus sign
        (12.3456, 2.5, "12.3"),
        (float("nan"), 0.1, "–"),
        (None, None, "–"),
        (0.0, 0.0, "0.00"),
        (3.14159, None, "3.14"),
    ],
)
def test_a_number_has_the_digits_that_its_mcse_warrants(value, mcse, shown):
    assert report.number(value, mcse) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.895, "90 %"), (0, "0 %"), (float("nan"), "–")])
def test_shares_are_shown_in_per_cent(share, shown):
    assert report.percent(share) == shown


def test_every_figure_has_a_drawing_and_a_caption():
    observed = {"path": "x.csv", "outcome": "y", "predictor": "x", "participant": "p"}
    drawn = ("truths", "drawn", {"prior": "weak"})
    verify = ("verify", {"engine": "cmdstan", "share": 0.1})
    study = make_study(("observed", "real", observed), drawn, verify)
    kinds = {figure.kind for figure in gallery.figures(study)}
    assert kinds == set(figures.DRAW)
    for kind in kinds:
        assert (ROOT / f"workflow/report/{kind}.rst").read_text().strip()


def test_every_condition_has_figures_of_its_own():
    study = make_study(("observations", [3, 6]))
    names = [figure.name for figure in gallery.figures(study) if figure.kind == "bias"]
    assert names == ["bias-moderate-x3", "bias-moderate-x6"]


def test_a_model_has_the_same_colour_in_every_figure_of_a_study():
    from recovery.figures import style

    colours = style.colours(STUDY.models)
    assert list(colours) == list(STUDY.models)
    assert len(set(colours.values())) == len(colours)
