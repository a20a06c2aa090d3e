"""The tokens of a formula: names, numbers and marks, with their places in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST_CHARACTERS = 1000
DEEPEST = 20  # level of parentheses and powers
_TOKEN = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9_.]*)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<mark>\|\||[-+*/^:|~(),])"
)
_WITH_SPACES = {"~", "+", "-", "*", "|", "||"}


@dataclass(frozen=True)
class Token:
    """A name, a number, a mark, or the end of a formula."""

    kind: str
    text: str
    character: int
    """Its place in the text, from 1."""

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end of the formula"
        return f"{shown(self.text)} at character {self.character}"


def shown(text: str) -> str:
    """Return a text in quotes, shortened, with codes for characters other than ASCII."""
    return ascii(text if len(text) <= 40 else f"{text[:37]}...")


def split(text: str) -> list[Token]:
    """Return the tokens of a formula, the end last; raise ValueError if there are others."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"got {len(text):,} characters, must be at most {MOST_CHARACTERS:,}")
    tokens, place = [], 0
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        found = _TOKEN.match(text, place)
        if found is None:
            raise ValueError(
                f"got {text[place]!a} at character {place + 1}, must be a name, a number, "
                "or one of + - * / : ^ | ~ ( ) ,"
            )
        tokens.append(Token(str(found.lastgroup), found.group(), place + 1))
        place = found.end()
    return [*tokens, Token("end", "", len(text) + 1)]


def joined(tokens: list[Token]) -> str:
    """Return the text of tokens with spaces as R writes them: `y ~ a:b + log(x)`."""
    text, after_operand = "", False
    for token in tokens:
        if token.text == ",":
            text += ", "
        elif token.text in _WITH_SPACES and after_operand:
            text += f" {token.text} "
        else:
            text += token.text
        after_operand = token.kind != "mark" or token.text == ")"
    return text


class Tokens:
    """The tokens that are still to be read."""

    def __init__(self, tokens: list[Token]):
        self._tokens = tokens
        self._next = 0
        self._level = 0

    @property
    def next(self) -> Token:
        """The next token, which stays."""
        return self._tokens[self._next]

    @property
    def after_next(self) -> Token:
        """The token after the next one, or the end."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def read(self) -> Token:
        """Return the next token and go on; the end stays."""
        token = self.next
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def read_if(self, *marks: str) -> str | None:
        """Return the next token's text and go on if it is one of these marks, else None."""
        return self.read().text if self.next.text in marks else None

    def read_mark(self, mark: str, must: str) -> None:
        """Go on after this mark; raise ValueError if another token is next."""
        if self.read_if(mark) is None:
            raise self.fault(must)

    def read_name(self, must: str) -> str:
        """Return the next name; raise ValueError if another token is next."""
        if self.next.kind != "name":
            raise self.fault(must)
        return self.read().text

    def fault(self, must: str) -> ValueError:
        """Return the error that the next token is not what it must be."""
        return ValueError(f"got {self.next}, must be {must}")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Read one level deeper; raise ValueError if that is too deep."""
        self._level += 1
        if self._level > DEEPEST:
            raise ValueError(
                f"got more than {DEEPEST} levels of parentheses and powers, must be fewer"
            )
        yield
        self._level -= 1

    def parentheses_hold_bar(self) -> bool:
        """Whether the next token opens parentheses with a bar in them: `(1 | g)`."""
        level = 0
        for token in self._tokens[self._next :]:
            level += {"(": 1, ")": -1}.get(token.text, 0)
            if level == 0:
                return False
            if level == 1 and token.text in ("|", "||"):
                return True
        return False
