"""Reading YAML that a researcher wrote: safely, and without losing a repeated key."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import yaml

from recovery.faults import StudyError, shown


class _NoDuplicates(yaml.SafeLoader):
    """YAML as safe_load reads it, but a repeated key is an error."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                line = key_node.start_mark.line + 1
                raise StudyError(f"{key}: stands twice in one mapping (line {line}), must be once")
            seen.add(key if isinstance(key, Hashable) else str(key))
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict:
    """Read a study file; a malformed file or a repeated key is a StudyError."""
    try:
        raw = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_NoDuplicates)
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except StudyError as error:
        raise StudyError(f"{path}: {error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: is not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise StudyError(f"{path}: got {shown(raw)}, must be a mapping of keys to values")
    return raw
