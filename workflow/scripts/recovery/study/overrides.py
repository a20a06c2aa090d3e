"""Changes of a study on the command line: `--config KEY=VALUE`.

Values are YAML, as in the study file. Snakemake parses them differently (the 6 of `[6]` as text)
and uses only the last `--config`; so the commands join them, and the rules parse them again.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping
from typing import Any

from recovery.common.errors import StudyError, shown
from recovery.study.yaml_file import read_value

_KEY = re.compile(r"[a-zA-Z_]\w*")
_ONCE = {  # an option of Snakemake -> how it is written, and its values
    "--config": (r"--config($|=)|-C", "KEY=VALUE"),
    "--configfile": (r"--configfiles?($|=)", "file"),
}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options `--engine` and `--config` to a command."""
    parser.add_argument("--engine", help="run Stan with this engine instead of the study's")
    parser.add_argument(
        "--config",
        "-C",
        nargs="*",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="keys of the study to change, and their values in YAML; the last one of a key counts",
    )


def entries_of(options: argparse.Namespace) -> list[str]:
    """Return all changes of a command line as `KEY=VALUE`; `--engine` comes last."""
    return [*options.config, *([f"engine={options.engine}"] if options.engine else [])]


def refuse_repeated_config(arguments: Iterable[str]) -> None:
    """Refuse a repeated `--config` or `--configfile`, of which Snakemake takes only the last."""
    words = list(arguments)
    for option, (pattern, value) in _ONCE.items():
        if sum(bool(re.match(pattern, word)) for word in words) > 1:
            raise StudyError(
                f"{option}: got more than one, must be one: Snakemake uses only the last; give "
                f"every {value} after one {option}"
            )


def apply_changes(raw: Mapping[str, Any], entries: Iterable[str]) -> dict[str, Any]:
    """Return a raw study with changes; a mapping changes only the keys that it has."""
    study = dict(raw)
    for entry in entries:
        key, equals, text = entry.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise StudyError(f"--config: got {shown(entry)}, must be KEY=VALUE, a key of the study")
        study = _merged(study, {key: read_value(text, f"--config {key}")})
    return study


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
