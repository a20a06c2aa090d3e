"""What is not in the grammar is refused in words, and nothing is evaluated."""

import ast
import builtins
import contextlib
import os
import re

import pytest
from conftest import ROOT
from hypothesis import example, given
from hypothesis import strategies as st

from recovery.families.formulas import read_formula

PACKAGE = ROOT / "workflow/scripts/recovery/families/formulas"
HOSTILE = [
    "",
    " ",
    "~",
    "y",
    "y ~",
    "~ x",
    "y ~ x ~ z",
    "y ~ .",
    "y ~ x + .",
    'y ~ os.system("touch /tmp/hacked")',
    "y ~ system(x)",
    "y ~ I(os.system(x))",
    "y ~ __import__",
    "y ~ I(__import__(os))",
    "y ~ eval(x)",
    "y ~ exec(x)",
    "y ~ I(eval(x))",
    "y ~ log(I(x))",
    "y ~ np.log(x)",
    "y ~ x.__class__()",
    "y ~ x.__class__.__bases__[0]",
    "y ~ lambda x: x",
    "y ~ I(x).y",
    "y ~ x; z",
    "y ~ x\n",
    "y ~ x\n+ z",
    "y\t~ x",
    "y ~ x \\ z",
    "y ~ 'x'",
    'y ~ "x"',
    "y ~ `x`",
    "y ~ x[1]",
    "y ~ {x}",
    "y ~ {x:>1000000000}",
    "y ~ %s",
    "y ~ a %in% b",
    "y ~ a / b",
    "y ~ (a / b | g)",
    "y ~ a == b",
    "y ~ a = b",
    "y ~ a := b",
    "y ~ x if x else z",
    "y ~ x and z",
    "y ~ !x",
    "y ~ a & b",
    "y ~ a @ b",
    "y ~ a ** b",
    "y ~ a // b",
    "y ~ $HOME",
    "y ~ $(ls)",
    "y ~ x # z",
    "y ~ x\x00",
    "y ~ \u0445",  # a Cyrillic letter
    "y ~ \uff58",  # a wide letter
    "y ~ I(x^\u00b2)",
    "y ~ x\u00a0+ z",
    "y \u223c x",
    "y ~ I(x * \u0663)",  # a digit of another script
    "y ~ \u202ex",
    "y ~ \ud800",
    "y ~ _x",
    "y ~ 1x",
    "y ~ 2",
    "y ~ 01",
    "y ~ 0x1F",
    "y ~ 2L * x",
    "y ~ x + 1e5",
    "y ~ I(1e999 * x)",
    "y ~ I(x",
    "y ~ I()",
    "y ~ I(2)",
    "y ~ log(10)",
    "y ~ log(x, 2)",
    "y ~ log x",
    "y ~ poly(x)",
    "y ~ poly(x, 0)",
    "y ~ poly(x, 1000)",
    "y ~ poly(x, z)",
    "y ~ poly(x, 1.5)",
    "y ~ poly(x, -1)",
    "y ~ I(poly(x, 2))",
    "y ~ I(offset(x))",
    "y ~ offset()",
    "y ~ offset(1)",
    "y ~ x:offset(z)",
    "y ~ x - offset(z)",
    "y ~ (x + offset(z))",
    "y ~ (offset(x) | g)",
    "y ~ x +",
    "y ~ x + + z",
    "y ~ x + -z",
    "y ~ * x",
    "y ~ -a:b",
    "y ~ -a * b",
    "y ~ x z",
    "y ~ (x",
    "y ~ x)",
    "y ~ ()",
    "y ~ a:1",
    "y ~ a * 0",
    "y ~ (1 + a) * b",
    "y ~ (a + b - 1)^2",
    "y ~ (a + b)^c",
    "y ~ (a + b)^0",
    "y ~ (a + b)^1",
    "y ~ (a + b)^-1",
    "y ~ (a + b)^2.5",
    "y ~ (a + b)^1000000000",
    "y ~ a^b",
    "y ~ x | g",
    "y ~ 1 | g",
    "y ~ ((1 | g))",
    "y ~ (x + (1 | g))",
    "y ~ x - (1 | g)",
    "y ~ x:(1 | g)",
    "y ~ (1 | g):x",
    "y ~ (1 | g)^2",
    "y ~ (1 | g | h)",
    "y ~ (1 |p| g)",
    "y ~ (1 ||| g)",
    "y ~ ( | g)",
    "y ~ (1 | )",
    "y ~ (1 | 1)",
    "y ~ (1 | g + h)",
    "y ~ (1 | g * h)",
    "y ~ (1 | (g/h))",
    "y ~ (1 | log(g))",
    "y ~ (1 | gr(g, by = h))",
    "y ~ (1 | g:g)",
    "y ~ (1 | g/g)",
    "y ~ (0 | g)",
    "y ~ (a - a - 1 | g)",
    "y ~ (1 | g) + (1 | g)",
    "y ~ (1 | g/h) + (1 | h:g)",
    "y ~ (x | g) + (0 + x | g)",
    "y ~ y",
    "y ~ log(y)",
    "y ~ x + (y | g)",
    "y ~ x + (1 | y)",
    "y ~ offset(y)",
    "y | trials(y) ~ x",
    "y | trials() ~ x",
    "y | trials(0) ~ x",
    "y | trials(-1) ~ x",
    "y | trials(1.5) ~ x",
    "y | trials(n + 1) ~ x",
    "y | trials(n, m) ~ x",
    "y | trials(99999999999) ~ x",
    "y | trials n ~ x",
    "y | weights(w) ~ x",
    "y | x",
    "y || trials(n) ~ x",
    "log(y) ~ x",
    "y + z ~ x",
    "cbind(y, n) ~ x",
    "1 ~ x",
    f"y ~ {'(' * 300}x{')' * 300}",
    f"y ~ I({'(' * 300}x{')' * 300})",
    f"y ~ {'(' * 990}",
    f"y ~ I({'log(' * 190}x{')' * 190})",
    f"y ~ I({'^'.join(['x'] * 400)})",
    f"y ~ {'+'.join(['x'] * 1000)}",
    "y ~ (a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t)^20",
    f"y ~ {'*'.join('abcdefghijklmnopqrstuvwx')}",
    f"y ~ {'*'.join(f'(a{k}+b{k})' for k in range(60))}",
]


def read_without_evaluating(text, monkeypatch):
    """Read a formula while every function that runs code or opens a file raises SystemError."""

    def refuse(*args, **kwargs):
        raise SystemError("a formula was evaluated")

    with monkeypatch.context() as patch:
        for name in ("eval", "exec", "compile", "open"):
            patch.setattr(builtins, name, refuse)
        patch.setattr(os, "system", refuse)
        return read_formula(text)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:60]))
def test_hostile_text_is_refused(text, monkeypatch):
    with pytest.raises(ValueError, match=r"^got .+ must be |^got .+ must have ") as error:
        read_without_evaluating(text, monkeypatch)
    message = str(error.value)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("name", ["x.__class__", "lambda", "os.system", "exec", "eval.x"])
def test_a_name_is_a_column_whatever_it_means_elsewhere(name, monkeypatch):
    formula = read_without_evaluating(f"y ~ {name}", monkeypatch)
    assert formula.variables == (name,)


@pytest.mark.parametrize("value", [None, 3, b"y ~ x", ["y ~ x"], {"y": "x"}])
def test_other_values_than_text_are_refused(value):
    with pytest.raises(ValueError, match="must be a formula: 'y ~ x'"):
        read_formula(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ x @ z", "got '@' at character 7, must be a name, a number, or one of + - * /"),
        ("y ~ system(x)", "got the function 'system', must be one of log, exp, sqrt, I, poly, off"),
        ("y ~ I(sin(x))", "got the function 'sin' in arithmetic, must be one of log, exp, sqrt"),
        ("y ~ x +", "got the end of the formula, must be a name, 0, 1, '('"),
        ("y ~ a / b", "got '/' at character 7, must be written out here: a / b is a + a:b"),
        ("y ~ x | g", "got '|' at character 7, must be one of + - * : ^ or the end; a group term"),
        ("y ~ ((1 | g))", "got '|' at character 9, must be an operator or ')'; a group term stand"),
        ("y ~ 2 + x", "got '2' at character 5, must be a name, 0, 1, '('"),
        ("y ~ poly(x)", "got ')' at character 11, must be one of + - * / ^ or ', ' and the degree"),
        ("y ~ (a + b)^0.5", "got '0.5' at character 13, must be an integer from 2 to 20"),
        ("y ~ (1 | g:g)", "got the grouping factor 'g:g', must have each of its names once"),
        (
            "y ~ (1 | g) + (1 | g)",
            "got the term 'Intercept' twice for the groups 'g', must be once",
        ),
        ("y ~ x + (1 | y)", "got the outcome 'y' a second time, must be used once"),
        ("y ~ I(2)", "got 'I(2)', must have the name of a column in it"),
        ("x" * 1001, "got 1,001 characters, must be at most 1,000"),
        ("y ~ (a+b+c+d+e+f+g+h+i)^9", "got more than 500 terms, must be at most 500"),
        (f"y ~ {'(' * 30}", "got more than 20 levels of parentheses and powers, must be f"),
        ("y ~ a:1", "got 0 or 1 next to '*', ':' or '^', must be added or removed: x - 1"),
        ("y | trials() ~ x", "got ')' at character 12, must be the name or the number of trials"),
        ("y ~ x + (0 | g:h)", "got no term for the groups 'g:h', must have at least one"),
        ("y | weights(w) ~ x", "got 'weights' at character 5, must be trials(n): y | trials(n) ~"),
    ],
)
def test_a_message_says_what_must_be_there(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        read_formula(text)


def only_value_errors(text):
    with contextlib.suppress(ValueError):
        read_formula(text)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    only_value_errors(text)
    only_value_errors(f"y ~ {text}")
    only_value_errors(f"y ~ I({text})")


PIECES = ["y", "~", "x", "a", "g", "log", "I", "poly", "offset", "trials", "0", "1", "2", "0.5"]
MARKS = ["+", "-", "*", ":", "^", "/", "|", "||", "(", ")", ",", " "]


@given(st.lists(st.sampled_from([*PIECES, *MARKS]), max_size=60))
@example(["("] * 50)
@example(["(", "x", "^"] * 20)
@example(["-"] * 60)
@example(["(", "x", "+", "a", ")", "^", "2", "^", "2"])
def test_any_pieces_of_formulas_are_read_or_refused(pieces):
    only_value_errors("".join(pieces))
    only_value_errors(f"y ~ {''.join(pieces)}")
    only_value_errors(f"y ~ x + ({''.join(pieces)} | g)")
    only_value_errors(f"y ~ I(x {''.join(pieces)})")


@given(st.text(alphabet="ab+*:^()0123456789", max_size=900))
def test_no_text_of_operators_takes_too_many_terms(text):
    only_value_errors(f"y ~ {text}")


def test_the_package_calls_nothing_that_evaluates_text():
    files = sorted(PACKAGE.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name):
                assert node.id not in ("eval", "exec", "compile", "getattr", "__import__", "open")


def test_the_package_imports_numpy_and_the_standard_library():
    allowed = "__future__ collections contextlib dataclasses functools itertools math numpy re"
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                name = str(node.module)
                own = name.startswith("recovery.families.formulas.")
                assert own or name.split(".")[0] in allowed.split(), name
            elif isinstance(node, ast.Import):
                assert {each.name for each in node.names} <= set(allowed.split())
