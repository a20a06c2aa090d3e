"""Jobs that make several batches: small cells together, and very many batches in few jobs."""

import pytest
from conftest import DROP, make_design

from recovery.plan.fit_seconds import fit_seconds

OTHER_PRIOR = {
    "Intercept": "normal(0, 9)",
    "b": "normal(0, 9)",
    "sd": "exponential(1)",
    "cor": "lkj(1)",
    "sigma": "exponential(1)",
}
LONG = ("sampler", {"chains": 4, "warmup": 1000, "draws": 1000})


def batches_of_jobs(design, step="fit"):
    """The batches of fits of every job: (scenario, method, prior, name of the batch)."""
    shared = [
        {(*each.cell, each.batch.name) for each in job.batches} for job in design.shared_jobs(step)
    ]
    together = set().union(*shared)
    alone = [
        {(*cell, batch.name)}
        for cell in design.fitted_cells
        for batch in design.batches(cell)
        if (*cell, batch.name) not in together
    ]
    return shared, alone


def test_small_cells_share_a_job_and_slow_ones_do_not():
    models = ("models", ["pooled", "unpooled", "marginal", "noncentered"])
    sizes = ("participants", [4, 100]), ("observations", [50]), ("replicates", 5)
    design = make_design(("batch", DROP), LONG, models, *sizes, ("priors", "wide", OTHER_PRIOR))
    shared, alone = batches_of_jobs(design)
    together = {each[:2] for job in shared for each in job}
    assert together == {
        *(("moderate-4x50", model) for model in ("pooled", "unpooled", "marginal")),
        *(("moderate-100x50", model) for model in ("pooled", "marginal")),
    }
    assert {each[:2] for job in alone for each in job} == {
        ("moderate-4x50", "noncentered"),  # 0.7 seconds a fit
        ("moderate-100x50", "noncentered"),
        ("moderate-100x50", "unpooled"),  # 3
    }
    names = [job.name for job in design.shared_jobs("fit")]
    assert len(names) == len(set(names))


def test_small_cells_that_share_a_job_take_not_too_many_seconds():
    priors = [
        ("priors", f"p{number}", OTHER_PRIOR | {"b": f"normal(0, {number})"})
        for number in range(1, 9)
    ]
    places = ("models", ["pooled", "marginal"]), ("replicates", 20), *priors
    design = make_design(("batch", DROP), LONG, *places)
    found = design.shared_jobs("fit")
    fits = [(each.method, each.prior) for job in found for each in job.batches]
    assert sorted(fits) == sorted(design.fits)
    (scenario,) = design.scenarios.values()
    for job in found:
        seconds = [20 * fit_seconds(design.study, scenario, each.method) for each in job.batches]
        assert sum(seconds) == pytest.approx(job.seconds)
        assert job.seconds <= 20


def test_a_batch_alone_shares_no_job():
    design = make_design(("batch", DROP), ("models", ["pooled"]), ("replicates", 5))
    assert design.shared_jobs("fit") == []


@pytest.mark.parametrize(
    ("replicates", "priors", "most"), [(100, 1, 20), (1000, 1, 200), (5000, 2, 400)]
)
def test_slow_fits_have_a_job_for_every_five_up_to_200_jobs(replicates, priors, most):
    """F / 5 jobs, or at least 200; and fewer than 400 for any number of batches."""
    other = [("priors", f"p{n}", OTHER_PRIOR | {"b": f"normal(0, {n})"}) for n in range(1, priors)]
    sizes = ("participants", [20]), ("observations", [60]), ("replicates", replicates)
    design = make_design(("batch", DROP), LONG, ("models", ["noncentered"]), *sizes, *other)
    shared, alone = batches_of_jobs(design)
    jobs = len(shared) + len(alone)
    assert min(priors * replicates / 5, 200) <= jobs <= most
    expected = {
        (*cell, batch.name) for cell in design.fitted_cells for batch in design.batches(cell)
    }
    made = [each for job in (*shared, *alone) for each in job]
    assert sorted(made) == sorted(expected)


@pytest.mark.parametrize(
    ("participants", "replicates"), [([20, 30, 40, 50, 60], 1000), ([*range(20, 1020)], 5)]
)
def test_ten_thousand_batches_are_a_few_hundred_jobs(participants, replicates):
    priors = [("priors", f"p{n}", OTHER_PRIOR | {"b": f"normal(0, {n})"}) for n in range(1, 10)]
    sizes = ("participants", participants), ("observations", [20]), ("replicates", replicates)
    design = make_design(("batch", DROP), LONG, ("models", ["noncentered"]), *sizes, *priors)
    assert sum(len(design.batches(cell)) for cell in design.fitted_cells) == 10_000
    shared, alone = batches_of_jobs(design)
    assert alone == []
    assert 200 <= len(shared) < 400
