"""The terms, group terms and offsets that a formula expands to, as R's `terms` does."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.families.formulas import read_formula, term_text


def population(right_side):
    return [term_text(term) for term in read_formula(f"y ~ {right_side}").population]


def groups(right_side):
    return [
        ([term_text(term) for term in group.terms], group.name, group.correlated)
        for group in read_formula(f"y ~ {right_side}").groups
    ]


@pytest.mark.parametrize(
    ("right_side", "terms"),
    [
        ("1", "Intercept"),
        ("0", ""),
        ("x", "Intercept x"),
        ("+x", "Intercept x"),
        ("0 + x", "x"),
        ("-1 + x", "x"),
        ("x - 1", "x"),
        ("x + 0", "x"),
        ("x - 0", "Intercept x"),
        ("0 + x + 1", "Intercept x"),
        ("x - (1 + a)", "x"),
        ("x - (a - 1)", "Intercept x"),
        ("a * b", "Intercept a b a:b"),
        ("a:b + c", "Intercept c a:b"),
        ("b:a + a", "Intercept a b:a"),
        ("a + b:a", "Intercept a a:b"),  # within a term in order of appearance in the formula
        ("a * b * c", "Intercept a b c a:b a:c b:c a:b:c"),
        ("a * b:c", "Intercept a b:c a:b:c"),
        ("(a + b):c", "Intercept a:c b:c"),
        ("(a + b) * c", "Intercept a b c a:c b:c"),
        ("(a + b + c)^2", "Intercept a b c a:b a:c b:c"),
        ("(a + b)^20", "Intercept a b a:b"),
        ("(a + b + c)^3 - a:b:c", "Intercept a b c a:b a:c b:c"),
        ("a * b - a", "Intercept b a:b"),
        ("a - a", "Intercept"),
        ("a - b", "Intercept a"),
        ("a - a + a", "Intercept a"),
        ("-a + a", "Intercept a"),
        ("a + a", "Intercept a"),
        ("a:a", "Intercept a"),
        ("a * a", "Intercept a"),
        ("a:b + b:a", "Intercept a:b"),
        ("((a))", "Intercept a"),
        ("log(x) * I(x^2)", "Intercept log(x) I(x^2) log(x):I(x^2)"),
        ("I(x * 2) + I(x*2.0) + I((x * 2))", "Intercept I(x*2)"),
        ("poly(x, 2) + exp(x) + sqrt(x)", "Intercept poly(x,2) exp(x) sqrt(x)"),
        ("log + I + poly", "Intercept log I poly"),  # names of columns, if no '(' follows
        ("x.1 + x_a", "Intercept x.1 x_a"),
    ],
)
def test_a_sum_is_expanded_as_in_r(right_side, terms):
    assert [text.replace(" ", "") for text in population(right_side)] == terms.split()


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("x^2", "x^2"),
        ("x+1", "x + 1"),
        ("x /2", "x/2"),
        ("(x + 1) * 2", "(x + 1) * 2"),
        ("x + (1 * 2)", "x + 1 * 2"),
        ("x - (z - 1)", "x - (z - 1)"),
        ("(x - z) - 1", "x - z - 1"),
        ("x / (z / 2)", "x/(z/2)"),
        ("-x^2", "-x^2"),
        ("(-x)^2", "(-x)^2"),
        ("2^-x", "2^-x"),
        ("x^2^z", "x^2^z"),
        ("(x^2)^z", "(x^2)^z"),
        ("-(x + 1)", "-(x + 1)"),
        ("x - -z", "x - -z"),
        ("+x", "x"),
        ("log(x + 1) * 0.50", "log(x + 1) * 0.5"),
        ("x * 1e-3", "x * 0.001"),
        ("x * 1e300", "x * 1e+300"),
    ],
)
def test_arithmetic_has_a_canonical_text(inside, text):
    assert population(f"0 + I({inside})") == [f"I({text})"]
    assert population(f"0 + I({text})") == [f"I({text})"]


@pytest.mark.parametrize(
    ("right_side", "expected"),
    [
        ("x", []),
        ("(1 | g)", [(["Intercept"], "g", True)]),
        ("(x | g)", [(["Intercept", "x"], "g", True)]),
        ("(0 + x | g)", [(["x"], "g", True)]),
        ("(x || g)", [(["Intercept", "x"], "g", False)]),
        ("(1 | g:h)", [(["Intercept"], "g:h", True)]),
        ("(1 | g/h)", [(["Intercept"], "g", True), (["Intercept"], "g:h", True)]),
        ("(1 | g:h/k)", [(["Intercept"], "g:h", True), (["Intercept"], "g:h:k", True)]),
        (
            "x + (a * b | g) + (1 | h)",
            [(["Intercept", "a", "b", "a:b"], "g", True), (["Intercept"], "h", True)],
        ),
        ("(1 | g) + (0 + x | g)", [(["Intercept"], "g", True), (["x"], "g", True)]),
        ("((1 + a) + (b) | g)", [(["Intercept", "a", "b"], "g", True)]),
        ("(log(x) | g)", [(["Intercept", "log(x)"], "g", True)]),
    ],
)
def test_group_terms(right_side, expected):
    assert groups(right_side) == expected


def test_a_group_term_leaves_the_population_alone():
    formula = read_formula("y ~ a + (0 + b | g) + c - 1")
    assert [term_text(term) for term in formula.population] == ["a", "c"]


def test_the_order_of_a_group_term_is_its_own():
    assert groups("a + b + (b:a | g)") == [(["Intercept", "b:a"], "g", True)]


def test_outcome_trials_and_offsets():
    assert read_formula("y ~ x").trials is None
    assert read_formula("y | trials(n) ~ x").trials == "n"
    formula = read_formula("hits|trials( 10 )~x+offset(log(n) + z)+offset(w)+offset(w)")
    assert (formula.response, formula.trials) == ("hits", 10)
    assert [atom.text for atom in formula.offsets] == ["offset(log(n) + z)", "offset(w)"]
    assert [term_text(term) for term in formula.population] == ["Intercept", "x"]


def test_variables_and_factors_are_in_order():
    formula = read_formula("y ~ b*a + offset(n) + I(z/a) + (x | g/h) + (0 + c || g) + (1 | k)")
    assert formula.variables == ("b", "a", "z", "x", "c", "n")
    assert formula.factors == ("g", "h", "k")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("y~a*b+(1|g/h)", "y ~ a * b + (1 | g/h)"),
        ("  y|trials(n)  ~-1+a : b+( x||g )", "y | trials(n) ~ -1 + a:b + (x || g)"),
        ("y ~ poly( x,2 )+I( -x ^ -2 / 3 )", "y ~ poly(x, 2) + I(-x^-2/3)"),
    ],
)
def test_the_text_has_normal_spaces(written, text):
    assert read_formula(written).text == text
    assert read_formula(text).text == text


def test_formulas_are_equal_and_pickled_by_their_terms():
    formula = read_formula("y ~ I(x^2) * a + (1 | g)")
    assert formula == read_formula("y~I(x^2)*a+(1|g)")
    assert hash(formula) == hash(read_formula("y~I(x^2)*a+(1|g)"))
    assert pickle.loads(pickle.dumps(formula)) == formula


sums = st.recursive(
    st.sampled_from(["a", "b", "c", "log(x)", "I(x^2 - 1)", "poly(x, 2)"]),
    lambda parts: st.builds(
        "{}{}{}".format, parts, st.sampled_from(["+", "-", "*", ":"]), parts
    ).flatmap(lambda text: st.sampled_from([text, f"({text})", f"({text})^2"])),
    max_leaves=6,
)


@given(sums)
def test_reading_the_canonical_text_again_changes_nothing(right_side):
    formula = read_formula(f"y~{right_side}+({right_side}|g)")
    assert read_formula(formula.text) == formula


@given(sums)
def test_terms_are_different_and_in_order_of_interaction(right_side):
    terms = read_formula(f"y ~ {right_side}").population
    assert len(set(map(frozenset, terms))) == len(terms)
    assert list(map(len, terms)) == sorted(map(len, terms))


def test_many_terms_are_read_at_once():
    names = "+".join(f"v{k}" for k in range(150))
    assert len(read_formula(f"y ~ {names}").population) == 151
    assert len(read_formula("y ~ (a+b+c+d+e+f+g+h)^20").population) == 256
    assert len(read_formula(f"y ~ I({'+'.join(['x'] * 450)})").population) == 2
