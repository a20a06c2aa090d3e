"""A fit that failed or did not converge is made again as the study says."""

import pytest
from conftest import STAN, make_design, make_study
from fitted_rows import rows

from recovery import engines, tables
from recovery.common.errors import StudyError
from recovery.engines.protocol import Program
from recovery.fit import batches, datasets
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import fit_seed

BASE = ("sampler", {"chains": 2, "warmup": 100, "draws": 100})
STEPS = ("rescue", [{"adapt_delta": 0.9}, {"warmup": 200, "draws": 400}])
NEVER = ("convergence", {"min_ess_per_chain": 1e6})
EASY = ("convergence", {"max_rhat": 9.0, "min_ess_per_chain": 1, "max_divergent": 99})


def fit(*places, end=2):
    design = make_design(BASE, ("models", ["pooled"]), *places)
    (scenario,) = design.scenarios
    batch = Batch(1, end, end)
    data, truth = datasets.simulate_batch(design.simulation(scenario, batch))
    specification = design.fit(scenario, "pooled", "weak", batch)
    program = Program(str(STAN / "multilevel_linear/pooled.stan"), str(STAN))
    return batches.fit_batch(data, truth, SamplerFitter(specification, program)), specification


def test_a_fit_that_converges_is_made_once():
    found, _ = fit(STEPS, EASY)
    assert found["diagnostics"]["attempt"] == [1, 1]


def test_every_attempt_is_a_row_with_its_own_settings_and_seed():
    found, specification = fit(STEPS, NEVER)
    diagnostics = rows(found["diagnostics"], 2)
    assert [row["attempt"] for row in diagnostics] == [1, 2, 3]
    assert [row["adapt_delta"] for row in diagnostics] == [0.8, 0.9, 0.8]
    seeds = [fit_seed(specification, 2, attempt) for attempt in (1, 2, 3)]
    assert [row["seed"] for row in diagnostics] == seeds
    assert len(set(seeds)) == 3


def test_a_policy_leaves_the_first_attempt_as_it_is():
    with_policy, without = fit(STEPS, NEVER)[0], fit(NEVER)[0]
    first = [row for row in rows(with_policy["diagnostics"]) if row["attempt"] == 1]
    for row, plain in zip(first, rows(without["diagnostics"]), strict=True):
        assert row["n_leapfrog"] == plain["n_leapfrog"]


def test_without_convergence_estimates_are_of_the_last_attempt_that_did_not_fail():
    last, _ = fit(STEPS, NEVER, end=1)
    alone, _ = fit(NEVER, end=1)
    assert rows(last["estimates"], 1)[0]["mean"] != rows(alone["estimates"], 1)[0]["mean"]
    assert len(rows(last["estimates"], 1)) == len(rows(alone["estimates"], 1))


def test_an_attempt_that_fails_leaves_the_estimates_of_the_one_before(monkeypatch):
    engine = engines.find("stanli")
    sample = engine.sample

    def fail_later(loaded, data, seed, settings):
        if settings.adapt_delta == 0.9:
            raise RuntimeError("no")
        return sample(loaded, data, seed, settings)

    monkeypatch.setattr(engine, "sample", fail_later)
    found, _ = fit(("rescue", [{"adapt_delta": 0.9}]), NEVER, end=1)
    assert [row["status"] for row in rows(found["diagnostics"])] == ["ok", "failed"]
    plain, _ = fit(NEVER, end=1)
    assert rows(found["estimates"]) == rows(plain["estimates"])


@pytest.mark.parametrize("steps", [[{}], [{"adapt_delta": 0.8}], [{"draws": 50}, {"draws": 50}]])
def test_a_step_that_changes_nothing_is_refused(steps):
    with pytest.raises(StudyError, match=r"rescue\[\d\]: must change the settings"):
        make_study(BASE, ("rescue", steps))


def test_a_study_without_a_policy_has_the_identities_it_had():
    plain = make_design()
    (scenario,) = plain.scenarios
    batch = plain.batches((scenario, "pooled", "weak"))[0]
    assert "rescue" not in plain.fit(scenario, "pooled", "weak", batch)


@pytest.mark.workflow
def test_a_page_with_observed_fits_that_were_made_again_is_written(observed_study):
    results = observed_study.folder / "results/small"
    (file,) = (results / "observed/diagnostics").rglob("*.parquet")
    assert tables.read(file)["attempt"].tolist() == [1, 2]
    page = (results / "report.html").read_text()
    assert "Of 1 fits to observed data, 0 failed and" in page
