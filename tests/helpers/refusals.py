"""How a study is refused."""

import pytest
from conftest import make_study

from recovery.common.errors import StudyError


def refusal(*places: tuple) -> str:
    """Return the message that refuses the small study with changes."""
    with pytest.raises(StudyError) as refused:
        make_study(*places)
    return str(refused.value)
