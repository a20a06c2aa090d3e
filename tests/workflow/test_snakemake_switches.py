"""Snakemake's own options do in this workflow what Snakemake's manual says."""

import pytest
import yaml
from workflow_runs import SUMMARY, assert_same

pytestmark = pytest.mark.workflow

ENDS = {"summarise": 1, "figures": 1, "report": 1, "outcome": 1, "all": 1}
DATA = "plain-4x5/00001-00250.parquet"
BATCH = "plain-4x5/pooled/weak/00001-00250.parquet"


@pytest.fixture(scope="module")
def finished(small_study, tmp_path_factory):
    """The small study, run to its report: 2 scenarios, a job of fits each. Only for dry runs."""
    return small_study.copy(tmp_path_factory.mktemp("switches") / "finished")


@pytest.fixture
def checkout(small_study, tmp_path):
    """A copy for runs."""
    return small_study.copy(tmp_path / "checkout")


@pytest.mark.parametrize(
    ("options", "jobs"),
    [
        ("--forcerun fit", {"fit": 1, **ENDS}),
        (f"--forcerun results/small/data/{DATA} -- all", {"simulate": 1, "fit": 1, **ENDS}),
        ("--forcerun fit --until fit", {"fit": 1}),
        *(
            pytest.param(*options, marks=pytest.mark.slow)
            for options in [
                ("--forcerun simulate", {"simulate": 2, "fit": 1, **ENDS}),
                ("--forcerun figures", {"figures": 1, "report": 1, "outcome": 1, "all": 1}),
                (f"--force results/small/estimates/{BATCH} all", {"fit": 1, **ENDS}),
                ("--forceall", {"simulate": 2, "fit": 1, **ENDS}),
                ("--forcerun simulate --omit-from fit", {"simulate": 2}),
            ]
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_forced_jobs_run_with_everything_that_depends_on_them(finished, options, jobs):
    assert finished.planned(*options.split()) == jobs


def test_a_forced_fit_gives_the_same_numbers(checkout, small_study):
    fit = f"results/small/estimates/{BATCH}"
    before = (checkout.folder / SUMMARY).stat().st_mtime
    done = checkout.snakemake("--cores", "1", "--forcerun", fit, "--", SUMMARY)
    assert done.returncode == 0, done.stderr
    for file in (fit, SUMMARY):
        assert (checkout.folder / file).stat().st_mtime > before
    assert_same(small_study.numbers(), checkout.numbers())


def test_until_stops_after_the_fits(checkout):
    changes = ("name=short", "participants=[4]", "models=[pooled]")
    done = checkout.snakemake("--cores", "2", "--until", "fit", "--config", *changes)
    assert done.returncode == 0, done.stderr
    results = checkout.folder / "results/short"
    assert (results / "estimates" / BATCH).exists()
    assert not (results / "summary").exists()
    assert not (results / "report.html").exists()


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        (["replicates=4", "participants=[6, 8]"], {"simulate": 2, "fit": 1}),
        pytest.param(["priors={weak: {b: 'normal(0, 0.5)'}}"], {"fit": 1}, marks=pytest.mark.slow),
    ],
)
def test_config_changes_keys_of_the_study(finished, changes, jobs):
    assert finished.planned("--config", *changes) == {**jobs, **ENDS}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--config", "seed=2", "-C", "name=other"],
            "--config: got more than one, must be one: Snakemake uses only the last; give every "
            "KEY=VALUE after one --config",
        ),
        (
            ["--configfiles", "study.yaml"],  # after `--configfile study.yaml`
            "--configfile: got more than one, must be one: Snakemake uses only the last; give "
            "every file after one --configfile",
        ),
    ],
)
def test_a_repeated_option_is_refused(finished, options, message):
    done = finished.snakemake("--dry-run", *options)
    assert done.returncode == 1
    assert message in done.stderr.splitlines()


def test_report_writes_the_figures_with_their_captions(finished):
    done = finished.snakemake("--report", "snakemake.html")
    assert done.returncode == 0, done.stderr
    text = (finished.folder / "snakemake.html").read_text()
    assert len(text) > 100_000
    for part in ("bias-plain-x5.svg", "Performance", "Monte Carlo"):
        assert part in text, part


def write(checkout, file: str, **content) -> None:
    (checkout.folder / file).write_text(yaml.safe_dump(content))


def test_a_second_study_file_changes_keys_of_the_first(finished):
    priors = {"weak": {"b": "normal(0, 2)"}}
    write(finished, "wider.yaml", name="wider", participants=[8], priors=priors)
    done = finished.snakemake("wider.yaml", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "results/wider/data/plain-8x5/" in done.stdout
    assert "results/wider/data/plain-4x5/" not in done.stdout


def test_a_fault_names_all_study_files(finished):
    write(finished, "wrong.yaml", sampler={"draws": 2})
    done = finished.snakemake("wrong.yaml", "--dry-run")
    assert done.returncode == 1
    assert "\nstudy.yaml, wrong.yaml: sampler.draws: got 2, must be at least 4\n" in done.stderr
