"""The table `evidence`: which fits have it, what is in it, and what repeats it."""

import numpy as np
import pytest
from conftest import STAN, make_design, make_study
from fitted_rows import rows

from recovery.common.errors import StudyError
from recovery.engines.protocol import Program
from recovery.fit import batches, datasets
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import fit_seed

BASE = ("sampler", {"chains": 2, "warmup": 200, "draws": 500})
RULE = {"of": "x", "null": 0, "bf": 10}
ASKED = ("decisions", "evidence", RULE)
OTHER = ("decisions", "other", {"of": "at_two", "null": 1.5, "bf": 3})
ESTIMAND = ("estimands", {"at_two": "mean(x = 2)"})
CELL = ("moderate-4x3", "centered", "weak")


def identity(*places, **sources):
    return make_design(*places, **sources).fit(*CELL, Batch(1, 1, 1))["identity"]


def a_batch(*places):
    design = make_design(BASE, *places)
    batch = Batch(1, 2, 2)
    data, truth = datasets.simulate_batch(design.simulation(CELL[0], batch))
    program = Program(str(STAN / "multilevel_linear/centered.stan"), str(STAN))
    return data, truth, SamplerFitter(design.fit(*CELL, batch), program)


@pytest.fixture(scope="module")
def fitted():
    return batches.fit_batch(*a_batch(ESTIMAND, ASKED, OTHER))


def test_a_fit_has_a_row_for_every_parameter_and_null(fitted):
    found = rows(fitted["evidence"])
    assert [(row["replicate"], row["parameter"], row["null"]) for row in found] == [
        (number, *asked) for number in (1, 2) for asked in (("b_x", 0.0), ("at_two", 1.5))
    ]
    for row in found:
        assert np.isfinite([row["log_bf"], row["se"]]).all()
        assert row["bound"] == "exact"


def test_the_same_fit_has_the_same_bayes_factors(fitted):
    assert batches.fit_batch(*a_batch(ESTIMAND, ASKED, OTHER))["evidence"] == fitted["evidence"]


def test_bayes_factors_do_not_change_estimates(fitted):
    plain = batches.fit_batch(*a_batch(ESTIMAND))
    assert "evidence" not in plain
    for name in ("mean", "sd", "rhat"):
        assert plain["estimates"][name] == fitted["estimates"][name]


def test_a_failed_fit_has_no_row():
    data, truth, fitter = a_batch(ASKED)
    data["y"][np.argmax(data["replicate"] == 1)] = np.inf
    result = batches.fit_batch(data, truth, fitter)
    assert result["diagnostics"]["status"] == ["failed", "ok"]
    assert set(result["evidence"]["replicate"]) == {2}


def test_a_changed_bf_repeats_no_fit_and_another_null_does():
    asked = identity(ASKED)
    assert identity(("decisions", "evidence", RULE | {"bf": 3})) == asked
    others = [("null", 0.1), ("of", "b_Intercept")]
    changed = [identity(("decisions", "evidence", RULE | {key: value})) for key, value in others]
    changed += [identity(), identity(ASKED, densities="another program or version")]
    assert asked not in changed
    plain, with_it = (make_design(*p).fit(*CELL, Batch(1, 1, 1)) for p in ((), (ASKED,)))
    assert fit_seed(plain, 1) == fit_seed(with_it, 1)


def test_only_fits_of_models_have_bayes_factors():
    design = make_design(ASKED, ("estimators", ["reml", "optimize_pooled"]))
    batch = design.batches(CELL)[0]
    assert "evidence" in design.tables_of(CELL)
    assert "evidence" in design.fit(*CELL, batch)
    for model, prior in (("reml", "no_prior"), ("optimize_pooled", "weak")):
        cell = (CELL[0], model, prior)
        assert "evidence" not in design.tables_of(cell)
        assert "evidence" not in design.fit(*cell, batch)
    verified = ("verify", {"engine": "stanli", "share": 1})
    assert "evidence" not in make_design(ASKED, verified).verification(*CELL, batch)


def test_a_prior_without_a_density_at_the_null_is_refused():
    with pytest.raises(StudyError, match="b_x is flat, must be one of"):
        make_study(ASKED, ("priors", "weak", "b_x", "flat"))
