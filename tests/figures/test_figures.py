"""The figures of a study: which there are, what they compute, and their messages."""

import struct

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import make_design, make_study

from recovery import figures
from recovery.figures import dataset_plots, design_plots, interval_plots, rank_plots, style
from recovery.figures.figure_data import FigureData
from recovery.plan import figure_list
from recovery.score import planning
from recovery.score.measures import uniformity

CROSSED = (
    ("formula", "y ~ x + (x | participant) + (1 | item)"),
    ("sizes", {"item": [6, 12]}),
    ("truths", "moderate", "sd", "item", {"Intercept": 0.5}),
)
DRAWN = ("truths", "drawn", {"prior": "weak"})
CALIBRATION = {"ecdf", "ranks", "contraction"}


def kinds(*places) -> set[str]:
    return {figure.kind for figure in figure_list.figures(make_study(*places))}


def names(kind, *places) -> list[str]:
    return [
        figure.name for figure in figure_list.figures(make_study(*places)) if figure.kind == kind
    ]


# List of figures


def test_figures_of_calibration_need_a_truth_drawn_from_a_prior():
    assert not kinds() & CALIBRATION
    assert kinds(DRAWN) >= CALIBRATION


def test_every_scenario_with_drawn_truths_has_figures_of_calibration():
    assert names("ecdf", DRAWN, ("participants", [4, 8])) == ["ecdf-drawn-4x3", "ecdf-drawn-8x3"]


def test_ranks_are_those_of_drawn_truths_under_the_prior_of_the_draw():
    weak = make_study().priors["weak"].model_dump()
    study = make_study(DRAWN, ("priors", "other", weak | {"sigma": "exponential(2)"}))
    assert figure_list.ranked_cells(study) == [
        ("drawn-4x3", "pooled", "weak"),
        ("drawn-4x3", "centered", "weak"),
    ]
    assert figure_list.ranked_cells(make_study()) == []


def test_the_whole_design_has_one_figure_if_it_has_several_conditions():
    assert names("nested_loop") == []
    assert names("nested_loop", ("participants", [4, 8])) == ["nested_loop"]
    assert names("nested_loop", DRAWN, ("observations", [3, 6])) == ["nested_loop"]


def test_a_study_with_targets_has_a_planning_figure():
    assert names("planning", ("participants", [4, 8])) == []
    targets = ("participants", [4, 8]), ("planning", "sigma", {"rmse": 0.1})
    assert names("planning", *targets) == ["planning-moderate-x3"]


def test_every_number_of_items_has_its_own_figures():
    assert names("bias", *CROSSED) == ["bias-moderate-x3-item6", "bias-moderate-x3-item12"]
    titles = [f.title for f in figure_list.figures(make_study(*CROSSED)) if f.kind == "caterpillar"]
    assert titles == [
        f"Groups' intervals: moderate, item: {number}, 3 observations each" for number in (6, 12)
    ]
    assert names("nested_loop", *CROSSED) == ["nested_loop"]


def test_lines_over_a_predictor_need_a_design_in_which_only_participants_vary():
    assert "lines" in kinds()
    assert "lines" not in kinds(*CROSSED)


def test_the_caterpillar_plot_shows_the_last_model_with_partial_pooling():
    study = make_study(("models", ["centered", "marginal", "pooled"]))
    assert figure_list.partial_model(study) == "marginal"
    assert "caterpillar" not in kinds(("models", ["pooled", "unpooled"]))


# Computed values


def test_centiles_rank_absolute_values():
    centiles = interval_plots.centiles(np.array([-3.0, 0.1, 2.0, -0.5]))
    assert centiles.tolist() == [0.875, 0.125, 0.625, 0.375]


def test_factors_list_the_level_in_each_condition():
    weak = make_study().priors["weak"].model_dump()
    study = make_study(("participants", [4, 8]), ("priors", "very_tight", weak | {"cor": "lkj(8)"}))
    assert design_plots.factors(study) == {
        "Participants": ["4", "4", "8", "8"],
        "Prior": ["weak", "very tight", "weak", "very tight"],
    }


def test_other_sizes_are_factors_too():
    study = make_study(*CROSSED, ("participants", [4, 8]))
    assert design_plots.factors(study) == {
        "Participants": ["4", "4", "8", "8"],
        "Item": ["6", "12", "6", "12"],
    }


def test_a_factor_with_one_level_has_no_track():
    assert design_plots.factors(make_study()) == {}


def test_segments_are_one_broken_line():
    x, y = style.segments(np.array([0.0, 1.0]), np.array([2.0, 3.0]), np.array([5, 6]))
    np.testing.assert_array_equal(x, [0, 2, np.nan, 1, 3, np.nan])
    np.testing.assert_array_equal(y, [5, 5, 5, 6, 6, 6])


# Drawings


class Ranked(FigureData):
    """Figure data with uniform ranks in every cell, without files."""

    def uniforms(self, cell):
        rng = np.random.default_rng(len(cell[1]))
        return {"b_Intercept": rng.random(200), "log likelihood": rng.random(200)}


def of_kind(data, kind):
    return next(f for f in figure_list.figures(data.design.study) if f.kind == kind)


def texts(drawn) -> list[str]:
    return [text.get_text() for text in drawn.findobj(plt.Text)]


@pytest.fixture
def close():
    yield
    plt.close("all")


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize(("size", "pixels"), [((600, 1), (60_000, 100)), ((6, 4), (900, 600))])
def test_a_figure_of_any_width_can_be_saved(size, pixels, tmp_path):
    figures.save(plt.figure(figsize=size), tmp_path / "a.png", "png", "identity")
    header = (tmp_path / "a.png").read_bytes()[16:24]
    assert struct.unpack(">II", header) == pixels


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize("size", [(1, 900), (200, 200), (100, 30)])
def test_a_figure_of_any_area_fits_into_memory(size):
    dots = figures.resolution(plt.figure(figsize=size))
    assert max(size) * dots <= 60_001
    assert size[0] * dots * size[1] * dots <= 100_000_001


@pytest.mark.usefixtures("close")
def test_a_uniform_ecdf_stays_in_its_band_and_only_exact_models_are_drawn():
    data = Ranked(make_design(DRAWN, ("models", ["pooled", "centered"])))
    drawn = rank_plots.ecdf(data, of_kind(data, "ecdf"))
    assert {"b_Intercept", "log likelihood", "Centred"} <= set(texts(drawn))
    assert "Pooled" not in texts(drawn)
    colour = style.colours(data.design.study.models)["centered"]
    points, lower, upper = uniformity.band(200, 0.95)
    for axes in drawn.axes[:2]:
        (line,) = (line for line in axes.lines if line.get_color() == colour)
        np.testing.assert_array_equal(line.get_xdata(), points)
        share = line.get_ydata() + points
        assert ((lower <= share) & (share <= upper)).all()


@pytest.mark.usefixtures("close")
def test_histograms_of_ranks_have_mean_1():
    data = Ranked(make_design(DRAWN))
    drawn = rank_plots.ranks(data, of_kind(data, "ranks"))
    for axes in drawn.axes[:2]:
        (steps,) = (patch for patch in axes.patches if hasattr(patch, "get_data"))
        assert steps.get_data().values.mean() == pytest.approx(1)


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize("kind", ["ecdf", "ranks"])
def test_a_figure_without_an_exact_model_shows_a_message(kind):
    data = Ranked(make_design(DRAWN, ("models", ["pooled"])))
    drawn = getattr(rank_plots, kind)(data, of_kind(data, kind))
    assert rank_plots.NOTHING in texts(drawn)


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize("limits", [(0.02, 0.6), (0.2, 0.6), (80, 50_000)])
def test_ticks_of_a_log_axis_are_plain_numbers(limits):
    drawn, (axes,) = style.folded(1, 1, 3, 2)
    style.log_y_axis(axes)
    axes.set_ylim(*limits)
    drawn.canvas.draw()
    ticks = [*axes.get_yticklabels(), *axes.get_yticklabels(minor=True)]
    labels = [tick.get_text() for tick in ticks if tick.get_text()]
    assert len(labels) >= 2
    assert all(float(label.replace(",", "")) > 0 for label in labels)


class Grouped(FigureData):
    """Figure data of a crossed study whose estimates are half of the true values, without files."""

    def first_dataset(self, scenario):
        truth, rng = self.design.study.truths[scenario.truth], np.random.default_rng(1)
        sizes = dict(scenario.sizes)
        return self.family.simulate(truth, scenario.participants, scenario.observations, rng, sizes)

    def estimates(self, scenario):
        _, values = self.first_dataset(self.design.scenarios[scenario])
        rows = {"model": "centered", "prior": "weak", "replicate": 1, "parameter": list(values)}
        truth = np.array(list(values.values()))
        bounds = {name: truth / 2 + side for name, side in (("q5_5", -1), ("q94_5", 1))}
        return pd.DataFrame(rows | {"truth": truth, "mean": truth / 2, "sd": 0.5} | bounds)


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize("kind", ["caterpillar", "shrinkage"])
def test_deviations_of_all_groups_are_drawn_around_0(kind):
    data = Grouped(make_design(*CROSSED))
    draw = {"caterpillar": interval_plots.caterpillar, "shrinkage": dataset_plots.shrinkage}[kind]
    drawn = draw(data, of_kind(data, kind))
    shown = "|".join(texts(drawn))
    for label in ("Intercept by participant", "x by participant", "Intercept by item"):
        assert label in shown
    assert "eviation from the population" in shown
    assert "No deviation" in shown
    for axes, groups in zip(drawn.axes, (4, 4, 6), strict=False):
        zero = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
        assert zero == [0]
        points = [line for line in axes.lines if line.get_marker() == "o"]
        assert {len(line.get_xdata()) for line in points} == {groups}


class Decided(FigureData):
    """Figure data of a study with a decision, without files."""

    @property
    def decisions(self):
        counts, rates = [4, 16], [0.25, 0.75]
        keys = {"model": "pooled", "prior": "weak", "decision": "effect"}
        table = pd.DataFrame({"participants": counts, "rate": rates, "lower": 0.1, "upper": 0.9})
        scenarios = [f"moderate-{count}x3" for count in counts]
        return table.assign(scenario=scenarios, n_replicates=[40, 8], **keys)


@pytest.mark.usefixtures("close")
def test_the_rates_of_yes_are_drawn_over_participants():
    decision = ("decisions", "effect", {"of": "x", "interval": 0.9, "excludes": 0})
    assert names("decisions", decision) == []  # one count
    data = Decided(make_design(("participants", [4, 16]), decision))
    drawn = figures.draw(data, of_kind(data, "decisions"))
    marks = [line for line in drawn.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_ydata().tolist() for line in marks] == [[0.25, 0.75], [0.75]]
    assert marks[1].get_markerfacecolor() == "white"  # fewer than planned


class Planned(FigureData):
    """Figure data of a study with a target for the RMSE of sigma, without files."""

    @property
    def performance(self):
        table = pd.DataFrame(
            [
                ("pooled", 4, 0.4),
                ("pooled", 16, 0.2),
                ("centered", 4, np.nan),
                ("centered", 16, np.nan),
            ],
            columns=["model", "participants", "value"],
        )
        keys = {"truth": "moderate", "observations": 3, "prior": "weak", "parameter": "sigma"}
        spread = {"mcse": 0.01, "lower": np.nan, "upper": np.nan, "n_replicates": 100}
        return table.assign(subset="all", measure="rmse", level=np.nan, **keys, **spread)

    @property
    def planned_values(self):
        return self.performance

    @property
    def planning(self):
        study = self.design.study
        return planning.participants_needed(self.performance, study.planning, study.counted_sizes)


class PlannedByItems(Planned):
    """The same with two numbers of items; with twice the items, errors are half as large."""

    @property
    def performance(self):
        table = super().performance
        twice = table.assign(value=table["value"] / 2, n_item=12)
        return pd.concat([table.assign(n_item=6), twice])


def marked(data, drawn) -> list[float]:
    """The numbers of participants that `pooled` needs, as drawn."""
    mark = style.markers(data.design.study.models)["pooled"]
    marks = [line.get_xdata()[0] for line in drawn.axes[1].lines if line.get_marker() == mark]
    return [x for x in marks if np.isfinite(x)]


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize(("target", "needed"), [(0.25, [11]), (0.1, [])])
def test_the_number_needed_is_marked_below_the_curves_if_the_target_is_met(target, needed):
    places = ("participants", [4, 16]), ("planning", "sigma", {"rmse": target})
    data = Planned(make_design(*places))
    drawn = figures.draw(data, of_kind(data, "planning"))
    curves, _ = drawn.axes
    assert marked(data, drawn) == needed  # 4 (0.4 / 0.25)^2 = 10.24
    assert "Target" in texts(drawn)
    assert target in [line.get_ydata()[0] for line in curves.lines]


@pytest.mark.usefixtures("close")
def test_every_number_of_items_has_its_own_number_needed():
    places = ("participants", [4, 16]), ("planning", "sigma", {"rmse": 0.15})
    data = PlannedByItems(make_design(*CROSSED, *places))
    planned = [f for f in figure_list.figures(data.design.study) if f.kind == "planning"]
    found = {f.name: marked(data, figures.draw(data, f)) for f in planned}
    assert found == {
        "planning-moderate-x3-item6": [],
        "planning-moderate-x3-item12": [8],  # 4 (0.2 / 0.15)^2 = 7.1
    }
