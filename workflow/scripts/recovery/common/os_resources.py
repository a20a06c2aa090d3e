"""What the operating system tells of resources: processor time used, and limits."""

from __future__ import annotations

import os

try:
    import resource
except ImportError:  # a system that is not Unix
    HAS_LIMITS = False
else:
    HAS_LIMITS = True


def children_seconds() -> float:
    """Return the processor seconds of this process's children that have ended."""
    if not HAS_LIMITS:
        times = os.times()
        return times.children_user + times.children_system
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def largest_file() -> int | None:
    """Return the most bytes that a file may have here; None if there is no limit."""
    if not HAS_LIMITS:
        return None
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
