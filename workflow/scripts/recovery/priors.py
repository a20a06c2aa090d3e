"""What is known of a study's priors: standard deviations, which a researcher's code may give."""

from __future__ import annotations

from recovery import families
from recovery.child import ChildLostError, guarded
from recovery.families.base import Values
from recovery.faults import StudyError
from recovery.study import Study


def standard_deviations(study: Study, prior: str, model: str) -> Values:
    """Return prior standard deviations of a model's parameters, where they are known.

    Raises
    ------
    StudyError
        When a researcher's own function for them fails, crashes or takes too long.
    """
    family = families.find(study.family)
    seconds = families.guest_seconds(study)
    with guarded(lambda of: family.prior_sd(study.priors[prior], of), seconds, "prior_sd") as known:
        try:
            return known(model)
        except ChildLostError as lost:
            raise StudyError(f"{study.family}: prior_sd: {lost}") from None
