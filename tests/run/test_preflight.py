"""Everything that can be wrong is found before the first job, in words for the author."""

import shutil

import pytest
import yaml
from conftest import ROOT, STAN, changed
from observed_study import OBSERVED

from recovery.common.errors import EngineError, StudyError
from recovery.run.preflight import prepare
from recovery.study.yaml_file import read_yaml

pytestmark = pytest.mark.usefixtures("in_the_repository")


@pytest.fixture
def programs(tmp_path):
    return shutil.copytree(STAN, tmp_path / "stan")


def write(tmp_path, raw):
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(raw))
    return file


@pytest.mark.parametrize("name", ["config", "sleepstudy"])
def test_a_shipped_study_passes(name):
    file = ROOT / "config" / f"{name}.yaml"
    design = prepare(read_yaml(file), file, STAN, thoroughly=True)
    assert design.study.name == read_yaml(file)["name"]


def test_the_design_holds_the_content_of_programs_and_data():
    file = ROOT / "config" / "sleepstudy.yaml"
    sources = prepare(read_yaml(file), file, STAN, thoroughly=False).sources
    assert len(set(sources.programs.values())) == 5
    assert set(sources.observed) == {"sleepstudy"}


def test_a_fault_is_reported_with_the_name_of_the_file(raw_study, tmp_path):
    file = write(tmp_path, raw_study)
    raw = changed(raw_study, ("replicates", 0))
    with pytest.raises(StudyError) as refused:
        prepare(raw, file, STAN, thoroughly=False)
    assert str(refused.value) == f"{file}: replicates: got 0, must be at least 1"


def test_a_missing_csv_file_is_refused(raw_study, tmp_path):
    raw = changed(raw_study, ("observed", "real", OBSERVED | {"path": "no.csv"}))
    with pytest.raises(StudyError, match=r"study\.yaml: observed\.real: no\.csv: cannot be"):
        prepare(raw, "study.yaml", STAN, thoroughly=False)


def test_a_program_that_does_not_compile_is_refused_with_its_file(raw_study, tmp_path, programs):
    broken = programs / "multilevel_linear" / "centered.stan"
    text = broken.read_text()
    assert "sigma = named[n_parameters];" in text
    broken.write_text(text.replace("sigma = named[n_parameters];", "sigma = named[n_parameters]"))
    with pytest.raises(EngineError) as refused:
        prepare(raw_study, write(tmp_path, raw_study), programs, thoroughly=True)
    assert str(refused.value).startswith(f"{broken}: does not compile:\nSyntax error")


def test_a_program_that_wants_other_data_is_refused_with_its_file(raw_study, tmp_path, programs):
    other = programs / "multilevel_linear" / "pooled.stan"
    other.write_text(other.read_text().replace("data {", "data {\n  int W;", 1))
    with pytest.raises(StudyError) as refused:
        prepare(raw_study, write(tmp_path, raw_study), programs, thoroughly=True)
    assert str(refused.value).startswith(
        f"{other}: stan_data lacks W, declared as int; it returned N, K, "
    )


def test_data_of_another_shape_are_refused_by_either_engine(
    raw_study, tmp_path, programs, cmdstan_home
):
    other = programs / "multilevel_linear" / "pooled.stan"
    data = (programs / "multilevel" / "data.stan").read_text()
    data = data.replace("matrix[N, K] X", "matrix[K, N] X", 1)
    other.write_text(other.read_text().replace("#include multilevel/data.stan", data, 1))
    for engine in ("stanli", "cmdstan"):
        raw = changed(raw_study, ("engine", engine))
        with pytest.raises(StudyError) as refused:
            prepare(raw, write(tmp_path, raw), programs, thoroughly=True)
        assert str(refused.value) == (
            f"{other}: stan_data: X: got shape (12, 2), must be matrix[K, N] with K = 2, N = 12, "
            "of shape (2, 12)"
        )


def test_a_program_whose_include_is_missing_is_refused(raw_study, tmp_path, programs):
    (programs / "functions" / "multilevel.stan").unlink()
    with pytest.raises((EngineError, StudyError), match=r"multilevel\.stan"):
        prepare(raw_study, write(tmp_path, raw_study), programs, thoroughly=True)


def test_a_program_that_is_missing_is_refused(raw_study, tmp_path, programs):
    (programs / "multilevel_linear" / "centered.stan").unlink()
    with pytest.raises((EngineError, StudyError), match=r"centered\.stan"):
        prepare(raw_study, write(tmp_path, raw_study), programs, thoroughly=True)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (
            [("participants", [10, 1_000_000]), ("observations", [1000])],
            "observations: datasets with 1,000,000 participants and 1,000 observations of each "
            "have 1,000,000,000 rows, must have at most 10,000,000",
        ),
        (
            [("replicates", 10_000_000), ("batch", 10)],
            "replicates: 10,000,000 of each of 1 scenarios are 2,000,000 jobs or more, "
            "must be at most 100,000; a larger `batch` makes fewer",
        ),
        (
            [("participants", list(range(2, 1002))), ("observations", list(range(1, 1001)))],
            "replicates: 40 of each of 1,000,000 scenarios are 2,000,000 jobs or more, "
            "must be at most 100,000; a larger `batch` makes fewer",
        ),
    ],
)
def test_what_no_machine_could_hold_or_plan_is_refused(raw_study, places, message):
    with pytest.raises(StudyError) as refused:
        prepare(changed(raw_study, *places), "study.yaml", STAN, thoroughly=False)
    assert str(refused.value) == f"study.yaml: {message}"


def test_the_largest_study_that_is_taken(raw_study):
    places = [("replicates", 1_000_000), ("batch", 20)]
    assert prepare(changed(raw_study, *places), "study.yaml", STAN, thoroughly=False)
