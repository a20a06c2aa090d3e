"""Designs whose rows are those of a CSV file."""

import numpy as np
import pytest
from conftest import make_study

from recovery import families
from recovery.common.errors import StudyError
from recovery.plan.fit_seconds import rows_of_dataset
from recovery.plan.scenarios import scenarios_of

ROWS = """participant,item,condition,x
p1,a,easy,0.5
p1,b,hard,-1
p1,c,easy,2
p2,a,hard,1
p2,b,easy,0
p3,c,hard,3
p3,a,easy,1.5
"""
FORMULA = "y ~ condition + x + (1 | participant) + (1 | item)"
CODED = {"rows": "rows.csv", "condition": {"levels": ["hard", "easy"], "coding": "difference"}}


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path / "rows.csv"


def find(design="rows.csv", formula=FORMULA, **options):
    choice = {"name": "multilevel_linear", "formula": formula, "design": design, **options}
    return families.find(choice)


def truth_of(family):
    return family.Truth(
        b=dict.fromkeys(family.layout.coefficients, 0.5),
        sd={"participant": {"Intercept": 1}, "item": {"Intercept": 0.5}},
        sigma=1,
    )


def test_participants_are_taken_in_turn_with_their_rows(rng):
    family = find()
    columns, values = family.simulate(truth_of(family), 5, None, rng)
    assert columns["participant"].tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5]
    assert columns["item"].tolist() == [1, 2, 3, 1, 2, 3, 1, 1, 2, 3, 1, 2]
    assert columns["condition"].tolist() == [1, 2, 1, 2, 1, 2, 1, 1, 2, 1, 2, 1]
    assert columns["x"].tolist() == [0.5, -1, 2, 1, 0, 3, 1.5, 0.5, -1, 2, 1, 0]
    assert {"r_item[3,Intercept]", "r_participant[5,Intercept]"} <= set(values)


def test_levels_are_in_the_order_of_the_file_or_of_the_study():
    assert find().design.factors["condition"].levels == ("easy", "hard")
    coded = find(CODED)
    assert coded.design.factors["condition"].levels == ("hard", "easy")
    assert coded.layout.codings["condition"].matrix[:, 0].tolist() == [-0.5, 0.5]
    assert coded.rows["condition"].tolist() == [2, 1, 2, 1, 2, 1, 2]


def test_another_content_is_another_family_and_the_same_one_is_restored(file):
    family = find(CODED)
    assert families.find(family.CHOICE).CHOICE == family.CHOICE
    file.write_text(ROWS.replace("1.5", "1.25"))
    with pytest.raises(ValueError, match="was changed while the study ran"):
        families.find({**family.CHOICE, "formula": FORMULA + " "})


def study(**changes):
    places = [
        ("formula", FORMULA),
        ("design", "rows.csv"),
        ("truths", {"one": truth_of(find()).model_dump(exclude_none=True)}),
        ("priors", {"weak": {"Intercept": "normal(0, 1)", "b": "normal(0, 1)"}}),
        ("priors", "weak", "sd", "exponential(1)"),
        ("priors", "weak", "sigma", "exponential(1)"),
        ("participants", [3, 6]),
        ("observations", []),
    ]
    return make_study(*places, *changes.items())


def test_scenarios_have_no_number_of_observations():
    parsed = study()
    assert [each.name for each in scenarios_of(parsed)] == ["one-3", "one-6"]
    assert [rows_of_dataset(parsed, each) for each in scenarios_of(parsed)] == [7, 14]


def test_observations_beside_a_file_are_refused():
    with pytest.raises(StudyError, match="observations: must not be given, the design has the row"):
        study(observations=[3])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ROWS.replace(",x\n", ",z\n"), "must have a column 'x', has 'participant'"),
        ("participant,item,condition,x\n", "has no rows"),
        (ROWS.replace("hard", "easy"), "condition"),
        (ROWS.replace("p2", "p1").replace("p3", "p1"), "at least 2 participants"),
    ],
)
def test_a_file_that_lacks_something_is_refused(file, content, message):
    file.write_text(content)
    with pytest.raises(ValueError, match=message):
        find(formula=FORMULA + "  ")


def test_a_file_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"design: other\.csv: cannot be read"):
        find("other.csv")


def test_sizes_beside_a_file_are_refused():
    with pytest.raises(ValueError, match="sizes: must not be given"):
        find(sizes={"item": None})


def test_missing_rows_beside_a_file_are_refused():
    with pytest.raises(ValueError, match=r"design\.missing: must not be given"):
        find({**CODED, "missing": 0.1})


def test_data_can_be_fitted(rng):
    family = find()
    prior = family.Prior(
        Intercept="normal(0, 1)", b="normal(0, 1)", sd="exponential(1)", sigma="exponential(1)"
    )
    columns, _ = family.simulate(truth_of(family), 4, None, rng)
    data = family.stan_data(columns, prior, "centered")
    assert data["X"].shape == (columns["y"].size, 3)
    assert np.array_equal(data["Z"], np.ones((columns["y"].size, 2)))


@pytest.mark.parametrize("path", ["\n", "a\x07.csv", "{scenario}.csv", 3])
def test_a_path_that_is_none_is_refused_in_one_line(path):
    with pytest.raises(ValueError, match="must be the path of a CSV file") as refused:
        find({"rows": path})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("path", ["a" * 300, "y ~ " + "(" * 300, "there/is/none.csv"])
def test_a_path_that_no_file_can_have_is_refused_as_one_without_a_file(path):
    with pytest.raises(StudyError, match=r"^study\.yaml: design: .*: cannot be read: "):
        make_study(("design", path), ("formula", FORMULA))
