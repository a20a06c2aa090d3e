"""Regression formulas as in lme4 and brms: terms, codings of factors, design matrices."""

from recovery.families.formulas.atoms import Atom, Term, term_text
from recovery.families.formulas.codings import Coding, coding
from recovery.families.formulas.design_matrix import DesignMatrix, offset
from recovery.families.formulas.formula import Formula, GroupTerm
from recovery.families.formulas.formula_parser import read_formula

__all__ = [
    "Atom",
    "Coding",
    "DesignMatrix",
    "Formula",
    "GroupTerm",
    "Term",
    "coding",
    "offset",
    "read_formula",
    "term_text",
]
