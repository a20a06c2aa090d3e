"""Estimates and diagnostics from draws, against closed forms and the estimators of Stan."""

import numpy as np
import pytest
import stanli
from arviz_stats.base import array_stats
from scipy import stats

from recovery.engines.protocol import Draws
from recovery.fit import posterior

CHAINS, DRAWS = 4, 1000
THRESHOLDS = {"max_rhat": 1.01, "min_ess_per_chain": 100, "max_divergent": 0, "min_ebfmi": 0.3}
LAGS = 0.8 ** np.arange(1, 60)
CORRELATED = """
parameters { vector[3] x; }
model {
  x[1] ~ normal(0, 1);
  x[2] ~ student_t(3, 0, 1);
  x[3] ~ normal(x[1], 0.1);
}
"""


def make_draws(rng, values=None, **sampler) -> Draws:
    """Draws of `a` and `b`; by default independent and standard normal."""
    if values is None:
        values = rng.normal(size=(CHAINS, DRAWS, 2))
    shape = values.shape[:2]
    columns = {
        "lp__": rng.normal(size=shape),
        "divergent__": np.zeros(shape),
        "treedepth__": np.full(shape, 3.0),
        "n_leapfrog__": np.full(shape, 7.0),
        "energy__": rng.normal(size=shape),
    }
    names = ["a", "b"][: values.shape[2]]
    return Draws(names, values, columns | sampler, 1.0, 2.0)


def diagnose(draws, **thresholds) -> dict:
    result = posterior.convergence(draws, draws.names)
    return posterior.diagnose(draws, result, 10, THRESHOLDS | thresholds)


# Estimates


def test_summaries_are_those_of_all_chains_together(rng):
    draws = make_draws(rng)
    summary = posterior.summarise(draws, ["b"], [0.89])
    flat = draws.values[:, :, 1].ravel()
    assert summary["mean"] == pytest.approx([flat.mean()])
    assert summary["median"] == pytest.approx([np.median(flat)])
    assert summary["sd"] == pytest.approx([stats.tstd(flat)])
    assert summary["q5_5"] == pytest.approx([np.percentile(flat, 5.5)])
    assert summary["q94_5"] == pytest.approx([np.percentile(flat, 94.5)])


def test_quantiles_are_near_those_of_the_distribution(rng):
    draws = make_draws(rng, rng.normal(3, 2, size=(4, 25_000, 1)))
    summary = posterior.summarise(draws, ["a"], [0.5, 0.95])
    for column, p in {"q2_5": 0.025, "q25": 0.25, "q75": 0.75, "q97_5": 0.975}.items():
        exact = stats.norm(3, 2).ppf(p)
        error = np.sqrt(p * (1 - p) / 100_000) / stats.norm(3, 2).pdf(exact)
        assert abs(summary[column][0] - exact) < 4 * error  # type I error: 6e-5 each


def test_columns_are_selected_by_name_in_any_order(rng):
    draws = make_draws(rng)
    summary = posterior.summarise(draws, ["b", "a"], [0.5])
    assert summary["mean"] == pytest.approx(draws.values.mean(axis=(0, 1))[::-1])


@pytest.mark.parametrize("level", [0.5, 0.89, 0.95])
def test_means_and_hits_agree_with_means_and_quantiles_of_numpy(level, rng):
    values = rng.normal(size=(4, 25, 400)).round(1)  # with ties
    draws = Draws([f"x{i}" for i in range(400)], values, {}, 1.0, 1.0)
    truth = rng.normal(0, 2, size=400).round(1)
    low, high = np.quantile(values.reshape(100, 400), [(1 - level) / 2, (1 + level) / 2], axis=0)
    mean, hit = posterior.means_and_hits(draws, draws.names, truth, level)
    np.testing.assert_array_equal(hit, (low <= truth) & (truth <= high))
    np.testing.assert_allclose(mean, values.mean(axis=(0, 1)), atol=1e-12)


# Convergence


def test_independent_draws_have_rhat_near_1_and_ess_near_their_number(rng):
    result = posterior.convergence(make_draws(rng), ["a", "b"])
    assert result["rhat"] == pytest.approx(np.ones(3), abs=0.005)
    assert result["ess_bulk"] == pytest.approx(np.full(3, CHAINS * DRAWS), rel=0.15)
    assert result["ess_tail"] == pytest.approx(np.full(3, CHAINS * DRAWS), rel=0.15)


def test_independent_draws_have_the_mcse_of_a_mean(rng):
    result = posterior.convergence(make_draws(rng), ["a", "b"])
    assert result["mcse_mean"] == pytest.approx(np.full(3, 1 / np.sqrt(CHAINS * DRAWS)), rel=0.1)


@pytest.fixture
def autoregressive(rng):
    """Chains of an AR(1) process with coefficient 0.8 and a standard normal margin."""
    values = np.empty((4, 20_000, 1))
    values[:, 0] = rng.normal(size=(4, 1))
    noise = rng.normal(scale=0.6, size=values.shape)
    for step in range(1, values.shape[1]):
        values[:, step] = 0.8 * values[:, step - 1] + noise[:, step]
    return make_draws(rng, values)


def test_autocorrelated_draws_have_the_theoretical_bulk_ess(autoregressive):
    result = posterior.convergence(autoregressive, ["a"])
    assert result["ess_bulk"][0] == pytest.approx(80_000 * (1 - 0.8) / (1 + 0.8), rel=0.1)


def test_autocorrelated_draws_have_the_theoretical_tail_ess(autoregressive):
    # The indicator of a draw below the 5 % quantile has bivariate normal probabilities as
    # autocorrelations; by symmetry, those at the 95 % quantile are equal.
    p, quantile = 0.05, stats.norm.ppf([0.05, 0.05])
    both = [stats.multivariate_normal.cdf(quantile, cov=[[1, r], [r, 1]]) for r in LAGS]
    autocorrelations = (np.array(both) - p**2) / (p * (1 - p))
    expected = 80_000 / (1 + 2 * autocorrelations.sum())
    result = posterior.convergence(autoregressive, ["a"])
    assert result["ess_tail"][0] == pytest.approx(expected, rel=0.1)


def test_chains_that_disagree_have_a_high_rhat(rng):
    values = rng.normal(size=(CHAINS, DRAWS, 1))
    values[0] += 3
    assert posterior.convergence(make_draws(rng, values), ["a"])["rhat"][0] > 1.2


def test_rhat_and_bulk_ess_agree_with_stans_estimators(rng):
    fit = stanli.Model(mir=stanli.stan_to_mir(CORRELATED), data={}).sample(
        chains=4, seed=1, warmup=300, samples=400, refresh=0
    )
    draws = Draws(fit.names, fit.draws(), make_draws(rng, fit.draws()[:, :, :2]).sampler, 1, 1)
    result, theirs = posterior.convergence(draws, fit.names), fit.summary()
    assert result["rhat"][:-1] == pytest.approx(theirs.r_hat, rel=1e-6)
    assert result["ess_bulk"][:-1] == pytest.approx(theirs.ess_bulk, rel=1e-6)
    assert result["mcse_mean"][:-1] == pytest.approx(theirs.mcse_mean, rel=0.05)
    # stanli 0.24 does not always give the smaller of the two tails, but always one of them
    assert (result["ess_tail"][:-1] <= theirs.ess_tail * (1 + 1e-6)).all()


@pytest.mark.parametrize("n_draws", [100, 101])
def test_repeated_draws_have_the_statistics_of_arviz(n_draws, rng):
    values = rng.normal(size=(4, n_draws, 2)).cumsum(axis=1) * 0.1
    values[:, 1::3] = values[:, 0:-1:3]  # rejected proposals repeat a draw
    draws = make_draws(rng, values)
    result = posterior.convergence(draws, ["a", "b"])
    for place in (0, 1):
        column = values[:, :, place]
        expected = array_stats.rhat(column, method="rank")
        assert result["rhat"][place] == pytest.approx(expected, rel=1e-10)
        expected = array_stats.ess(column, method="bulk")
        assert result["ess_bulk"][place] == pytest.approx(expected, rel=1e-10)


def test_a_parameter_that_does_not_vary_has_no_rhat(rng):
    values = rng.normal(size=(CHAINS, DRAWS, 2))
    values[:, :, 1] = 1.0
    result = posterior.convergence(make_draws(rng, values), ["a", "b"])
    for name in ("rhat", "ess_bulk", "ess_tail", "mcse_mean"):
        assert np.isnan(result[name]).tolist() == [False, True, False]


def stuck(shares=(0, 1, 0, 0), draws=DRAWS):
    """Chains that do not move, each at a different value."""
    return np.repeat(np.array(shares, dtype=float)[:, None], draws, axis=1)


def one_that_moves(values, chain=2):
    """Chains that stay at 0, except one with these draws."""
    result = np.zeros((CHAINS, len(values)))
    result[chain] = values
    return result


UNUSUAL = {
    "stuck 3 to 1": lambda rng: stuck(),
    "stuck 3 to 1, few draws": lambda rng: stuck(draws=50),
    "stuck 2 to 2": lambda rng: stuck((0, 0, 1, 1)),
    "each stuck at its own value": lambda rng: stuck((0.1, 0.2, 0.7, 1e9)),
    "one chain moves": lambda rng: one_that_moves(rng.normal(size=DRAWS)),
    "one chain is at times 1": lambda rng: one_that_moves(rng.integers(0, 2, DRAWS)),
    "one draw of one chain": lambda rng: one_that_moves(np.eye(1, DRAWS, 7)[0]),
    "a chain moves once": lambda rng: one_that_moves(np.arange(DRAWS) >= DRAWS // 2),
    "one chain is stuck": lambda rng: rng.normal(size=(CHAINS, DRAWS)) * [[1], [1], [1], [0]],
    "integers": lambda rng: rng.poisson(2, size=(CHAINS, DRAWS)).astype(float),
    "zeros and ones": lambda rng: rng.integers(0, 2, size=(CHAINS, DRAWS)).astype(float),
    "nearly always 0": lambda rng: (rng.random((CHAINS, DRAWS)) < 0.001).astype(float),
    "turns": lambda rng: np.tile([0.0, 1.0], (CHAINS, DRAWS // 2)),
    "very large": lambda rng: rng.normal(size=(CHAINS, DRAWS)) * 1e200,
    "very small": lambda rng: rng.normal(size=(CHAINS, DRAWS)) * 1e-200,
    "rounding alone": lambda rng: 1 + 1e-16 * rng.integers(0, 3, size=(CHAINS, DRAWS)),
    "four draws": lambda rng: rng.normal(size=(CHAINS, 4)),
    "seven draws": lambda rng: rng.normal(size=(CHAINS, 7)),
}
AGREE = ("one draw of", "integers", "zeros", "nearly", "turns", "very", "rounding")
LONG = [case for case in UNUSUAL if not case.endswith("draws")]


@pytest.mark.parametrize("case", UNUSUAL)
def test_diagnostics_of_all_kinds_of_chains_agree_with_arviz(case, rng):
    values = UNUSUAL[case](rng)
    sampler = {"lp__": rng.normal(size=values.shape)}
    result = posterior.convergence(make_draws(rng, values[:, :, None], **sampler), ["a"])
    with np.errstate(all="ignore"):
        expected = {
            "rhat": array_stats.rhat(values, method="rank"),
            "ess_bulk": array_stats.ess(values, method="bulk"),
            "ess_tail": array_stats.ess(values, method="tail", prob=(0.05, 0.95)),
            "mcse_mean": array_stats.mcse(values, method="mean"),
        }
    for name, value in expected.items():
        np.testing.assert_allclose(result[name][0], value, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("case", LONG)
def test_only_chains_with_the_same_distribution_have_converged(case, rng):
    values = UNUSUAL[case](rng)
    both = np.stack([rng.normal(size=values.shape), values], axis=2)
    diagnostics = diagnose(make_draws(rng, both))
    assert diagnostics["converged"] == case.startswith(AGREE)


def test_a_column_that_varies_in_draws_that_splitting_drops_counts(rng):
    """ArviZ gives no rhat for it, but it varies over all draws, so it is not ignored."""
    values = np.zeros((CHAINS, 101, 2))
    values[:, :, 0] = rng.normal(size=(CHAINS, 101))
    values[1, 50, 1] = 1
    assert np.isnan(posterior.convergence(make_draws(rng, values), ["b"])["rhat"][0])
    diagnostics = diagnose(make_draws(rng, values), min_ess_per_chain=1, max_rhat=2)
    assert not diagnostics["converged"]
    assert np.isnan(diagnostics["max_rhat"])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["a", "lp__"])
def test_draws_that_are_not_finite_are_not_ignored(place, wrong, rng):
    draws = make_draws(rng)
    (draws.sampler["lp__"] if place == "lp__" else draws.values[:, :, 0])[1, 3] = wrong
    diagnostics = diagnose(draws)
    assert not diagnostics["converged"]
    assert diagnostics["max_rhat"] == np.inf
    assert posterior.non_finite(draws, ["a", "b"]) == [place]
    assert posterior.non_finite(draws, ["b"]) == (["lp__"] if place == "lp__" else [])


# Diagnostics


def test_a_chain_whose_log_density_does_not_vary_has_not_moved(rng):
    lp = rng.normal(size=(CHAINS, DRAWS))
    lp[2] = lp[1, 0]
    loose = {"max_rhat": 10, "min_ess_per_chain": 1}
    assert not diagnose(make_draws(rng, lp__=lp), **loose)["converged"]
    lp[2, -1] += 0.5
    assert diagnose(make_draws(rng, lp__=lp), **loose)["converged"]


@pytest.mark.parametrize("chains", [[3], [0, 1, 2, 3]])
def test_a_chain_whose_energy_does_not_vary_has_no_ebfmi(chains, rng):
    energy = rng.normal(size=(CHAINS, DRAWS))
    energy[chains] = 2.5
    diagnostics = diagnose(make_draws(rng, energy__=energy), min_ebfmi=0)
    assert np.isnan(diagnostics["min_ebfmi"])
    assert not diagnostics["converged"]


def test_a_parameter_that_does_not_vary_does_not_stop_convergence(rng):
    values = rng.normal(size=(CHAINS, DRAWS, 2))
    values[:, :, 1] = 1.0
    assert diagnose(make_draws(rng, values))["converged"]


def test_chains_that_do_not_move_have_not_converged(rng):
    still = np.zeros((CHAINS, DRAWS))
    values = np.zeros((CHAINS, DRAWS, 2))
    diagnostics = diagnose(make_draws(rng, values, lp__=still, energy__=still))
    assert not diagnostics["converged"]
    assert np.isnan(diagnostics["max_rhat"])


def test_one_divergent_transition_is_counted_and_stops_convergence(rng):
    divergent = np.zeros((CHAINS, DRAWS))
    divergent[2, 5] = 1
    diagnostics = diagnose(make_draws(rng, divergent__=divergent))
    assert diagnostics["n_divergent"] == 1
    assert not diagnostics["converged"]


def test_as_many_divergent_transitions_as_allowed_do_not_stop_convergence(rng):
    divergent = np.zeros((CHAINS, DRAWS))
    divergent[2, 5] = 1
    assert diagnose(make_draws(rng, divergent__=divergent), max_divergent=1)["converged"]


def test_saturated_trajectories_and_gradient_evaluations_are_counted(rng):
    depth = np.full((CHAINS, DRAWS), 3.0)
    depth[0, :4] = 10
    diagnostics = diagnose(make_draws(rng, treedepth__=depth))
    assert diagnostics["n_max_treedepth"] == 4
    assert diagnostics["n_leapfrog"] == 7 * CHAINS * DRAWS


def test_ebfmi_is_that_of_the_worst_chain(rng):
    energy = rng.normal(size=(CHAINS, DRAWS))
    energy[1] = np.cumsum(energy[1])  # a random walk
    change = np.diff(energy[1])
    expected = np.mean(change**2) / np.var(energy[1])
    diagnostics = diagnose(make_draws(rng, energy__=energy))
    assert diagnostics["min_ebfmi"] == pytest.approx(expected, rel=2 / DRAWS)
    assert not diagnostics["converged"]


@pytest.mark.parametrize(
    ("threshold", "diagnostic", "stricter"),
    [
        ("max_rhat", "max_rhat", lambda value: value - 1e-9),
        ("min_ess_per_chain", "min_ess_bulk", lambda value: value / CHAINS + 1e-6),
        ("min_ess_per_chain", "min_ess_tail", lambda value: value / CHAINS + 1e-6),
        ("min_ebfmi", "min_ebfmi", lambda value: value + 1e-9),
    ],
)
def test_each_threshold_can_prevent_convergence(rng, threshold, diagnostic, stricter):
    draws = make_draws(rng)
    diagnostics = diagnose(draws)
    assert diagnostics["converged"]
    limit = stricter(diagnostics[diagnostic])
    assert not diagnose(draws, **{threshold: limit})["converged"]


def test_diagnostics_are_those_of_the_worst_parameter_including_lp(rng):
    lp = rng.normal(size=(CHAINS, DRAWS))
    lp[0] += 3
    diagnostics = diagnose(make_draws(rng, lp__=lp))
    assert diagnostics["max_rhat"] > 1.2
    assert not diagnostics["converged"]
