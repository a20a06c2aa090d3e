"""The coefficients of a multilevel regression: of the population, and of groups.

Parameters are named after the terms of the formula, as brms names them: `b_Intercept`, `b_x`,
`sd_participant__x`, `cor_participant__Intercept__x`, `r_participant[3,x]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from recovery.families import formulas
from recovery.families.designs import Design
from recovery.families.family import Columns, SimulationError
from recovery.families.formulas import DesignMatrix, Formula

INTERCEPT = "Intercept"
_DEVIATION = re.compile(r"r_(?P<factor>.+)\[(?P<group>[^\[\],]+),(?P<coefficient>.+)\]")


@dataclass(frozen=True)
class Block:
    """The coefficients of a term in parentheses: they vary by group of a grouping factor.

    Parameters
    ----------
    factor : str
        The grouping factor; `school:class` for the classes of schools.
    columns : tuple of str
        The data columns that number its groups.
    matrix : DesignMatrix
    correlated : bool
        Whether coefficients of a group are correlated.
    """

    factor: str
    columns: tuple[str, ...]
    matrix: DesignMatrix
    correlated: bool

    @property
    def coefficients(self) -> tuple[str, ...]:
        """The names of the coefficients."""
        return self.matrix.names

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of coefficients that are correlated with one another."""
        number = len(self.coefficients)
        return (number,) if self.correlated else (1,) * number

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs of correlated coefficients: each with those before it."""
        if not self.correlated:
            return ()
        found = [(one, other) for one, other in combinations(self.coefficients, 2)]
        place = self.coefficients.index
        return tuple(sorted(found, key=lambda pair: (place(pair[1]), place(pair[0]))))

    @property
    def sd(self) -> tuple[str, ...]:
        """The names of the coefficients' standard deviations."""
        return tuple(f"sd_{self.factor}__{each}" for each in self.coefficients)

    @property
    def cor(self) -> tuple[str, ...]:
        """The names of their correlations, in the order of `pairs`."""
        return tuple(f"cor_{self.factor}__{one}__{other}" for one, other in self.pairs)

    @property
    def places(self) -> list[tuple[int, int, str]]:
        """Row and column of every correlation in the correlation matrix, and its name."""
        place = self.coefficients.index
        named = zip(self.pairs, self.cor, strict=True)
        return [(place(one), place(other), name) for (one, other), name in named]

    def groups(self, columns: Columns) -> tuple[list[str], np.ndarray]:
        """Return the names of the groups in a dataset, and the group of every row, from 0."""
        if len(self.columns) == 1:
            numbers, index = np.unique(columns[self.columns[0]], return_inverse=True)
            return [str(number) for number in numbers.tolist()], index
        together = np.column_stack([columns[name] for name in self.columns])
        rows, index = np.unique(together, axis=0, return_inverse=True)
        return ["_".join(map(str, row)) for row in rows.tolist()], index.reshape(-1)

    def deviations(self, groups: Sequence[str]) -> list[list[str]]:
        """Return the names of the deviations of groups, a list for every coefficient."""
        return [
            [f"r_{self.factor}[{group},{each}]" for group in groups] for each in self.coefficients
        ]


@dataclass(frozen=True)
class Layout:
    """The coefficients of a regression, in the order in which programs have them."""

    formula: Formula
    design: Design
    intercept: bool = True
    """Whether the population's intercept is a parameter; thresholds replace it otherwise."""

    @cached_property
    def codings(self) -> dict[str, formulas.Coding]:
        """The codings of the design's factors."""
        return {
            name: formulas.coding(factor.levels, factor.coding)
            for name, factor in self.design.factors.items()
        }

    @cached_property
    def population(self) -> DesignMatrix:
        """The design matrix of the population's coefficients, with an intercept if it has one."""
        return DesignMatrix(self.formula.population, self.codings)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The terms in parentheses."""
        return tuple(
            Block(term.name, term.factor, DesignMatrix(term.terms, self.codings), term.correlated)
            for term in self.formula.groups
        )

    @property
    def response(self) -> str:
        """The data column of the outcome."""
        return self.formula.response

    @property
    def size(self) -> int:
        """The number of the population's coefficients (K)."""
        return len(self.coefficients)

    @cached_property
    def coefficients(self) -> tuple[str, ...]:
        """The names of the population's coefficients, without `b_`."""
        names = self.population.names
        return names if self.intercept else tuple(name for name in names if name != INTERCEPT)

    @cached_property
    def b(self) -> dict[str, str]:
        """Population coefficients -> labels."""
        return {f"b_{name}": f"b_{name}" for name in self.coefficients}

    @cached_property
    def sd(self) -> dict[str, str]:
        """Standard deviations of groups' coefficients -> labels."""
        return {name: name for block in self.blocks for name in block.sd}

    @cached_property
    def cor(self) -> dict[str, str]:
        """Correlations of groups' coefficients -> labels."""
        return {name: name for block in self.blocks for name in block.cor}

    @cached_property
    def deviations(self) -> dict[str, str]:
        """Groups' deviations `r_FACTOR[,COEFFICIENT]` -> labels."""
        return {
            f"r_{block.factor}[,{each}]": f"{each} by {block.factor}"
            for block in self.blocks
            for each in block.coefficients
        }

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of coefficients that are correlated with one another, of all blocks (Q)."""
        return tuple(size for block in self.blocks for size in block.sizes)

    @cached_property
    def centre(self) -> tuple[int, ...]:
        """For every varying coefficient the population's that is its mean, from 1; size + 1: none.

        A population coefficient is the mean of one varying coefficient only: the first of its name
        that has the same predictor.
        """
        predictors = dict(zip(self.population.names, self.population.predictors, strict=True))
        free = {name: predictors[name] for name in self.coefficients}
        places = []
        for block in self.blocks:
            for each, predictor in zip(block.coefficients, block.matrix.predictors, strict=True):
                is_mean = free.get(each) == predictor
                if is_mean:
                    del free[each]
                places.append(self.coefficients.index(each) + 1 if is_mean else self.size + 1)
        return tuple(places)

    @property
    def fixed(self) -> tuple[int, ...]:
        """The population's coefficients that are not the mean of a varying one, from 1."""
        return tuple(k for k in range(1, self.size + 1) if k not in self.centre)

    @property
    def only_block(self) -> Block | None:
        """The block of a regression with one, if all its coefficients vary around population's."""
        if len(self.blocks) != 1:
            return None
        block = self.blocks[0]
        means = self.size >= max(self.centre)
        return block if means and (block.correlated or len(block.coefficients) == 1) else None

    @property
    def only_factor(self) -> str | None:
        """The grouping factor of all terms in parentheses, if they have the same one."""
        factors = {block.factor for block in self.blocks}
        return factors.pop() if len(factors) == 1 else None

    @property
    def all_vary(self) -> bool:
        """Whether there is one block with every population coefficient, in the same order."""
        return self.only_block is not None and self.centre == tuple(range(1, self.size + 1))

    @cached_property
    def predictors(self) -> dict[str, str]:
        """The variables of the formula, in the order of the design -> "integer" or "real"."""
        trials = {self.formula.trials} if isinstance(self.formula.trials, str) else set()
        used = {*self.formula.variables, *trials}
        return {
            name: "integer" if name in self.design.factors else "real"
            for name in self.design.variables
            if name in used
        }

    @property
    def centred(self) -> bool:
        """Whether the intercept's prior is at the means of the design matrix's columns."""
        return not self.formula.at_zero

    def column_means(self, columns: Columns) -> np.ndarray:
        """Return the means of the columns of X at which the intercept's prior is; that is 0.

        Shape (size,). All are 0 if the prior is at zero of predictors, or there is no intercept.
        """
        has_intercept = () in self.population.terms
        if not self.centred or not has_intercept:
            return np.zeros(self.size)
        if self.coefficients and _mean_of(self.coefficients[0]) in columns:
            return np.array([columns[_mean_of(name)][0] for name in self.coefficients])
        means = self.design_matrix(columns).mean(axis=0)
        return np.where([name == INTERCEPT for name in self.coefficients], 0.0, means)

    @property
    def depends_on_all_rows(self) -> str:
        """The first part of the formula whose values depend on all rows; empty if there is none."""
        found = (atom.text for atom in self.formula.atoms if atom.depends_on_all_rows)
        return next(found, "")

    def for_parts(self, columns: Columns) -> Columns:
        """Return a dataset with what cannot be computed from some of its rows as columns."""
        found = dict(columns)
        for atom in self.formula.atoms:
            if atom.depends_on_all_rows:
                found |= dict(zip(atom.names, atom.values(columns).T, strict=True))
        size = columns["participant"].size
        means = zip(self.coefficients, self.column_means(columns), strict=True)
        return found | {_mean_of(name): np.full(size, mean) for name, mean in means}

    def design_matrix(self, columns: Columns) -> np.ndarray:
        """Return X, shape (n_rows, size)."""
        matrix = self.population(columns)
        return matrix[:, [name in self.coefficients for name in self.population.names]]

    def offset(self, columns: Columns) -> np.ndarray:
        """Return the known part of the linear predictor of every row."""
        rows = columns[self.response if self.response in columns else "participant"].size
        return np.broadcast_to(formulas.offset(self.formula, columns), rows).astype(float)

    def trials(self, columns: Columns) -> np.ndarray | None:
        """Return the number of trials of every row; None if the formula has none."""
        trials = self.formula.trials
        if trials is None:
            return None
        if isinstance(trials, int):
            return np.full(len(columns["participant"]), trials)
        counts = columns[trials]
        if not np.all((counts >= 0) & (counts == np.floor(counts))):
            raise SimulationError(f"{trials} has numbers of trials that are not whole numbers")
        return counts.astype(int)


def _mean_of(coefficient: str) -> str:
    """The name of the data column that has the mean of a column of X."""
    return f"mean of {coefficient}"


def parts_of(deviation: str) -> tuple[str, str, str] | None:
    """Return factor, group and coefficient of `r_FACTOR[GROUP,COEFFICIENT]`; None if it is none."""
    match = _DEVIATION.fullmatch(deviation)
    return (match["factor"], match["group"], match["coefficient"]) if match else None
