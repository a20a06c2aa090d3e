"""What is wrong with a study is said before any job: one message, no traceback."""

import pytest
import yaml
from workflow_runs import SMALL, check_out

pytestmark = pytest.mark.workflow

OBSERVED = {"path": "data.csv", "outcome": "y", "predictor": "x", "participant": "id"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return check_out(tmp_path_factory.mktemp("refused"))


def refused(checkout, *expected, environment=None, arguments=()):
    """Hold that the study is refused with this message, before anything is made."""
    done = checkout.snakemake("--cores", "1", *arguments, environment=environment)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert not (checkout.folder / "results").exists()
    for part in expected:
        assert said.count(part) == 1, said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicats": 3}, "study.yaml: replicats: unknown key, must not be there"),
        ({"participants": [4, 0]}, "study.yaml: participants[1]: got 0, must be at least 2"),
        ({"engine": "jags"}, "study.yaml: engine: got 'jags', must be one of"),
        ({"models": ["pooled", "centred"]}, "study.yaml: models[1]: got 'centred', must be one of"),
        ({"name": "../up"}, "study.yaml: name: got '../up', must be a name of lower-case letters"),
        (
            {"truths": {"t": {**SMALL["truths"]["plain"], "rho": 1}}},
            "study.yaml: truths.t.rho: got 1, must be below 1",
        ),
    ],
)
def test_a_wrong_study_file(checkout, changes, message):
    checkout.write(**changes)
    refused(checkout, message)


def test_make_study_refuses_a_wrong_study_file_at_once(checkout):
    checkout.write(replicates=0)
    done = checkout.make_study()
    assert done.returncode != 0
    assert done.stderr == "study.yaml: replicates: got 0, must be at least 1\n"
    assert not (checkout.folder / "results").exists()


@pytest.mark.parametrize(
    "hostile",
    [
        "__use_yte__: true\n__definitions__: [\"import os; os.system('touch ran')\"]\n",
        "__use_yte__: true\na: ?__import__('os').system('touch ran')\n",
        "a: !!python/object/apply:os.system ['touch ran']\n",
    ],
)
def test_make_study_runs_nothing_that_stands_in_a_study_file(checkout, hostile):
    (checkout.folder / "study.yaml").write_text(hostile + yaml.safe_dump(SMALL))
    done = checkout.make_study()
    assert done.returncode != 0
    assert done.stderr.startswith("study.yaml: ")
    assert "Traceback" not in done.stderr
    assert not (checkout.folder / "ran").exists()
    assert not (checkout.folder / "results").exists()


def test_a_key_that_stands_twice(checkout):
    checkout.write()
    file = checkout.folder / "study.yaml"
    file.write_text(yaml.safe_dump(SMALL) + "seed: 2\n")
    refused(checkout, "study.yaml: seed: stands twice in one mapping")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "observed.real: data.csv: cannot be read"),
        ("y,x,id\n1,2,1\n3,4\n", "observed.real: data.csv: cannot be read"),
        ("y,z,id\n1,2,1\n3,4,2\n", "observed.real.predictor: got 'x', must be one of"),
        ("y,x,id\n1,2,1\n,4,2\n", "observed.real: data.csv: column 'y' has no number or text"),
    ],
)
def test_wrong_observed_data(checkout, table, message):
    checkout.write(observed={"real": OBSERVED})
    (checkout.folder / "data.csv").unlink(missing_ok=True)
    if table:
        (checkout.folder / "data.csv").write_text(table)
    refused(checkout, message)


def test_a_program_that_does_not_compile(tmp_path):
    checkout = check_out(tmp_path)
    checkout.write()
    program = tmp_path / "stan/multilevel_linear/pooled.stan"
    program.write_text(program.read_text().replace("real<lower=0> sigma;", "real<lower=0> sigma"))
    refused(checkout, "stan/multilevel_linear/pooled.stan: does not compile")


def test_cmdstan_that_is_not_installed(checkout, tmp_path):
    checkout.write()
    bare = {"HOME": str(tmp_path), "CMDSTAN": "", "CONDA_PREFIX": ""}
    refused(
        checkout,
        "CmdStan is not installed",
        "cmdstanpy.install_cmdstan",
        environment=bare,
        arguments=("--config", "engine=cmdstan"),
    )
