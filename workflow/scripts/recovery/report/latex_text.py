"""Any text as LaTeX for plain pdflatex, which prints every character and never stops."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_SPECIAL = {
    "\\": "\\textbackslash ",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    **{c: f"\\{c}" for c in "$&#%_"},
    **{c: f"{{{c}}}" for c in "-'`[]*"},  # no ligatures, no options of \\
}
_SYMBOLS = {
    "\N{MINUS SIGN}": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "·": r"$\cdot$",
    "°": r"$^{\circ}$",
    "µ": r"$\mu$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "\N{FRACTION SLASH}": "/",
    "→": r"$\rightarrow$",
    "←": r"$\leftarrow$",
    "\N{EN DASH}": "{--}",
    "—": "{---}",
    "\N{LEFT SINGLE QUOTATION MARK}": "{`}",
    "\N{RIGHT SINGLE QUOTATION MARK}": "{'}",
    "“": "{``}",
    "”": "{''}",
    "…": r"\ldots{}",
    "\N{NO-BREAK SPACE}": "~",
    "\N{SOFT HYPHEN}": r"\-",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "§": r"\S{}",
    "£": r"\pounds{}",
    "©": r"\copyright{}",
    "¿": "{?`}",
    "¡": "{!`}",
    "ς": r"$\varsigma$",
    "ο": "o",
    "Ο": "O",
    **dict.fromkeys("\t\n\r", " "),
}
_SYMBOL_WIDTHS = {"\N{MINUS SIGN}": 0.8, "\N{NO-BREAK SPACE}": 0.4, "\N{SOFT HYPHEN}": 0.4}
_ACCENTS = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0323\u0331",
        ("`", "'", "^", "~", "=", "u", ".", '"', "r", "H", "v", "c", "d", "b"),
        strict=True,
    )
)
_BELOW = "\u0327\u0323\u0331"
_LETTERS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma"
_GREEK = {*_LETTERS.split(), "tau", "upsilon", "phi", "chi", "psi", "omega"}
_CAPITALS = {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi"}
_CAPITALS |= {"Omega"}
_AS_LATIN = {"ETA": "H", "RHO": "P", "CHI": "X"}  # all others: their first letter

_WIDTHS = {  # rounded up; other printable ASCII characters: 0.56 em
    0.31: "ijl.,:;'`!|[]",
    0.40: " frst()-I",
    0.50: "acegoz0123456789/{}\\_",
    0.70: "EFJLPZ",
    0.80: "ABCDGHKNOQRTUVXYw+=<>&@~^",
    0.93: "mM#%",
    1.03: "W",
}
_EM = {character: em for em, characters in _WIDTHS.items() for character in characters}


def escaped(text: str) -> str:
    """Return text as LaTeX; a character that plain pdflatex lacks becomes its code: U+1F600."""
    tex = "".join(tex for tex, _ in _pieces(text))
    return tex.replace("\\textbackslash  ", "\\textbackslash{} ")  # TeX drops both spaces


def width(text: str) -> float:
    """Return an upper bound of the width of text in Computer Modern, in em at ten points."""
    return sum(em for _, em in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, float]]:
    """Yield LaTeX and width of each character."""
    for character in unicodedata.normalize("NFC", text):
        yield _piece(character)


def _piece(character: str) -> tuple[str, float]:
    if character in _SYMBOLS:
        return _SYMBOLS[character], _SYMBOL_WIDTHS.get(character, 1.2)
    if " " <= character <= "~":
        return _SPECIAL.get(character, character), _EM.get(character, 0.56)
    if tex := _greek(character) or _accented(character) or _raised(character):
        return tex, 1.2
    compatible = unicodedata.normalize("NFKC", character)
    pieces = list(_pieces(compatible if compatible != character else f"U+{ord(character):04X}"))
    return "".join(tex for tex, _ in pieces), sum(em for _, em in pieces)


def _greek(character: str) -> str | None:
    kind, _, letter = unicodedata.name(character, "").replace("LAMDA", "LAMBDA").rpartition(" ")
    if letter.lower() not in _GREEK:
        return None
    if kind == "GREEK SMALL LETTER":
        return f"$\\{letter.lower()}$"
    if kind != "GREEK CAPITAL LETTER":
        return None
    capital = letter.capitalize()
    return f"$\\{capital}$" if capital in _CAPITALS else _AS_LATIN.get(letter, letter[0])


def _accented(character: str) -> str | None:
    """Return a Latin letter with one accent, or None."""
    base, *marks = tuple(unicodedata.normalize("NFD", character))
    if len(marks) != 1 or marks[0] not in _ACCENTS or not (base.isascii() and base.isalpha()):
        return None
    if base in "ij" and marks[0] not in _BELOW:
        base = f"\\{base}"  # dotless
    return f"\\{_ACCENTS[marks[0]]}{{{base}}}"


def _raised(character: str) -> str | None:
    """Return a superscript or subscript digit or sign, or None."""
    kind, _, code = unicodedata.decomposition(character).partition(" ")
    if kind not in ("<super>", "<sub>") or " " in code:
        return None
    base = chr(int(code, 16)).replace("\N{MINUS SIGN}", "-")
    if not base.isascii():
        return None
    return f"${'^' if kind == '<super>' else '_'}{{{base}}}$"
