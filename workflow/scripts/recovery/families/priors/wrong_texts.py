"""What to write in place of a text that names no allowed distribution: the messages of priors."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection

from recovery.families.priors.distribution import Bounds
from recovery.families.priors.distributions import DISTRIBUTIONS, LKJ, Flat

IN_QUOTES = (
    "between braces and brackets YAML splits at commas: write each prior on its own line, "
    'or in quotes, as "normal(0, 1)"'
)
# Other names of distributions, in small letters and without signs.
_ALIASES = {
    **dict.fromkeys(("gaussian", "n", "norm", "stdnormal"), "normal"),
    **dict.fromkeys(("t", "student", "tdist"), "student_t"),
    **dict.fromkeys(("laplace", "dexp", "doubleexp"), "double_exponential"),
    **dict.fromkeys(("exp", "expon"), "exponential"),
    **dict.fromkeys(("inversegamma", "invgamma", "igamma"), "inv_gamma"),
    **dict.fromkeys(("lnorm", "lognorm"), "lognormal"),
    **dict.fromkeys(("unif", "u"), "uniform"),
    **dict.fromkeys(("const", "fixed", "dirac"), "constant"),
    **dict.fromkeys(("improper", "noprior", "none", "uninformative"), "flat"),
    **dict.fromkeys(("lkjcorr", "lkjcorrcholesky", "lkjcholesky"), "lkj"),
}
_NAMES = {name.replace("_", ""): name for name in DISTRIBUTIONS} | _ALIASES
_REASONS = {
    LKJ.NAME: "; lkj is for correlations (`cor`)",
    Flat.NAME: "; nothing can be drawn from flat",
}
_NAME = re.compile(r"[\s~]*([A-Za-z][\w\s.-]*)")
_CALL_WITHIN = re.compile(r"(?<!half )(?<![\w-])(\w+)\s*\([^()]*\)", re.IGNORECASE)


def form(name: str) -> str:
    """Return how a distribution is written."""
    arguments = ", ".join(DISTRIBUTIONS[name].ARGUMENTS)
    return f"{name}({arguments})" if arguments else name


def requirement(text: str, allowed: Collection[str]) -> str:
    """Return what a text must be that names no distribution, or one that is not allowed."""
    within = [call[0] for call in _CALL_WITHIN.finditer(text) if call[1] in allowed]
    if within and within[0] != text.strip():
        return f"a distribution alone, as {within[0]}; bounds follow from the parameter"
    if len(allowed) == 1:
        return f"{form(*allowed)} here"
    written = _written_name(text)
    bare = written.removeprefix("half")
    near = difflib.get_close_matches(bare, _NAMES, 1)
    meant = _NAMES[near[0]] if near else None
    if meant is None or meant not in allowed:
        return f"one of {', '.join(allowed)}, with Stan's arguments{_REASONS.get(meant or '', '')}"
    half = " It is cut at 0 for parameters above 0, such as SDs, and for no others."
    return f"a distribution of Stan; did you mean {form(meant)}?{half * (bare != written)}"


def argument_fault(number: float, bounds: Bounds) -> str | None:
    """Return what an argument must be, if it is outside its range, or NaN for no number."""
    smallest, largest = bounds
    if math.isnan(number):
        return "a number, such as 0.5"
    if number <= 0 < smallest:
        return "above 0"
    if number < smallest:
        return f"at least {smallest:g}"
    return f"at most {largest:g}" if number > largest else None


def _written_name(text: str) -> str:
    """The name that a text begins with, in small letters and without signs."""
    match = _NAME.match(text)
    return re.sub(r"[^a-z0-9]", "", match[1].lower()) if match else ""
