"""What a command line changes of a study: all of it counts, for every command alike."""

import argparse
import json
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT
from workflow_runs import SMALL, check_out

from recovery.common.errors import StudyError
from recovery.study import overrides

RAW = {"seed": 1, "participants": [4], "sampler": {"draws": 10, "warmup": 20}}


def asked(*arguments: str) -> list[str]:
    parser = argparse.ArgumentParser()
    overrides.add_to(parser)
    return overrides.entries_of(parser.parse_args(arguments))


def test_several_options_count_together_and_the_engine_last():
    entries = asked("-C", "a=1", "b=2", "--engine", "stanli", "--config", "c=3", "--config=d=4")
    assert entries == ["a=1", "b=2", "c=3", "d=4", "engine=stanli"]
    assert asked() == []


@pytest.mark.parametrize(
    ("entries", "changes"),
    [
        (["participants=[6, 8]"], {"participants": [6, 8]}),
        (["seed=2", "seed=3"], {"seed": 3}),
        (["sampler={draws: 30}"], {"sampler": {"draws": 30, "warmup": 20}}),
        (["sampler={draws: 30}", "sampler={warmup: 5}"], {"sampler": {"draws": 30, "warmup": 5}}),
        (["sampler=5"], {"sampler": 5}),
        (["verify={engine: stanli, share: 0.5}"], {"verify": {"engine": "stanli", "share": 0.5}}),
        (["title=x = y"], {"title": "x = y"}),
        (["title='5'"], {"title": "5"}),
        (["rescue="], {"rescue": None}),
        (["keep_draws=true"], {"keep_draws": True}),
    ],
)
def test_values_are_yaml_and_mappings_are_merged(entries, changes):
    before = json.dumps(RAW)
    assert overrides.apply_changes(RAW, entries) == RAW | changes
    assert json.dumps(RAW) == before


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("seed", "--config: got 'seed', must be KEY=VALUE, a key of the study"),
        ("=1", "--config: got '=1', must be KEY=VALUE, a key of the study"),
        ("a.b=1", "--config: got 'a.b=1', must be KEY=VALUE, a key of the study"),
        ("participants=[6", "--config participants: is not valid YAML"),
    ],
)
def test_what_is_no_change_is_refused(entry, said):
    with pytest.raises(StudyError) as refused:
        overrides.apply_changes(RAW, [entry])
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "options", [["--config", "-C"], ["--config=a=1", "--config"], ["-Ca=1"] * 2]
)
def test_snakemake_itself_may_have_one_option_only(options):
    with pytest.raises(StudyError, match="--config: got more than one"):
        overrides.refuse_repeated_config(["snakemake", options[0], "a=1", options[1], "b=2"])
    overrides.refuse_repeated_config(["snakemake", "--configfile", "a.yaml", options[0]])


@pytest.mark.parametrize("second", ["--configfile", "--configfiles", "--configfile=b.yaml"])
def test_snakemake_itself_may_have_one_option_of_study_files_only(second):
    with pytest.raises(StudyError, match="--configfile: got more than one"):
        overrides.refuse_repeated_config(["snakemake", "--configfile", "a.yaml", second, "b.yaml"])
    overrides.refuse_repeated_config(["snakemake", "--configfile", "a.yaml", "b.yaml"])


@pytest.fixture
def checkout(tmp_path):
    found = check_out(tmp_path)
    found.write(models=["pooled"])
    return found


DATA = "results/other/data/plain-6x5/00001-00250.parquet"
CHANGED = ["participants=[6]", "name=other", "title='Two words: $HOME #1'"]


@pytest.mark.workflow
def test_make_study_takes_all_changes_and_its_lock_and_mark_under_the_final_name(checkout):
    first, *others = CHANGED
    done = checkout.make_study(
        DATA, "--cores", "1", "--config", first, "--config", *others, "--engine", "stanli"
    )
    assert done.returncode == 0, done.stderr
    results = checkout.folder / "results"
    assert [each.name for each in results.iterdir()] == ["other"]
    assert (results / "other/.lock").exists()
    assert json.loads((results / "other/.study.json").read_text())["title"] == "Two words: $HOME #1"
    assert (checkout.folder / DATA).exists()


@pytest.mark.slow
@pytest.mark.workflow
def test_plain_snakemake_reads_the_same_changes(checkout):
    done = checkout.snakemake("--cores", "1", DATA, "--config", *CHANGED)
    assert done.returncode == 0, done.stderr
    twice = checkout.snakemake("-n", "--config", "seed=2", "--config", "name=other")
    assert twice.returncode == 1
    assert "--config: got more than one" in twice.stdout + twice.stderr


def run(entry: str, folder, *arguments: str) -> str:
    """Run a command on the small study; return what it refuses."""
    (folder / "study.yaml").write_text(yaml.safe_dump(SMALL))
    command = [sys.executable, str(ROOT / f"workflow/{entry}.py"), "study.yaml", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr.strip()


def test_a_study_file_beside_the_study_file_is_refused(tmp_path):
    for option in ("--configfile", "--configfiles"):
        said = run("run", tmp_path, option, "other.yaml")
        assert said == "--configfile: the study file is study.yaml; name another with STUDY=FILE"


def test_enough_looks_where_the_changed_study_has_its_results(tmp_path):
    said = run(
        "enough", tmp_path, "--config", "name=other", "--config", "precision={coverage: 0.1}"
    )
    assert said.startswith("results/other/summary/precision.parquet: does not exist yet")
    said = run("enough", tmp_path, "--config", "replicates=5")
    assert (
        said
        == "--config: replicates: must not be given; this command increases them in the study file"
    )


def test_replay_plans_the_changed_study(tmp_path):
    (tmp_path / "stan").symlink_to(ROOT / "stan")
    said = run("replay", tmp_path, "plain-4x5/pooled/weak/1", "--config", "participants=[7]")
    assert "plain-7x5" in said
