"""The text of an estimand: what it says, and how wrong ones are refused."""

import pytest

from recovery.families.estimands import Combination, Mean, Vocabulary, read

KNOWN = Vocabulary(
    {
        **{name: f"b_{name}" for name in ("Intercept", "x", "x2", "x:z", "c[hard]", "I(x - z)")},
        "b_x": "b_x",
        "sigma": "sigma",
    },
    {"c": ("easy", "hard", "very hard"), "group": ("(a)", "b")},
    ("age", "x"),
    ("participant", "school:class"),
    has_means=True,
)
HARD, EASY = Mean((("c", "hard"),)), Mean((("c", "easy"),))


def says(text):
    return read(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "terms", "constant"),
    [
        ("x", {"b_x": 1}, 0),
        ("b_x", {"b_x": 1}, 0),
        ("x + 0.5 * x:z", {"b_x": 1, "b_x:z": 0.5}, 0),
        ("x2 - x", {"b_x2": 1, "b_x": -1}, 0),
        ("-x", {"b_x": -1}, 0),
        ("-(x - 2 * (sigma + 1)) / 4", {"b_x": -0.25, "sigma": 0.5}, 0.5),
        ("I(x - z) - c[hard]", {"b_I(x - z)": 1, "b_c[hard]": -1}, 0),
        ("1.5e1*x*2+.5", {"b_x": 30}, 0.5),
        ("2 * 3 + x", {"b_x": 1}, 6),
        ("x - x + sigma", {"sigma": 1}, 0),
        ("mean(c = hard) - mean(c=easy)", {HARD: 1, EASY: -1}, 0),
        ("mean()", {Mean(): 1}, 0),
        ("mean(c = 'very hard')", {Mean((("c", "very hard"),)): 1}, 0),
        (
            "mean(c = very hard, group = (a), age = -1.5)",
            {Mean((("c", "very hard"), ("group", "(a)"), ("age", -1.5))): 1},
            0,
        ),
    ],
)
def test_linear_combinations(text, terms, constant):
    assert says(text) == Combination(terms, constant)


def test_options():
    assert says("mean(c = hard), response") == Combination({HARD: 1}, response=True)
    for over in ("over participant", "over: participant"):
        found = says(f"mean(c = hard) - mean(c = easy), response, {over}, over school:class")
        assert found == Combination(
            {HARD: 1, EASY: -1}, response=True, over=("participant", "school:class")
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got the end at character 1, must be a number, a parameter, mean(...) or '('"),
        ("x +", "got the end at character 4, must be a number, a parameter, mean(...) or '('"),
        ("x:w", "got 'x:w', must be one of 'b_Intercept', 'b_x', 'b_x2', 'b_x:z', 'b_c[hard]', "),
        ("xz:", "did you mean x:z?"),
        ("sigm", "did you mean sigma?"),
        ("mean(d = hard)", "mean(...): got 'd', must be one of 'c', 'group', 'age', 'x'"),
        ("mean(c = hrd)", "must be one of 'easy', 'hard', 'very hard'; did you mean hard?"),
        ("mean(c = hard, c = easy)", "mean(...): got 'c' twice, must be there once"),
        ("mean(c hard)", "got 'hard)' at character 8, must be '=' after c in mean(...)"),
        ("mean(age = old)", "must be a number for age in mean(...)"),
        ("mean(c = hard", "got the end at character 14, must be ',' or ')' in mean(...)"),
        ("mean(c = hard), over item", "got over 'item', must be one of 'participant'"),
        ("mean(c = hard), over participant", "without `response`, must have both"),
        ("mean(c = hard), answer", "must be `response` or `over` and a grouping factor"),
        ("x, response", "got 'b_x' on the scale of the response, must have means only"),
        ("x * sigma", "got 'sigma' at character 5, must be a number"),
        ("1 / x", "got 'x' at character 5, must be a number other than 0 after '/'"),
        ("x / 0", "got '0' at character 5, must be a number other than 0 after '/'"),
        ("1 + 2", "got '1 + 2', must have a parameter in it"),
        ("x - x", "got 'x - x', must have a parameter in it"),
        ("x sigma", "got 'sigma' at character 3, must be one of + - * / , or the end"),
        ("(x", "got the end at character 3, must be one of + - * / or ')'"),
        ("__import__('os')", "got '__import__', must be one of"),
        ("x; y", "got ';' at character 2, must be one of + - * / , or the end"),
        ("9e999 * x", "must be a finite number"),
        ("1e300 * x * 1e300", "must have finite numbers"),
        ("x" * 1001, "got 1,001 characters, must be at most 1,000"),
        ("(" * 30 + "x" + ")" * 30, "got more than 20 levels of parentheses"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=r"got|must") as refused:
        says(text)
    assert message in str(refused.value)


def test_families_without_means():
    with pytest.raises(ValueError, match=r"got mean\(...\), must be a combination of parameters"):
        read("mean(c = hard)", Vocabulary({"mu": "mu"}))
