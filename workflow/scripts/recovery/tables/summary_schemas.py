"""Schemas of the tables that summarise a study."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from recovery.tables.batch_schemas import BOOL, INT, REAL, TEXT, column

_CELL = [
    column("scenario", TEXT),
    column("truth", TEXT, "the truth's name"),
    column("participants", INT),
    column("observations", INT, "per participant; null: as in the observed dataset"),
    column("model", TEXT, "or estimator"),
    column("prior", TEXT, "no_prior for an estimator"),
]


def _rate(name: str, comment: str) -> list[pa.Field]:
    """Return the columns of a proportion: value, MCSE and Wilson interval."""
    return [
        column(f"{name}_rate", REAL, comment),
        column(f"{name}_rate_mcse", REAL, "Monte Carlo standard error"),
        column(f"{name}_rate_lower", REAL, "of the 95 % Wilson interval"),
        column(f"{name}_rate_upper", REAL, "of the 95 % Wilson interval"),
    ]


PERFORMANCE = pa.schema(
    [
        *_CELL,
        column("parameter", TEXT),
        column("subset", TEXT, "all, converged or common"),
        column("measure", TEXT),
        column("level", REAL, "of the intervals; null: the measure has none"),
        column("point", TEXT, "mean or median of the posterior; null: the measure has none"),
        column("interval", TEXT, "central or highest_density; null: the measure has none"),
        column("value", REAL),
        column("mcse", REAL, "Monte Carlo standard error of value"),
        column("lower", REAL, "of the 95 % interval of Monte Carlo error"),
        column("upper", REAL, "of the 95 % interval of Monte Carlo error"),
        column("n_replicates", INT, "that the value rests on"),
    ]
)
COMPARISON = pa.schema(
    [
        *_CELL[:4],
        column("compared", TEXT, "model (or estimator) or prior"),
        column("first", TEXT),
        column("second", TEXT),
        column("given", TEXT, "the prior, or model, that they share; an estimator has none"),
        column("parameter", TEXT),
        column("subset", TEXT, "all: both have estimates; common: both converged"),
        column("measure", TEXT),
        column("level", REAL, "of the intervals; null: the measure has none"),
        column("value", REAL, "first less second, on the same datasets"),
        column("mcse", REAL, "Monte Carlo standard error of the paired difference"),
        column("lower", REAL, "of the 95 % interval of Monte Carlo error"),
        column("upper", REAL, "of the 95 % interval of Monte Carlo error"),
        column("p_value", REAL, "of no difference, not corrected; null: none is known"),
        column("n_pairs", INT, "replicates that both have"),
    ]
)
GROUPS = pa.schema(
    [
        *_CELL,
        column("factor", TEXT, "grouping factor"),
        column("coefficient", TEXT),
        column("subset", TEXT, "all, converged or common"),
        column("measure", TEXT, "rmse, correlation, shrinkage_slope or coverage"),
        column("level", REAL, "of the intervals, for coverage"),
        column("value", REAL, "mean over fits"),
        column("mcse", REAL, "over datasets"),
        column("lower", REAL, "of the 95 % interval of Monte Carlo error"),
        column("upper", REAL, "of the 95 % interval of Monte Carlo error"),
        column("n_fits", INT, "that the value rests on"),
    ]
)
CALIBRATION = pa.schema(
    [
        *_CELL,
        column("quantity", TEXT, "a parameter or a test quantity; null: not applicable"),
        column("n_ranked", INT, "replicates whose rank is used"),
        column("n_left_out", INT, "failed, or with fewer effective draws than ranked ones"),
        column("p_value", REAL, "of uniform ranks, by simultaneous ECDF bands"),
        column("p_corrected", REAL, "for all quantities of the study (Holm)"),
        column("verdict", TEXT, "of the cell"),
        column("reason", TEXT),
    ]
)
CONVERGENCE = pa.schema(
    [
        *_CELL,
        column("attempt", TEXT, "first, or final: the one that estimates are of"),
        column("n_planned", INT),
        column("n_refitted", INT, "fits with a second attempt"),
        column("n_ok", INT),
        column("n_failed", INT),
        column("n_unsimulated", INT, "of these, whose dataset could not be simulated"),
        column("n_converged", INT),
        column("error", TEXT, "of the first fit that failed; null: none did"),
        column("n_missed_rhat", INT, "fits that did not converge: with rhat above its threshold"),
        column("n_missed_ess", INT, "or bulk or tail ESS below it; a fit may miss several"),
        column("n_missed_divergent", INT, "or too many divergent transitions"),
        column("n_missed_ebfmi", INT, "or E-BFMI below it"),
        column("n_missed_other", INT, "or for the reason that `diagnostics` has as their error"),
        column("n_high_pareto_k", INT, "Pathfinder's fits whose Pareto k is above 0.7"),
        column("max_pareto_k", REAL, "largest of Pathfinder's fits; null: it is none of them"),
        *(
            column(f"{rate}_rate{part}", REAL, comment)
            for rate in (
                "failed",
                "converged",
                "not_converged",
                "divergent",
                "max_treedepth",
                "low_ebfmi",
            )
            for part, comment in (
                ("", "share of fits; of divergent to low_ebfmi: of those that drew"),
                ("_mcse", "Monte Carlo standard error"),
                ("_lower", "of the 95 % Wilson interval"),
                ("_upper", "of the 95 % Wilson interval"),
            )
        ),
    ]
)
EFFICIENCY = pa.schema(
    [
        *_CELL,
        column("n_measured", INT, "first attempts that the means rest on"),
        column("sampler_seconds", REAL, "processor seconds inside the sampler, all fits"),
        column("other_seconds", REAL, "of the fits outside it: data, diagnostics, summaries"),
        column("job_seconds", REAL, "of the jobs outside their fits: start, imports, tables"),
        column("bytes_per_fit", REAL, "of estimates, groups, diagnostics and kept draws"),
        *(
            column(f"{mean}{part}", REAL, comment)
            for mean, what in (
                ("seconds", "processor seconds of a fit in the sampler, warmup included"),
                ("n_leapfrog", "gradient evaluations of a fit after warmup"),
                ("ess_per_second", "smallest bulk ESS of a fit a processor second"),
                ("ess_per_gradient", "smallest bulk ESS of a fit a gradient after warmup"),
            )
            for part, comment in (("", f"mean {what}"), ("_mcse", "Monte Carlo standard error"))
        ),
    ]
)
COSTS = pa.schema(
    [
        column("step", TEXT, "warmup, draws, estimators, fits, start, tables, simulate, ..."),
        column("seconds", REAL, "processor seconds, all jobs of the study"),
    ]
)
PRECISION = pa.schema(
    [
        *_CELL,
        column("parameter", TEXT, "of the cell that needs most replicates"),
        column("measure", TEXT, "coverage or bias_relative_to_sd"),
        column("wanted", REAL, "Monte Carlo standard error"),
        column("reached", REAL, "largest MCSE, those that do not differ taken together"),
        column("n_planned", INT, "replicates of the study"),
        column("n_needed", INT, "replicates; null: those there cannot tell"),
        column("n_needed_mcse", REAL, "Monte Carlo standard error of n_needed"),
    ]
)
PLANNING = pa.schema(
    [
        column("truth", TEXT, "the truth's name"),
        column("observations", INT, "per participant; null: as in the observed dataset"),
        column("model", TEXT),
        column("prior", TEXT),
        column("parameter", TEXT, "or decision"),
        column("measure", TEXT, "interval_width, power, coverage, rmse or rate; subset all"),
        column("level", REAL, "of the intervals; null: the measure has none"),
        column("wanted", REAL),
        column("n_needed", INT, "participants; null: not reached, or unknown"),
        column("lower", INT, "of the 95 % interval; null: no lower bound"),
        column("upper", INT, "of the 95 % interval; null: no upper bound"),
        column("status", TEXT, "reached, at the smallest or beyond the largest count, not clear"),
        column("smallest", INT, "count of participants that has a value"),
        column("largest", INT, "count of participants that has a value"),
        column("n_fewest", INT, "replicates that the value of a count rests on, at the least"),
        column("n_most", INT, "and at the most"),
    ]
)
DECISIONS = pa.schema(
    [
        *_CELL,
        column("decision", TEXT),
        column("parameter", TEXT, "or estimand, that it is about"),
        column("subset", TEXT, "all or converged"),
        column("outcome", TEXT, "an answer (yes, no, undecided), or right or wrong by the truth"),
        column("n_replicates", INT, "whose fit has an answer"),
        column("n_left_out", INT, "of the subset, whose fit failed or has no interval"),
        column("n_of_outcome", INT, "replicates with this outcome"),
        column("rate", REAL, "share of n_replicates"),
        column("mcse", REAL, "Monte Carlo standard error of rate"),
        column("lower", REAL, "of the 95 % Wilson interval"),
        column("upper", REAL, "of the 95 % Wilson interval"),
    ]
)
DECISION_DIFFERENCES = pa.schema(
    [
        *_CELL[:4],
        column("compared", TEXT, "model (or estimator) or prior"),
        column("first", TEXT),
        column("second", TEXT),
        column("given", TEXT, "the prior, or model, that they share; an estimator has none"),
        column("decision", TEXT),
        column("parameter", TEXT, "or estimand, that it is about"),
        column("subset", TEXT, "all: both have an answer; common: both converged too"),
        column("outcome", TEXT, "yes or right"),
        column("first_rate", REAL, "of the replicates that both have"),
        column("second_rate", REAL, "of the replicates that both have"),
        column("value", REAL, "first less second, on the same datasets"),
        column("mcse", REAL, "Monte Carlo standard error of the paired difference"),
        column("lower", REAL, "of the 95 % score interval of the paired difference"),
        column("upper", REAL, "of the 95 % score interval of the paired difference"),
        column("n_pairs", INT, "replicates that both have"),
    ]
)
DESIGN_EFFECTS = pa.schema(
    [
        column("parameter", TEXT),
        column("measure", TEXT, "bias, mse, coverage or interval_width"),
        column("level", REAL, "of the intervals; null: the measure has none"),
        column("term", TEXT, "a factor of the design, or two: `participants x model`"),
        column("df", INT, "degrees of freedom: contrasts of the term that vary"),
        column("df_error", REAL, "of the F statistic; null: there is no test"),
        column("share", REAL, "of the squared differences between cells, without noise"),
        column("largest_difference", REAL, "of a factor's mean values; null: an interaction"),
        column("mcse", REAL, "Monte Carlo standard error of largest_difference"),
        column("from_level", TEXT, "level of the factor with the smallest mean value"),
        column("to_level", TEXT, "and with the largest"),
        column("statistic", REAL, "F of no effect"),
        column("p_value", REAL, "of no effect; null: there are too few datasets"),
        column("p_corrected", REAL, "for all effects of the study (Holm)"),
        column("n_datasets", INT, "over all scenarios, that the effect rests on"),
        column("n_left_out", INT, "planned datasets without an estimate in every cell"),
    ]
)
VERIFICATION = pa.schema(
    [
        column("model", TEXT),
        column("parameter", TEXT),
        column("n_fits", INT, "converged with both engines"),
        column("n_verified", INT, "fits that the verifying engine was to make, of the model"),
        column("n_failed", INT, "of these, those that failed"),
        column("error", TEXT, "of the first of them that failed; null: none did"),
        column("n_one_sided", INT, "converged with one engine only; without n_failed"),
        column("mean_z", REAL, "z: difference of posterior means over its MCMC standard error"),
        column("mean_square_z", REAL, "1 is expected"),
        column("largest_z", REAL, "in absolute value"),
        column("p_value", REAL, "of z standard normal: its mean and its mean square"),
        column("p_corrected", REAL, "for all models and parameters (Holm)"),
        column("verdict", TEXT, "agree, disagree, all failed or no fit to compare"),
    ]
)
SELECTION = pa.schema(
    [
        *_CELL,
        column("left_out", TEXT, "a unit: observation or participant"),
        column("joint", TEXT, "the joint model, of which model is one program"),
        column("right", BOOL, "whether it generated the data"),
        column("n_replicates", INT, "with an elpd_loo of every joint model"),
        column("n_left_out", INT, "replicates of the study without"),
        column("n_chosen", INT, "replicates in which its elpd_loo is the largest"),
        *_rate("chosen", "share of replicates in which it is chosen"),
        column("n_clear", INT, "of these, by more than 2 SE of the difference to the second"),
        *_rate("clear", "share of replicates in which it is chosen and that is clear"),
        column("elpd_difference", REAL, "mean elpd_loo less the largest; 0: always chosen"),
        column("elpd_difference_mcse", REAL, "Monte Carlo standard error"),
        column("n_high_k", INT, "units whose Pareto k is too high, over these replicates"),
        *_rate("high_k", "share of these replicates with any such unit"),
    ]
)
PRIOR_PREDICTIVE = pa.schema(
    [
        column("prior", TEXT),
        column("draw", INT, "counted from 1"),
        column("kind", TEXT, "line: y is expected at x; outcome: y is simulated at x"),
        column("x", REAL),
        column("y", REAL),
    ]
)
PRIOR_OUTCOMES = pa.schema(
    [
        column("prior", TEXT),
        column("reason", TEXT, "why nothing can be drawn from it; null: draws are possible"),
        column("n_draws", INT, "datasets of the first scenario drawn from it"),
        column("n_failed", INT, "of these, those that could not be simulated"),
        column("error", TEXT, "of the first of them; null: none failed"),
        *(
            column(f"{end}{part}", REAL, comment)
            for end, what in (("lower", "5 %"), ("upper", "95 %"))
            for part, comment in (
                ("", f"{what} quantile of the outcomes"),
                ("_mcse", "Monte Carlo standard error"),
            )
        ),
        column("plausible_low", REAL, "of the study; null: no lower end"),
        column("plausible_high", REAL, "of the study; null: no upper end"),
        *(
            column(f"{side}{part}", REAL, comment)
            for side, what in (
                ("below", "share of outcomes below plausible_low"),
                ("above", "share of outcomes above plausible_high"),
                ("outside", "share of outcomes below or above; null: the study has no range"),
            )
            for part, comment in (("", what), ("_mcse", "Monte Carlo standard error"))
        ),
        *_rate("datasets", "share of datasets with any outcome outside"),
    ]
)
PRIOR_CATEGORIES = pa.schema(
    [
        column("prior", TEXT),
        column("category", INT, "of outcomes that are categories"),
        column("share", REAL, "of outcomes in it, mean over datasets"),
        column("share_mcse", REAL, "Monte Carlo standard error"),
        column("lower", REAL, "5 % quantile over datasets of their share"),
        column("upper", REAL, "95 % quantile over datasets of their share"),
    ]
)

SUMMARIES = {
    "performance": PERFORMANCE,
    "comparison": COMPARISON,
    "groups": GROUPS,
    "calibration": CALIBRATION,
    "convergence": CONVERGENCE,
    "efficiency": EFFICIENCY,
    "costs": COSTS,
    "precision": PRECISION,
    "planning": PLANNING,
    "decisions": DECISIONS,
    "decision_differences": DECISION_DIFFERENCES,
    "design_effects": DESIGN_EFFECTS,
    "verification": VERIFICATION,
    "selection": SELECTION,
    "prior_predictive": PRIOR_PREDICTIVE,
    "prior_outcomes": PRIOR_OUTCOMES,
    "prior_categories": PRIOR_CATEGORIES,
}


def with_sizes(schema: pa.Schema, factors: Iterable[str]) -> pa.Schema:
    """Return a schema with a column for the number of groups of every other grouping factor."""
    if "observations" not in schema.names:
        return schema
    fields = list(schema)
    place = schema.names.index("observations") + 1
    fields[place:place] = [column(f"n_{name}", INT, f"groups of {name}") for name in factors]
    return pa.schema(fields)
