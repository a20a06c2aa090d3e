"""The default batches of datasets and fits, which follow from their size and cost."""

import pytest
from conftest import DROP, make_design

from recovery.plan.batch_size import number_of_fit_batches

OTHER_PRIOR = {
    "Intercept": "normal(0, 9)",
    "b": "normal(0, 9)",
    "sd": "exponential(1)",
    "cor": "lkj(1)",
    "sigma": "exponential(1)",
}


def default_batches(model, participants, observations, replicates=40):
    """The bounds of a cell's default batches of data and of fits."""
    design = make_design(
        ("batch", DROP),
        ("replicates", replicates),
        ("models", [model]),
        ("participants", [participants]),
        ("observations", [observations]),
        ("sampler", {"chains": 4, "warmup": 1000, "draws": 1000}),
    )
    (cell,) = design.cells
    return [
        [(batch.first, batch.last) for batch in batches]
        for batches in (design.data_batches(cell[0]), design.batches(cell))
    ]


@pytest.mark.parametrize(
    ("model", "participants", "observations", "data", "fits"),
    [
        ("pooled", 4, 3, 250, 250),  # 0.03 seconds a fit
        ("marginal", 30, 20, 250, 250),  # 0.14
        ("marginal", 100, 50, 50, 50),  # 0.2
        ("noncentered", 4, 3, 250, 50),  # 0.4
        ("noncentered", 20, 60, 250, 5),  # 2
        ("pooled", 1000, 100, 5, 5),  # 6
    ],
)
def test_the_default_batch_follows_from_what_a_fit_costs(
    model, participants, observations, data, fits
):
    batches = default_batches(model, participants, observations)
    assert [found[0] for found in batches] == [(1, data), (1, fits)]


def test_batches_of_fits_hold_every_replicate_once_and_lie_within_one_of_data():
    data, fits = default_batches("noncentered", 20, 60, 5000)
    assert len(fits) == 200 + 4000 / 50
    held = [number for first, last in fits for number in range(first, last + 1)]
    assert held == list(range(1, 5001))
    for first, last in fits:
        assert any(low <= first and last <= high for low, high in data)


def test_the_default_batch_does_not_depend_on_replicates_or_other_cells():
    few, many = (default_batches("noncentered", 20, 60, number)[1] for number in (7, 2000))
    assert few == many[: len(few)]
    changes = ("batch", DROP), ("models", ["pooled", "centered", "noncentered"])
    wide = make_design(*changes, ("participants", [4, 400]), ("priors", "wide", OTHER_PRIOR))
    alone = make_design(("batch", DROP))
    for cell in alone.cells:
        assert wide.batches(cell) == alone.batches(cell)


@pytest.mark.parametrize("replicates", [1, 999, 1000, 1001, 1004, 5000, 5001])
@pytest.mark.parametrize("batch", [DROP, 7, 2000])
def test_batches_are_counted_without_making_them(replicates, batch):
    places = ("batch", batch), ("models", ["noncentered"]), ("replicates", replicates)
    design = make_design(*places, ("participants", [20]), ("observations", [60]))
    (cell,), (scenario,) = design.cells, design.scenarios.values()
    counted = number_of_fit_batches(design.study, scenario, cell[1])
    assert counted == len(design.batches(cell))
