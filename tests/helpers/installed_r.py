"""Whether this machine has R with the packages that estimators use."""

import pytest

from recovery.families.multilevel.in_r import packages


def _lacks() -> str:
    try:
        for function in packages.OF_FUNCTIONS:
            packages.version(function)
    except ValueError as lacking:
        return str(lacking)
    return ""


needs_r = pytest.mark.skipif(bool(_lacks()), reason=f"these tests need R: {_lacks()}")
