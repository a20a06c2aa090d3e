"""MkDocs hook: write the tables of keys and columns from the code when the site is built.

A page holds a line such as `<!-- generated: keys Sampler -->` or `<!-- generated: table loo -->`;
the table takes its place. Nothing generated is committed.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = str(ROOT / "workflow" / "scripts")
if SCRIPTS not in sys.path:
    sys.path.insert(0, SCRIPTS)

import pyarrow as pa  # noqa: E402

from recovery.common.version import __version__  # noqa: E402
from recovery.tables import batch_schemas  # noqa: E402
from recovery.tables.summary_schemas import SUMMARIES  # noqa: E402

MARKER = re.compile(r"^<!-- generated: (\w+)(?: (\w+))? -->$", re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")
BATCH_TABLES = {
    "truth": batch_schemas.TRUTH,
    "estimates": batch_schemas.estimates_schema([0.89]),
    "groups": batch_schemas.GROUPS,
    "diagnostics": batch_schemas.DIAGNOSTICS,
    "loo": batch_schemas.LOO,
    "evidence": batch_schemas.EVIDENCE,
    "draws": batch_schemas.DRAWS,
}
BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
)
SIZES = (
    ("minItems", "at least {} of them"),
    ("maxItems", "at most {} of them"),
    ("maxProperties", "at most {} of them"),
    ("maxLength", "at most {} characters"),
)
TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "integer",
    "null": "none",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
COLUMN_TYPES = {
    "string": "text",
    "int64": "integer",
    "double": "number",
    "bool": "true or false",
    "list<element: double>": "list of numbers",
    "list<item: double>": "list of numbers",
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the generated tables into a page; MkDocs calls this for each.

    In code, MkDocs shows the backslash that GitHub needs before a bar in a table.
    """
    written = MARKER.sub(lambda marker: WRITERS[marker[1]](marker[2]), markdown)
    return CODE.sub(lambda code: code[0].replace(r"\|", "|"), written)


def keys(part: str) -> str:
    """Return the keys of a part of the study file: `Study`, or a definition of the schema."""
    schema = study_schema()
    definition = schema if part == "Study" else schema["$defs"][part]
    required = definition.get("required", [])
    rows = [
        (f"`{name}`", kind(key), default(name, key, required), sentence(key.get("description", "")))
        for name, key in definition["properties"].items()
    ]
    return markdown_table(("key", "type", "default", "meaning"), rows)


def study_schema() -> dict[str, Any]:
    """Return the JSON schema of a study file."""
    return json.loads((ROOT / "workflow/schemas/study.schema.json").read_text(encoding="utf-8"))


def kind(key: dict[str, Any]) -> str:
    """Return a key's type and bounds in words."""
    if "anyOf" in key:
        return " or ".join(kind(each) for each in key["anyOf"] if each.get("type") != "null")
    if "$ref" in key:
        return "mapping"
    if "enum" in key:
        return " or ".join(f"`{value}`" for value in key["enum"])
    if "const" in key:
        return f"`{key['const']}`"
    if isinstance(key["type"], list):
        return " or ".join(TYPES[name] for name in key["type"])
    words = TYPES[key["type"]]
    if key.get("pattern") == "^[a-z0-9_]+$":
        words = "name"
    elif "items" in key:
        words = f"list of: {kind(key['items'])}"
    limits = [text.format(f"{key[name]:,}") for name, text in (*BOUNDS, *SIZES) if name in key]
    return ", ".join([words, *limits])


def default(name: str, key: dict[str, Any], required: Iterable[str]) -> str:
    """Return a key's default as a study file would say it."""
    if name in required:
        return "required"
    value = key.get("default")
    if value in (None, [], {}) or isinstance(value, dict):
        return "see below" if value else "none"
    return f"`{json.dumps(value)}`".replace('"', "")


def table(name: str) -> str:
    """Return the columns of a table: name, type and comment."""
    schema = BATCH_TABLES[name] if name in BATCH_TABLES else SUMMARIES[name]
    return columns(schema)


def summary(name: str) -> str:
    """Return the columns of a summary table, where a table of batches has the same name."""
    return columns(SUMMARIES[name])


def columns(schema: pa.Schema) -> str:
    """Return the columns of a schema as a table."""
    rows = [
        (f"`{field.name}`", COLUMN_TYPES[str(field.type)], sentence(comment(field)))
        for field in schema
    ]
    return markdown_table(("column", "type", "meaning"), rows)


def comment(field: pa.Field) -> str:
    """Return a column's comment."""
    return (field.metadata or {}).get(b"comment", b"").decode()


def version(_: str | None) -> str:
    """Return the version of the workflow."""
    return f"This site describes version {__version__}."


def sentence(text: str) -> str:
    """Return a text on one line, safe in a cell of a table."""
    text = " ".join(text.split()).replace("|", "\\|")
    return text[:1].upper() + text[1:]


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


WRITERS: dict[str, Callable[[Any], str]] = {
    "keys": keys,
    "table": table,
    "summary": summary,
    "version": version,
}
