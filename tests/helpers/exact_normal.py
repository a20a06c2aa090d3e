"""Multivariate normal log densities in exact fractions, where floating point loses digits."""

import math
from fractions import Fraction

import numpy as np

exact = np.vectorize(lambda number: Fraction(float(number)), otypes=[object])


def log_density(y, mean, covariance) -> float:
    """The log density of y; all arguments are arrays of fractions."""
    determinant, form = elimination(covariance, y - mean)
    log_determinant = math.log(determinant.numerator) - math.log(determinant.denominator)
    return -(len(y) * math.log(2 * math.pi) + log_determinant + float(form)) / 2


def elimination(matrix, rhs):
    """Determinant of a positive definite matrix and rhs' inv(matrix) rhs."""
    rows = [[*row, b] for row, b in zip(matrix.tolist(), rhs.tolist(), strict=True)]
    determinant, form = Fraction(1), Fraction(0)
    while rows:
        (pivot, *head), rest = rows[0], rows[1:]
        determinant, form = determinant * pivot, form + head[-1] ** 2 / pivot
        rows = [
            [a - row[0] * h / pivot for a, h in zip(row[1:], head, strict=True)] for row in rest
        ]
    return determinant, form
