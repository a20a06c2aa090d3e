"""The line `formula` of a study: wrong and hostile formulas are refused in one line."""

import pytest
from refusals import refusal

FORMULAS = {  # formula: message
    "y ~ days + (x | participant)": "got 'days', must be a variable of `design`: one of 'x'",
    "y ~ X1 + (x | participant)": "got 'X1', must be a variable of `design`: one of 'x'",
    "y ~ x + (x | participants)": "got the grouping factor 'participants', must be participant or "
    "a key of `sizes`: did you mean 'participant'?",
    "y ~ x + (1 | item)": "got the grouping factor 'item', must be participant or a key of",
    "y ~ x + (1 | participant:item)": "got the grouping factor 'item', must be participant or",
    "x ~ 1": "got the outcome 'x', must have another name than the variables of `design`",
    "replicate ~ x": "got the outcome 'replicate', must have another name than the variables",
    "participant ~ x": "got the outcome 'participant', must have another name than the variables",
    "y ~ x + y": "got the outcome 'y' a second time, must be used once",
    "y | trials(5) ~ x": "got trials(), must not be given: the outcome of the family has none",
    "y ~ x + (x | participant) + (1 | participant)": "got the term 'Intercept' twice for the",
    "y ~ sin(x)": "got the function 'sin', must be one of log, exp, sqrt, I, poly, offset",
    "y ~ poly(x, 30)": "got '30' at character 13, must be an integer from 1 to 20",
    "log(y) ~ x": "got '(' at character 4, must be '~' after the outcome: y ~ x",
    "": "got the end of the formula, must be the name of the outcome: y ~ x",
    "y": "got the end of the formula, must be '~' after the outcome: y ~ x",
    "y ~": "got the end of the formula, must be a name, 0, 1, '(' or one of the functions",
    "~ x": "got '~' at character 1, must be the name of the outcome: y ~ x",
}
HOSTILE = [
    "y ~ os.system('x')",
    'y ~ os.system("x")',
    "y ~ os.system(x)",
    "y ~ __import__('os')",
    "y ~ eval(x)",
    "y ~ I(exec(x))",
    "y ~ I(lambda: x)",
    "y ~ I([x for x in x])",
    "y ~ {x}",
    "y ~ `x`",
    "y ~ x; x",
    "y ~ x\n+ (1 | participant)",
    "y ~ x + (1 | ../../etc/passwd)",
    "y ~ \x1b[31mx",
    "y ~ \u202ex",
    "y ~ \u0445",  # Cyrillic
    "y ~ " + "(" * 400 + "x" + ")" * 400,
    "y ~ " + "-" * 900 + "x",
    "y ~ I(" + "x^" * 300 + "x)",
    "y ~ I(9^9^9^9^9^9)",
    "y ~ I(1e999 * x)",
    "y ~ (" + " + ".join(f"I(x^{k})" for k in range(60)) + ")^20",
    "y ~ x" * 10_000,
]


@pytest.mark.parametrize(("formula", "message"), FORMULAS.items())
def test_a_wrong_formula_is_told_in_one_line(formula, message):
    told = refusal(("formula", formula))
    assert told.startswith(f"study.yaml: formula: {message}")
    assert "\n" not in told


@pytest.mark.parametrize("formula", HOSTILE, ids=lambda formula: ascii(formula[:40]))
def test_a_hostile_formula_is_refused_in_one_short_line(formula):
    told = refusal(("formula", formula))
    assert told.startswith("study.yaml: formula: ")
    assert told.isprintable()
    assert len(told) < 300
