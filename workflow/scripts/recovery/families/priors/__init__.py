"""Named priors: distributions, how they are written, and the data of programs that have them."""

from recovery.families.priors.bounded import Bounded
from recovery.families.priors.distribution import Distribution
from recovery.families.priors.distributions import LKJ, Constant, Flat
from recovery.families.priors.named_priors import (
    CORRELATIONS,
    ONE_PARAMETER,
    WHOLE_LINE,
    NamedPriors,
    PriorKey,
    cannot_be_zero,
    content_of,
    fixed_by,
    named_prior,
    prior_type,
    read_distribution,
)
from recovery.families.priors.program_data import program_data
from recovery.families.priors.weighted_sums import WeightedSum, weighted_sum

__all__ = [
    "CORRELATIONS",
    "LKJ",
    "ONE_PARAMETER",
    "WHOLE_LINE",
    "Bounded",
    "Constant",
    "Distribution",
    "Flat",
    "NamedPriors",
    "PriorKey",
    "WeightedSum",
    "cannot_be_zero",
    "content_of",
    "fixed_by",
    "named_prior",
    "prior_type",
    "program_data",
    "read_distribution",
    "weighted_sum",
]
