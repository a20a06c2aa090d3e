"""Schemas of the tables that jobs of one batch write; column comments give units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

NUMBER = {"integer": pa.int64(), "real": pa.float64()}


def column(name: str, kind: pa.DataType, comment: str = "") -> pa.Field:
    """Return a column of a schema."""
    return pa.field(name, kind, metadata={"comment": comment} if comment else None)


TEXT, INT, REAL, BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_FIT = [
    column("scenario", TEXT),
    column("model", TEXT, "or estimator"),
    column("prior", TEXT, "no_prior for an estimator"),
    column("replicate", INT, "counted from 1"),
]
TRUTH = pa.schema(
    [
        column("replicate", INT, "counted from 1"),
        column("parameter", TEXT, "null: the replicate could not be simulated"),
        column("truth", REAL, "the value that the data were generated from"),
        column("data_seed", INT, "seed of numpy.random.default_rng for this dataset"),
        column("error", TEXT, "why the replicate could not be simulated; else null"),
    ]
)
GROUPS = pa.schema(
    [
        *_FIT,
        column("factor", TEXT, "grouping factor"),
        column("coefficient", TEXT),
        column("n_groups", INT),
        column("rmse", REAL, "of posterior means against the true coefficients"),
        column("correlation", REAL, "of posterior means with the true coefficients"),
        column("shrinkage_slope", REAL, "of the regression of posterior means on true values"),
        column("level", REAL, "level of the intervals"),
        column("coverage", REAL, "share of the intervals that contain the true coefficient"),
    ]
)
DIAGNOSTICS = pa.schema(
    [
        *_FIT,
        column("attempt", INT, "counted from 1"),
        column("status", TEXT, "ok or failed"),
        column("failed_in", TEXT, "simulation or fit; null where status is ok"),
        column("error", TEXT, "why it failed; of an estimator, why it did not converge too"),
        column("converged", BOOL),
        column("n_divergent", INT, "divergent transitions after warmup, all chains"),
        column("n_max_treedepth", INT, "saturated trajectories after warmup, all chains"),
        column("min_ebfmi", REAL, "smallest over chains"),
        column("max_rhat", REAL, "largest over scored parameters and lp__"),
        column("min_ess_bulk", REAL, "smallest over scored parameters and lp__"),
        column("min_ess_tail", REAL, "smallest over scored parameters and lp__"),
        column("pareto_k", REAL, "of Pathfinder's importance ratios; infinite: no tail was fitted"),
        column("n_leapfrog", INT, "gradient evaluations after warmup, all chains"),
        column("warmup_seconds", REAL, "processor seconds, summed over chains"),
        column("sampling_seconds", REAL, "processor seconds, summed over chains; of an estimator"),
        column("other_seconds", REAL, "of the fit's process: data, diagnostics, summaries"),
        column("seed", INT, "of the sampler; null for an estimator"),
        column("engine", TEXT),
        column("engine_version", TEXT),
        column("adapt_delta", REAL),
    ]
)
LOO = pa.schema(
    [
        *_FIT,
        column("left_out", TEXT, "a unit: observation or participant"),
        column("n_units", INT),
        column("elpd_loo", REAL, "expected log predictive density of all units, each left out"),
        column("se", REAL, "standard error of elpd_loo over units"),
        column("p_loo", REAL, "effective number of parameters"),
        column("n_high_k", INT, "units whose Pareto k is too high for elpd_loo to be reliable"),
        column("max_k", REAL, "largest Pareto k; infinite: no tail could be fitted"),
        column("pointwise", pa.list_(REAL), "elpd_loo of every unit, in the order of the data"),
    ]
)
EVIDENCE = pa.schema(
    [
        *_FIT,
        column("parameter", TEXT, "or estimand"),
        column("null", REAL, "the value of the null hypothesis"),
        column("log_bf", REAL, "natural log of the Bayes factor against the null; null: unknown"),
        column("se", REAL, "Monte Carlo standard error of log_bf"),
        column("bound", TEXT, "exact, or at least: log_bf is a lower bound"),
    ]
)
DRAWS = pa.schema(
    [
        column("replicate", INT, "counted from 1"),
        column("chain", INT, "counted from 1"),
        column("draw", INT, "counted from 1, warmup left out"),
    ]
)


def data_schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a family's observations: replicate, then the family's columns."""
    observed = [column(name, NUMBER[kind]) for name, kind in columns.items()]
    return pa.schema([column("replicate", INT, "counted from 1"), *observed])


def interval_columns(level: float) -> tuple[str, str]:
    """Return the columns of a central interval's bounds: 0.89 -> `q5_5`, `q94_5`."""
    lower, upper = quantile_columns([level])
    return lower, upper


def quantile_columns(levels: Sequence[float]) -> dict[str, float]:
    """Return the quantile columns of these interval levels, lowest first: name -> probability."""
    tails = [round((1 - level) / 2, 12) for level in levels]
    probabilities = sorted({*tails, *(round(1 - tail, 12) for tail in tails)})
    return {f"q{100 * p:.10g}".replace(".", "_"): p for p in probabilities}


def highest_density_columns(level: float) -> tuple[str, str]:
    """Return the columns of a highest-density interval's bounds: 0.89 -> `hdi89_lower`, ..."""
    name = f"hdi{100 * level:.10g}".replace(".", "_")
    return f"{name}_lower", f"{name}_upper"


def estimates_schema(levels: Sequence[float]) -> pa.Schema:
    """Return the schema of estimates, given the levels of intervals."""
    return pa.schema(
        [
            *_FIT,
            column("parameter", TEXT),
            column("truth", REAL, "null: the data are observed"),
            column("mean", REAL, "of the posterior; or the estimate"),
            column("median", REAL, "of the posterior; or the estimate"),
            column("sd", REAL, "of the posterior; or the standard error, null: there is none"),
            column("mcse_mean", REAL, "Monte Carlo standard error of mean"),
            *(
                column(f"mcse_{name}", REAL, f"Monte Carlo standard error of {name}")
                for name in ("sd", "median", *quantile_columns(levels))
            ),
            *(
                column(name, REAL, "posterior quantile, per cent")
                for name in quantile_columns(levels)
            ),
            *(
                column(name, REAL, "of the shortest interval with this per cent of the draws")
                for level in levels
                for name in highest_density_columns(level)
            ),
            column("rhat", REAL, "null: not computed, or the draws do not vary"),
            column("ess_bulk", REAL),
            column("ess_tail", REAL, "the smaller of the 5 % and 95 % quantiles'"),
            column("rank", INT, "of truth among evenly spaced draws; null: truth is not drawn"),
            column("max_rank", INT, "how many draws it is ranked among"),
        ]
    )
