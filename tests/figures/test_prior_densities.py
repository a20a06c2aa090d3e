"""The figure of priors as densities, beside the typical scale of posteriors."""

from itertools import pairwise
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, make_design, make_study
from scipy import integrate, stats

from recovery import families, figures
from recovery.families.priors import Bounded, read_distribution
from recovery.figures import prior_density_plots, style
from recovery.figures.figure_data import FigureData
from recovery.plan import figure_list, prior_panels
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

MEAN, SD = 0.7, 0.2  # of every posterior
WIDE = {
    "Intercept": "normal(0, 1)",
    "b": "normal(0, 1)",
    "sd": "student_t(3, 0, 2.5)",
    "cor": "lkj(4)",
    "sigma": "exponential(1)",
}


class Fitted(FigureData):
    """Figure data whose posteriors are all the same, without files."""

    @property
    def typical_posteriors(self):
        study = self.design.study
        index = pd.MultiIndex.from_product(
            [list(study.priors), self.parameters], names=["prior", "parameter"]
        )
        return pd.DataFrame({"mean": MEAN, "sd": SD}, index=index)


@pytest.fixture
def drawn():
    """Draw the figure for these priors; return its panels by title, and the colours of priors."""

    def draw(priors, *places):
        data = Fitted(make_design(("priors", priors), *places))
        (figure,) = (
            f for f in figure_list.figures(data.design.study) if f.kind == "prior_densities"
        )
        made = figures.draw(data, figure)
        panels = {each.get_title(loc="left"): each for each in made.axes if each.get_visible()}
        return panels, style.colours(list(priors))

    yield draw
    plt.close("all")


def curves(axes, colour):
    """The lines of a colour that are above the strip of posteriors."""
    lines = [line for line in axes.lines if line.get_color() == colour]
    return [line for line in lines if np.max(line.get_ydata()) > 0]


# Panels


def titles(*places):
    study = make_study(("models", ["centered"]), *places)
    found = prior_panels.prior_panels(families.find(study.family_choice), study)
    return {each.title: len(each.parameters) for each in found}


def test_parameters_with_the_same_priors_share_a_panel():
    alone = {"b_Intercept": 1, "b_x": 1, "cor_participant__Intercept__x": 1}
    alone |= {"Residual SD, sigma": 1}
    assert titles(("priors", {"weak": WIDE})) == alone | {"sd: 2 parameters": 2}
    other = {**WIDE, "sd_participant__x": "exponential(9)"}
    apart = {"sd_participant__Intercept": 1, "sd_participant__x": 1}
    assert titles(("priors", {"weak": WIDE, "other": other})) == alone | apart


def test_correlations_in_matrices_of_different_sizes_have_different_panels():
    """The marginal of lkj(4) is beta(4, 4) in a matrix of 2 and beta(4.5, 4.5) in one of 3."""
    crossed = (
        ("formula", "y ~ x * z + (x + z | participant) + (x | item)"),
        ("design", {"x": {"normal": [0, 1]}, "z": {"normal": [0, 1]}}),
        ("sizes", {"item": [6]}),
        ("truths", "moderate", "b", {"Intercept": 0, "x": 0, "z": 0, "x:z": 0}),
        ("truths", "moderate", "sd", "participant", {"Intercept": 1, "x": 1, "z": 1}),
        ("truths", "moderate", "sd", "item", {"Intercept": 1, "x": 1}),
        ("truths", "moderate", "cor", {"participant": 0, "item": 0}),
    )
    found = titles(*crossed, ("priors", {"weak": WIDE}))
    assert found["cor: 3 parameters"] == 3
    assert found["cor_item__Intercept__x"] == 1


def test_only_parameters_that_a_model_estimates_are_shown(drawn):
    panels, _ = drawn({"weak": WIDE}, ("models", ["pooled"]))
    assert set(panels) == {"b_Intercept", "b_x", "Residual SD, sigma"}


@pytest.mark.usefixtures("in_the_repository")
def test_a_family_without_named_priors_has_no_such_figure():
    own = parse(read_yaml(ROOT / "config/learning_rate.yaml"), families.find)
    assert "prior_densities" not in {figure.kind for figure in figure_list.figures(own)}
    assert "prior_densities" in {figure.kind for figure in figure_list.figures(make_study())}


def test_few_parameters_with_short_names_are_the_title_of_their_panel():
    family = families.find("mediation")
    study = SimpleNamespace(
        models=["noncentered"],
        priors={
            "weak": family.Prior(
                **{"path": "normal(0, 1)", "cp": "normal(0, 2)", "intercept": "normal(0, 1)"},
                **{"sd": "exponential(1)", "sigma": "exponential(1)", "cor": "lkj(2)"},
            )
        },
    )
    found = [each.title for each in prior_panels.prior_panels(family, study)]
    assert "a, b" in found
    assert "d_m, d_y" in found
    assert "sd: 5 parameters" in found


def test_a_long_title_ends_its_lines_within_names():
    name = "cor_participant__Intercept__condition:age_in_years"
    assert prior_density_plots._folded(name) == (
        "cor_participant__Intercept__\ncondition:age_in_years"
    )
    assert prior_density_plots._folded("Residual SD, sigma") == "Residual SD, sigma"


# Curves


@pytest.mark.parametrize(
    ("written", "low"),
    [
        ("student_t(3, 0, 2.5)", 0.0),
        ("normal(1, 2)", 0.0),
        ("gamma(3, 2)", 0.0),
        ("uniform(-1, 3)", -np.inf),
    ],
)
def test_a_curve_is_a_density_with_its_quantiles(written, low):
    curve = prior_density_plots._Curve(Bounded(read_distribution(written), low))
    first, last = curve.support
    points = [curve.quantile(p) for p in (0.1, 0.5)]
    ends = (first, *points, last)
    for (start, stop), share in zip(pairwise(ends), (0.1, 0.4, 0.5), strict=True):
        area = integrate.quad(lambda x: float(curve.density(np.array(x))), start, stop)[0]
        assert area == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(("eta", "size"), [(1, 2), (2, 2), (4, 3)])
def test_the_curve_of_a_correlation_is_the_marginal_of_lkj(eta, size):
    """Lewandowski, Kurowicka & Joe (2009): beta(a, a) on (-1, 1), a = eta - 1 + size / 2."""
    shape = eta - 1 + size / 2
    curve = prior_density_plots._Correlation(shape)
    x = np.array([-0.9, -0.2, 0.0, 0.5])
    exact = stats.beta(shape, shape, loc=-1, scale=2)
    np.testing.assert_allclose(curve.density(x), exact.pdf(x))
    assert curve.quantile(0.3) == pytest.approx(exact.ppf(0.3))


def test_the_drawn_curve_of_a_standard_deviation_is_a_half_distribution(drawn):
    panels, colour = drawn({"weak": WIDE}, ("models", ["centered"]))
    (line,) = curves(panels["sd: 2 parameters"], colour["weak"])
    x, y = line.get_data()
    inside = x > 0
    np.testing.assert_allclose(y[inside][:-1], 2 * stats.t(3, scale=2.5).pdf(x[inside][:-1]))
    assert (y[x < 0] == 0).all()


def test_the_drawn_curve_of_a_correlation_has_the_size_of_its_matrix(drawn):
    panels, colour = drawn({"weak": WIDE}, ("models", ["centered"]))
    (line,) = curves(panels["cor_participant__Intercept__x"], colour["weak"])
    x, y = line.get_data()
    inside = np.abs(x) < 1
    np.testing.assert_allclose(y[inside], stats.beta(4, 4, loc=-1, scale=2).pdf(x[inside]))


def test_a_constant_is_a_vertical_line_and_a_flat_prior_a_dotted_one(drawn):
    priors = {"weak": WIDE, "fixed": {**WIDE, "b": "flat", "sigma": "constant(2)"}}
    panels, colour = drawn(priors)
    (line,) = curves(panels["Residual SD, sigma"], colour["fixed"])
    assert line.get_xdata()[0] == line.get_xdata()[1] == 2
    (level,) = curves(panels["b_x"], colour["fixed"])
    assert level.get_linestyle() == ":"
    assert level.get_ydata()[0] == level.get_ydata()[1]


def test_a_curve_over_an_equal_one_is_dashed(drawn):
    panels, colour = drawn({"weak": WIDE, "other": {**WIDE, "b": "normal(0, 3)"}})
    (over,) = curves(panels["Residual SD, sigma"], colour["other"])
    assert over.get_linestyle() == "--"
    (other,) = curves(panels["b_x"], colour["other"])
    assert other.get_linestyle() == "-"


def test_constants_of_equal_value_have_dashes_at_different_places(drawn):
    fixed = {**WIDE, "sigma": "constant(2)"}
    panels, colour = drawn({"first": fixed, "second": fixed, "third": fixed})
    lines = [curves(panels["Residual SD, sigma"], colour[name])[0] for name in colour]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "--"]
    dashes = prior_density_plots._dashes({"first": 2.0, "second": 2.0, "third": 2.0})
    assert dashes == {"first": "-", "second": (-3.0, (3.0, 6.0)), "third": (-6.0, (3.0, 6.0))}


def test_flat_priors_have_different_heights_and_begin_at_the_bound(drawn):
    flat = {**WIDE, "sigma": "flat"}
    panels, colour = drawn({"weak": WIDE, "first": flat, "second": flat})
    lines = [curves(panels["Residual SD, sigma"], colour[name])[0] for name in ("first", "second")]
    heights = {line.get_ydata()[0] for line in lines}
    assert len(heights) == 2
    assert [line.get_xdata()[0] for line in lines] == [0, 0]


def test_the_top_of_a_tall_uniform_prior_is_in_the_panel(drawn):
    panels, colour = drawn({"weak": WIDE, "narrow": {**WIDE, "b": "uniform(-0.02, 0.02)"}})
    (line,) = curves(panels["b_x"], colour["narrow"])
    assert np.max(line.get_ydata()) < panels["b_x"].get_ylim()[1]


# Posteriors


def bars(axes, colour):
    lines = [line for line in axes.lines if line.get_color() == colour]
    return [line for line in lines if np.max(line.get_ydata()) < 0 and line.get_marker() != "o"]


def test_posteriors_are_bars_of_a_mean_and_a_standard_deviation(drawn):
    panels, colour = drawn({"weak": WIDE})
    (bar,) = bars(panels["b_x"], colour["weak"])
    np.testing.assert_allclose(bar.get_xdata(), [MEAN - SD, MEAN + SD])
    assert len(bars(panels["sd: 2 parameters"], colour["weak"])) == 2
    labels = [tick.get_text() for tick in panels["sd: 2 parameters"].get_yticklabels()]
    assert labels == ["sd_participant__Intercept", "sd_participant__x"]


def test_an_intercept_at_the_means_of_predictors_and_a_constant_have_no_bar(drawn):
    panels, colour = drawn({"fixed": {**WIDE, "sigma": "constant(2)"}})
    assert not bars(panels["b_Intercept"], colour["fixed"])
    assert not bars(panels["Residual SD, sigma"], colour["fixed"])


def test_typical_posteriors_are_medians_over_fits_of_all_models():
    class Estimated(FigureData):
        def estimates(self, scenario):
            rows = [
                (model, 10 * shift + replicate, 1 + replicate)
                for model, shift in (("pooled", 0), ("centered", 1), ("reml", 900))
                for replicate in range(3)
            ]
            table = pd.DataFrame(rows, columns=["model", "mean", "sd"])
            return table.assign(prior="weak", parameter="sigma")

    found = Estimated(make_design()).typical_posteriors
    assert found.loc[("weak", "sigma")].to_dict() == {"mean": 6.0, "sd": 2.0}


# Limits


def curve(written, low=-np.inf):
    return prior_density_plots._Curve(Bounded(read_distribution(written), low))


def test_limits_hold_the_narrowest_prior_whole_and_the_widest_in_part():
    narrow, wide = curve("normal(0, 0.1)"), curve("cauchy(0, 100)")
    low, high = prior_density_plots._limits([narrow, wide], [])
    assert low < -0.196 and high > 0.196  # noqa: PT018
    assert high - low < 20 * 0.392


def test_limits_hold_the_central_90_percent_of_similar_priors_and_every_posterior():
    low, high = prior_density_plots._limits([curve("normal(0, 1)"), curve("normal(1, 2)")], [9.0])
    assert low < 1 - 2 * 1.645
    assert high > 9


def test_limits_of_a_positive_parameter_begin_near_its_bound():
    low, _ = prior_density_plots._limits([curve("exponential(1)", 0.0)], [])
    assert -0.5 < low < 0


def test_limits_of_a_flat_prior_alone_are_those_of_its_posterior():
    low, high = prior_density_plots._limits([], [5.0, 6.0])
    assert 4 < low < 5
    assert 6 < high < 7


def test_a_panel_of_constants_only_has_a_width():
    low, high = prior_density_plots._limits([], [2.0])
    assert low < 2 < high


def share_of_bars(*written, bars=(0.5, 0.9)):
    shown = [curve(each, 0.0) for each in written]
    low, high = prior_density_plots._limits(shown, [], bars)
    return (bars[1] - bars[0]) / (high - low)


def test_bars_take_a_fifth_of_a_panel_whose_priors_have_heavy_tails():
    assert share_of_bars("exponential(1)", "cauchy(0, 2.5)") == pytest.approx(0.2, abs=0.02)
    assert share_of_bars("student_t(3, 0, 2.5)") == pytest.approx(0.2, abs=0.02)


def test_narrow_bars_leave_half_of_the_narrowest_prior_in_the_panel():
    low, high = prior_density_plots._limits([curve("normal(0, 1)")], [], [0.30, 0.31])
    inner = stats.norm.ppf(0.75)
    assert low < -inner
    assert inner < high < 1


def test_wide_bars_leave_the_limits_of_the_priors():
    priors = [curve("normal(0, 1)"), curve("normal(1, 2)")]
    assert prior_density_plots._limits(priors, [], [-1, 1]) == prior_density_plots._limits(
        priors, []
    )
