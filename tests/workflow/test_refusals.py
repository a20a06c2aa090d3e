"""A wrong study is refused before any job in one message without a traceback."""

import os
import shutil

import pytest
import yaml
from slow_cases import slow_after
from workflow_runs import SMALL, check_out

from recovery.common.errors import shown

pytestmark = pytest.mark.workflow

OBSERVED = {"path": "data.csv", "columns": {"participant": "id"}}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return check_out(tmp_path_factory.mktemp("refused"))


def refused(checkout, *expected, environment=None, arguments=()):
    """Check that the study is refused with these messages before any file is made."""
    done = checkout.snakemake("--cores", "1", *arguments, environment=environment)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert not (checkout.folder / "results").exists()
    for part in expected:
        assert said.count(part) == 1, said


@pytest.mark.parametrize(
    ("changes", "message"),
    slow_after(
        2,
        [
            ({"replicats": 3}, "study.yaml: replicats: unknown key, must not be there"),
            ({"participants": [4, 0]}, "study.yaml: participants[1]: got 0, must be at least 2"),
            ({"engine": "jags"}, "study.yaml: engine: got 'jags', must be one of"),
            (
                {"models": ["pooled", "centred"]},
                "study.yaml: models[1]: got 'centred', must be one of",
            ),
            (
                {"name": "../up"},
                "study.yaml: name: got '../up', must be a name of lower-case letters",
            ),
            (
                {"truths": {"t": {**SMALL["truths"]["plain"], "cor": {"participant": 1}}}},
                "study.yaml: truths.t.cor.participant: got 1, must be below 1",
            ),
            (
                {"formula": "y ~ z + (z | participant)"},
                "study.yaml: formula: got 'z', must be a variable of `design`",
            ),
            (
                {"design": {"x": {"sequence": [0, 1]}}, "observations": [1]},
                "study.yaml: participants: with 4 participants and 1 observation of each, x "
                "cannot vary",
            ),
            (
                {"design": {"x": {"values": [0, 0]}}},
                "study.yaml: participants: with 4 participants and 5 observations of each, the "
                "coefficient x cannot be told from those before it",
            ),
            (
                {"truths": {"t": {"beta": [0, 1], "sigma_p": [1, 1], "rho": 0, "sigma": 1}}},
                "study.yaml: truths: has keys of an older version, write:",
            ),
        ],
    ),
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        "__use_yte__: true\n__definitions__: [\"import os; os.system('touch ran')\"]\n",
        "__use_yte__: true\na: ?__import__('os').system('touch ran')\n",
        "a: !!python/object/apply:os.system ['touch ran']\n",
    ],
)
def test_make_study_executes_no_text_of_a_study_file(checkout, hostile):
    (checkout.folder / "study.yaml").write_text(hostile + yaml.safe_dump(SMALL))
    done = checkout.make_study()
    assert done.returncode != 0
    assert done.stderr.startswith("study.yaml: ")
    assert "Traceback" not in done.stderr
    assert not (checkout.folder / "ran").exists()
    assert not (checkout.folder / "results").exists()


def test_a_duplicate_key_is_refused(checkout):
    checkout.write()
    file = checkout.folder / "study.yaml"
    file.write_text(yaml.safe_dump(SMALL) + "seed: 2\n")
    refused(checkout, "study.yaml: seed: duplicate key")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "observed.real: data.csv: cannot be read"),
        ("y,x,id\n1,2,1\n3,4\n", "observed.real: data.csv: cannot be read"),
        ("y,z,id\n1,2,1\n3,4,2\n", "observed.real.columns.x: got 'x', must be one of"),
        ("y,x,id\n1,2,1\n,4,2\n", "observed.real: data.csv: column 'y' is empty in row 2"),
        (
            "y,x,id\n1,2,1\n3,2,2\n",
            "observed.real: data.csv: the coefficient x cannot be told from those before it",
        ),
    ],
)
def test_wrong_observed_data(checkout, table, message):
    checkout.write(observed={"real": OBSERVED})
    (checkout.folder / "data.csv").unlink(missing_ok=True)
    if table:
        (checkout.folder / "data.csv").write_text(table)
    refused(checkout, message)


DATA_FAULT = "study.yaml: observed.real: data.csv: column 'y'"
SNAKEMAKE = ("--cores", "1"), ("--dry-run",), ("--lint",), ("--unlock",), ("-n", "--quiet")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", SNAKEMAKE, ids=" ".join)
def test_wrong_data_and_a_wrong_key_are_refused_in_one_line(checkout, arguments):
    said = {}
    for kind, changes in {
        "key": {"replicates": 0},
        "data": {"observed": {"real": OBSERVED}},
    }.items():
        checkout.write(**changes)
        (checkout.folder / "data.csv").write_text("y,x,id\n1,2,1\n,4,2\n")
        done = checkout.snakemake(*arguments)
        assert done.returncode == 1
        lines = (done.stdout + done.stderr).splitlines()
        said[kind] = [line for line in lines if not line.startswith("Using workflow specific")]
    assert said["key"] == ["study.yaml: replicates: got 0, must be at least 1"]
    assert len(said["data"]) == 1
    assert said["data"][0].startswith(DATA_FAULT)


def test_make_study_says_bad_data_in_one_line_too(checkout):
    checkout.write(observed={"real": OBSERVED})
    (checkout.folder / "data.csv").write_text("y,x,id\n1,2,1\n,4,2\n")
    done = checkout.make_study()
    *profile, told = done.stderr.splitlines()
    assert done.returncode == 1
    assert told.startswith(DATA_FAULT)
    assert all(line.startswith("Using workflow specific profile") for line in profile)
    shutil.rmtree(checkout.folder / "results")


@pytest.mark.slow
def test_files_out_of_reach_are_not_read(checkout, tmp_path):
    (tmp_path / "secret.csv").write_text("secret,x,id\n1,2,1\n")
    (tmp_path / "secret.py").write_text("open('ran', 'w')\n")
    (checkout.folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (checkout.folder / "linked").symlink_to(tmp_path)
    up = os.path.relpath(tmp_path, checkout.folder)
    absolute = ["/etc/passwd", "/dev/zero", str(tmp_path / "secret.csv"), f"{up}/secret.csv"]
    for path in [*absolute, "link.csv", "linked/secret.csv", "config/../../../etc/hostname"]:
        checkout.write(observed={"real": {**OBSERVED, "path": path}})
        told = (
            f"study.yaml: observed.real.path: got {shown(path)}, which lies outside the working "
            "directory and is not read; copy it there (a link does not do)\n"
        )
        assert checkout.make_study().stderr == told
    for path in (f"{up}/secret.py", "linked/secret.py"):
        checkout.write(family=path)
        told = f"study.yaml: family: got {shown(path)}, which lies outside the working directory"
        done = checkout.make_study()
        assert done.stderr.startswith(told)
        refused(checkout, told)
        assert not (checkout.folder / "ran").exists()


def test_a_program_out_of_reach_is_not_read(checkout, tmp_path):
    template = checkout.folder / "workflow/templates/family.py"
    (tmp_path / "secret.stan").write_text("secret")
    up = os.path.relpath(tmp_path / "secret.stan", checkout.folder)
    (checkout.folder / "means.py").write_text(template.read_text().replace("NAME.stan", up))
    study = yaml.safe_load((checkout.folder / "workflow/templates/study.yaml").read_text())
    raw = {**study, "name": "small", "family": "means.py"}
    (checkout.folder / "study.yaml").write_text(yaml.safe_dump(raw))
    refused(checkout, f"study.yaml: models[0]: its program {up} lies outside the working directory")


@pytest.mark.slow
def test_odd_files_are_refused_at_once(checkout):
    os.mkfifo(checkout.folder / "pipe.csv")
    with (checkout.folder / "large.csv").open("wb") as file:
        file.truncate(5_000_000_000)
    for path, why in {
        "pipe.csv": "cannot be read: is no regular file",
        "config": "cannot be read: Is a directory",
        "large.csv": "has 5,000.0 MB, must have at most 20 MB",
    }.items():
        checkout.write(observed={"real": {**OBSERVED, "path": path}})
        refused(checkout, f"study.yaml: observed.real: {path}: {why}")


def test_a_study_of_thousands_of_faults_is_refused_in_20_lines(checkout):
    checkout.write(**{f"key{number}": 1 for number in range(30_000)})
    done = checkout.make_study()
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert len(lines) == 20
    assert lines[0] == "study.yaml: key0: unknown key, must not be there"
    assert lines[-1] == "... and 29,981 more"


def test_a_program_that_does_not_compile(tmp_path):
    checkout = check_out(tmp_path)
    checkout.write()
    program = tmp_path / "stan/multilevel_linear/pooled.stan"
    program.write_text(program.read_text().replace("named[n_parameters];", "named[n_parameters]"))
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
