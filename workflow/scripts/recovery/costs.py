"""What this process costs, in processor seconds."""

from __future__ import annotations

import resource
import time


def used() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
