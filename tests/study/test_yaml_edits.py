"""Edits of one value in the text of a study file."""

import pytest

from recovery.study.yaml_edits import with_integer

EDITS = {
    "plain": ("a: 1\nreplicates: 20\nb: 2\n", "a: 1\nreplicates: 60\nb: 2\n"),
    "comments_and_quotes": (
        "# top\nname: 'x'  # one\nreplicates:   20   # many\n\ntitle: \"y\"\n",
        "# top\nname: 'x'  # one\nreplicates:   60   # many\n\ntitle: \"y\"\n",
    ),
    "value_on_the_next_line": (
        "replicates:  # how many\n  # not this: 20\n  20\nb: 2\n",
        "replicates:  # how many\n  # not this: 20\n  60\nb: 2\n",
    ),
    "quoted_key": ('"replicates" : 20\n', '"replicates" : 60\n'),
    "explicit_key": ("? replicates\n: 20\na: 1\n", "? replicates\n: 60\na: 1\n"),
    "indented_mapping": ("  a: 1\n  replicates: 20\n", "  a: 1\n  replicates: 60\n"),
    "hexadecimal": ("replicates: 0x14\n", "replicates: 60\n"),
    "flow_on_one_line": ("{a: [1, 2], replicates: 20, b: {c: 3}}", None),
    "flow_on_many_lines": ("{\n  a: 1, # c\n  replicates:\n    20\n}\n", None),
    "json": ('{"a": 1, "replicates": 20}', None),
    "document_markers": ("%YAML 1.1\n---\nreplicates: 20\n...\n", None),
    "windows_line_ends": ("a: 1\r\nreplicates: 20\r\nb: 2\r\n", None),
    "no_line_end": ("replicates: 20", None),
    "characters_outside_the_basic_plane": ("title: 😀 é\nreplicates: 20\n", None),
    "same_key_deeper": (
        "a:\n  replicates: 20\nreplicates: 20\n",
        "a:\n  replicates: 20\nreplicates: 60\n",
    ),
    "same_line_in_a_text": (
        "a: |\n  replicates: 20\n\nreplicates: 20\n",
        "a: |\n  replicates: 20\n\nreplicates: 60\n",
    ),
    "alias": ("batch: &n 20\nreplicates: *n # c\n", "batch: &n 20\nreplicates: 60 # c\n"),
    "alias_in_flow": ("{batch: &n 20, replicates: *n }", "{batch: &n 20, replicates: 60 }"),
    "unused_anchor": ("replicates: &n 20\nb: 2\n", "replicates: &n 60\nb: 2\n"),
    "used_anchor": (
        "replicates: &n 20 # c\nbatch: *n\nother: [*n]\n",
        "replicates: 60 # c\nbatch: &n 20\nother: [*n]\n",
    ),
    "anchor_named_again": (
        "replicates: &n 20\nbatch: &n 5\nother: [*n]\n",
        "replicates: &n 60\nbatch: &n 5\nother: [*n]\n",
    ),
    "merge": (
        "base: &b {replicates: 20}\n# c\n<<: *b\n",
        "base: &b {replicates: 20}\n# c\nreplicates: 60\n<<: *b\n",
    ),
    "merge_in_flow": (
        "{base: &b {replicates: 20}, <<: *b}",
        "{base: &b {replicates: 20}, replicates: 60, <<: *b}",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_only_the_value_changes(name):
    before, after = EDITS[name]
    expected = before.replace("20", "60") if after is None else after
    assert with_integer(before, "replicates", 60) == expected


@pytest.mark.parametrize(
    "text", ["a: 1\n", "- replicates: 20\n", "replicates: [20]\n", "a: [1\n", ""]
)
def test_a_text_without_such_a_value_is_not_edited(text):
    assert with_integer(text, "replicates", 60) is None
