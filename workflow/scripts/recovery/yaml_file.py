"""Reading YAML that a researcher wrote: safely, and without losing a repeated key."""

from __future__ import annotations

import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from recovery.faults import StudyError, shown

LARGEST = 100_000  # values in a file, what an anchor stands for counted wherever it is used
TEMPLATE = "__use_yte__"  # has Snakemake run Python that stands in the file


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
        raw = _load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except StudyError as error:
        raise StudyError(f"{path}: {error}") from None
    except RecursionError:
        raise StudyError(f"{path}: is nested too deeply") from None
    except Exception as error:  # PyYAML trips over wrong dates and numbers in many ways
        raise StudyError(f"{path}: is not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise StudyError(f"{path}: got {shown(raw)}, must be a mapping of keys to values")
    if TEMPLATE in raw:
        raise StudyError(f"{path}: {TEMPLATE}: unknown key, must not be there")
    return raw


def _load(text: str) -> Any:
    loader = _NoDuplicates(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > LARGEST:
            raise StudyError(f"stands for more than {LARGEST:,} values, anchors resolved")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[yaml.Node, float]) -> float:
    """How many values a node stands for; infinite for one that holds itself."""
    if node not in known:
        known[node] = math.inf
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in parts for part in pair]
        known[node] = 1 + sum(_size(part, known) for part in parts)
    return known[node]


def read_value(text: str, place: str) -> Any:
    """Read one value that stands elsewhere than in a file; StudyError names the place."""
    try:
        return _load(text)
    except Exception as error:
        raise StudyError(f"{place}: got {shown(text)}, is not valid YAML: {error}") from None
