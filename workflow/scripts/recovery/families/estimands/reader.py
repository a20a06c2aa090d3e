"""The reader of an estimand's text.

    estimand   = sum { "," option }
    sum        = [sign] product { sign product }
    product    = factor { ("*" | "/") factor }
    factor     = number | "(" sum ")" | "mean(" [ setting { "," setting } ] ")" | name
    setting    = variable "=" (level | number)
    option     = "response" | "over" grouping factor

Names are those of the family's parameters, which may contain marks: `b_condition:I(x^2)`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from recovery.common.errors import listed, shown
from recovery.families.designs.collected_faults import one_of
from recovery.families.estimands.combination import Combination, Mean

MOST_CHARACTERS = 1000
DEEPEST = 20  # level of parentheses
LARGEST = 1e300
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][\w.:\[\]]*")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_OVER = re.compile(r"over(?: *:)? +(?P<factor>[\w.:]+)")


@dataclass(frozen=True)
class Vocabulary:
    """The names that an estimand can have.

    Parameters
    ----------
    parameters : mapping of str to str
        What a user writes -> the parameter: `b_x` and `x`.
    levels : mapping of str to collection of str
        Factor -> its levels.
    covariates : collection of str
    groups : collection of str
        The grouping factors of varying coefficients.
    has_means : bool
        Whether the family has marginal means.
    """

    parameters: Mapping[str, str]
    levels: Mapping[str, Collection[str]] = field(default_factory=dict)
    covariates: Collection[str] = ()
    groups: Collection[str] = ()
    has_means: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the formula."""
        return (*self.levels, *self.covariates)

    def parameter(self, text: str) -> str:
        """Return the parameter that a user names; ValueError with the nearest if there is none."""
        if text in self.parameters:
            return self.parameters[text]
        raise ValueError(f"got {shown(text)}, must be {self.one_of_parameters(text)}")

    def one_of_parameters(self, text: str) -> str:
        """Return what a wrong name must be, in words, with the nearest of all that users write."""
        names = dict.fromkeys(self.parameters.values())
        near = difflib.get_close_matches(text, self.parameters, n=1)
        return f"one of {listed(names)}" + (f"; did you mean {near[0]}?" if near else "")


def read(text: str, known: Vocabulary) -> Combination:
    """Return what the text of an estimand says.

    Raises
    ------
    ValueError
        In the user's words, with the nearest name where one is wrong.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"got {len(text):,} characters, must be at most {MOST_CHARACTERS:,}")
    return _Reader(text, known).read()


class _Reader:
    def __init__(self, text: str, known: Vocabulary):
        self._text, self._known = text, known
        self._place = self._level = 0
        self._names = sorted(known.parameters, key=len, reverse=True)

    def read(self) -> Combination:
        found = self._sum()
        options: dict = {"response": False, "over": ()}
        while self._read_if(","):
            self._read_option(options)
        if self._rest:
            raise self._fault("one of + - * / , or the end")
        found = replace(found, terms={t: w for t, w in found.terms.items() if w}, **options)
        self._check(found)
        return found

    def _check(self, found: Combination) -> None:
        numbers = (found.constant, *found.terms.values())
        if not all(abs(number) <= LARGEST for number in numbers):
            raise ValueError("must have finite numbers")
        if not found.terms:
            raise ValueError(f"got {shown(self._text)}, must have a parameter in it")
        if (found.response or found.over) and found.parameters:
            raise ValueError(
                f"got {found.parameters[0]!r} on the scale of the response, must have means only: "
                "mean(...) - mean(...), response"
            )
        if found.over and not found.response:
            raise ValueError(
                f"got over {found.over[0]!r} without `response`, must have both: deviations of "
                "groups have the mean 0 on the scale of the link"
            )

    def _read_option(self, options: dict) -> None:
        if match := _OVER.match(self._rest):
            factor = match["factor"]
            if factor not in self._known.groups:
                must = one_of(factor, self._known.groups) if self._known.groups else "left out"
                raise ValueError(f"got over {shown(factor)}, must be {must}")
            options["over"] = tuple(dict.fromkeys((*options["over"], factor)))
            self._place += match.end()
        elif match := re.match(r"response\b", self._rest):
            options["response"] = True
            self._place += match.end()
        else:
            raise self._fault("`response` or `over` and a grouping factor, after the comma")

    # Sums and products

    def _sum(self) -> Combination:
        found = Combination().plus(self._product_after(self._sign() or "+"), 1.0)
        while sign := self._sign():
            found = found.plus(self._product_after(sign), 1.0)
        return found

    def _sign(self) -> str | None:
        return self._read_if("+") or self._read_if("-")

    def _product_after(self, sign: str) -> Combination:
        found = self._product()
        return found if sign == "+" else found.times(-1.0)

    def _product(self) -> Combination:
        found = self._factor()
        while mark := self._read_if("*") or self._read_if("/"):
            start = self._place
            other = self._factor()
            if mark == "/":
                if other.terms or other.constant == 0:
                    raise self._fault("a number other than 0 after '/'", start)
                found = found.times(1 / other.constant)
            elif found.terms and other.terms:
                raise self._fault(
                    "a number: an estimand is a linear combination, and * multiplies it by numbers",
                    start,
                )
            else:
                one, number = (found, other) if found.terms else (other, found)
                found = one.times(number.constant)
        return found

    def _factor(self) -> Combination:
        if sign := self._sign():
            return self._factor().times(1.0 if sign == "+" else -1.0)
        if match := _NUMBER.match(self._rest):
            number = float(match[0])
            if not math.isfinite(number):
                raise self._fault("a finite number")
            self._place += match.end()
            return Combination(constant=number)
        if self._read_if("("):
            return self._within_parentheses()
        if re.match(r"mean *\(", self._rest):
            return self._mean()
        return Combination({self._name(): 1.0})

    def _within_parentheses(self) -> Combination:
        self._level += 1
        if self._level > DEEPEST:
            raise ValueError(f"got more than {DEEPEST} levels of parentheses, must be fewer")
        found = self._sum()
        if not self._read_if(")"):
            raise self._fault("one of + - * / or ')'")
        self._level -= 1
        return found

    def _name(self) -> str:
        """Read the longest name of a parameter that is next."""
        rest = self._rest
        for name in self._names:
            if rest.startswith(name) and not re.match(r"[\w.:\[(]", rest[len(name) :]):
                self._place += len(name)
                return self._known.parameters[name]
        if word := _WORD.match(rest):
            must = self._known.one_of_parameters(word[0])
            raise ValueError(f"got {shown(word[0])}, must be {must}")
        raise self._fault("a number, a parameter, mean(...) or '('")

    # Means

    def _mean(self) -> Combination:
        if not self._known.has_means:
            raise ValueError("got mean(...), must be a combination of parameters in this family")
        self._place += self._rest.index("(") + 1
        at: dict[str, str | float] = {}
        if not self._read_if(")"):
            self._setting(at)
            while self._read_if(","):
                self._setting(at)
            if not self._read_if(")"):
                raise self._fault("',' or ')' in mean(...)")
        return Combination({Mean(tuple(at.items())): 1.0})

    def _setting(self, at: dict[str, str | float]) -> None:
        name = _NAME.match(self._rest)
        if name is None:
            raise self._fault("a variable of the formula, as in mean(condition = hard)")
        variable = name[0]
        if variable not in self._known.variables:
            variables = self._known.variables
            must = one_of(variable, variables) if variables else "left out: the formula has none"
            raise ValueError(f"mean(...): got {shown(variable)}, must be {must}")
        if variable in at:
            raise ValueError(f"mean(...): got {variable!r} twice, must be there once")
        self._place += len(variable)
        if not self._read_if("="):
            raise self._fault(f"'=' after {variable} in mean(...)")
        levels = self._known.levels.get(variable)
        at[variable] = self._value(variable) if levels is None else self._level_of(variable, levels)

    def _value(self, variable: str) -> float:
        match = re.match(rf"[+-]? *{_NUMBER.pattern}", self._rest)
        number = float(match[0].replace(" ", "")) if match else math.inf
        if match is None or not math.isfinite(number):
            raise self._fault(f"a number for {variable} in mean(...)")
        self._place += match.end()
        return number

    def _level_of(self, factor: str, levels: Collection[str]) -> str:
        for level in sorted(levels, key=len, reverse=True):
            for written in (level, f"'{level}'", f'"{level}"'):
                if re.match(rf"{re.escape(written)} *([,)]|$)", self._rest):
                    self._place += len(written)
                    return level
        got = re.match(r"[^,)]*", self._rest)
        word = got[0].strip() if got else ""
        raise ValueError(f"mean({factor} = ...): got {shown(word)}, must be {one_of(word, levels)}")

    # The text

    @property
    def _rest(self) -> str:
        """The text that is still to be read, without spaces before it."""
        while self._text[self._place : self._place + 1] == " ":
            self._place += 1
        return self._text[self._place :]

    def _read_if(self, mark: str) -> str | None:
        if not self._rest.startswith(mark):
            return None
        self._place += len(mark)
        return mark

    def _fault(self, must: str, place: int | None = None) -> ValueError:
        self._place = self._place if place is None else place
        got = shown(self._rest.split(" ")[0]) if self._rest else "the end"
        return ValueError(f"got {got} at character {self._place + 1}, must be {must}")
