"""Cases of a parametrized test of which `make test` runs some, `make test-all` all."""

from collections.abc import Iterable

import pytest


def slow_after(count: int, cases: Iterable) -> list:
    """Return the cases; all after the first `count` are marked slow."""
    cases = list(cases)
    values = (case if isinstance(case, tuple) else (case,) for case in cases[count:])
    return cases[:count] + [pytest.param(*value, marks=pytest.mark.slow) for value in values]
