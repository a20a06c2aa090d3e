"""The version of the workflow, in its one place.

Not in `recovery/__init__.py`: every module counts that file, so a new version would make every
fit again. This module counts only for the report.
"""

__version__ = "0.1.0"
