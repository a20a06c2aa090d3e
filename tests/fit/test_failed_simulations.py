"""A dataset that cannot be simulated is a failure of its replicate only, for any cause."""

import collections
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, STAN
from slow_cases import slow_after

from recovery import families, tables
from recovery.common.errors import StudyError
from recovery.engines.protocol import Program
from recovery.fit import batches, datasets
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import dataset_seed
from recovery.run import preflight
from recovery.score import prior_prediction, summaries, verification

pytestmark = pytest.mark.usefixtures("in_the_repository")

SCENARIO, BATCH, FATED = "typical-10x5", Batch(1, 4, 4), 3
BEGINS = "    theta = truth.mu"


SAMPLER = {"chains": 2, "warmup": 50, "draws": 50, "time_limit": 3.0}
UNHURRIED = SAMPLER | {"time_limit": 300.0}


def designed(raw, **changes):
    return preflight.prepare(raw | {"sampler": SAMPLER} | changes, "s", STAN, thoroughly=False)


def simulated(raw, **changes):
    design = designed(raw, **changes)
    return design, *datasets.simulate_batch(design.simulation(SCENARIO, BATCH))


def fated(begin, does: str):
    """The family of the template, with other code of its generator in one replicate."""
    design = designed(begin())
    seed = dataset_seed(design.simulation(SCENARIO, BATCH), FATED)
    first = float(np.random.default_rng(seed).random())
    when = f"    if rng.random() == {first!r}:\n        {does}\n{BEGINS}"
    return begin(("family.py", BEGINS, when), ("family.py", "import numpy as np", IMPORTS))


IMPORTS = "import faulthandler, os, signal, subprocess, sys, threading, time\nimport numpy as np"
HARMS = [
    ("raise ValueError('unlucky')", "means.py: simulate: raised ValueError: unlucky\n  line "),
    ("sys.exit(0)", "means.py: simulate: raised SystemExit: 0"),
    ("raise KeyboardInterrupt", "means.py: simulate: raised KeyboardInterrupt: "),
    ("raise type('Odd', (BaseException,), {})('end')", "means.py: simulate: raised Odd: end"),
    ("raise type('E', (Exception,), {'__str__': lambda _: 1 / 0})", "simulate: raised E"),
    ("os._exit(0)", "the process of the simulation died: exit code 0"),
    ("faulthandler.disable(); os.abort()", "the process of the simulation died: SIGABRT"),
    (
        "faulthandler.disable(); os.kill(os.getpid(), signal.SIGSEGV)",
        "the process of the simulation died: SIGSEGV",
    ),
    ("os.kill(os.getpid(), 40)", "the process of the simulation died: signal 40"),
    ("os.closerange(3, 100)", "the process of the simulation died: "),
    ("\n        while True: pass", "time limit: took more than 3 seconds"),
    ("os.kill(os.getpid(), signal.SIGSTOP)", "time limit: took more than 3 seconds"),
    ("subprocess.Popen(['sleep', '99'], close_fds=False); os._exit(4)", "died: exit code 4"),
    ("os.fork() or time.sleep(99); os._exit(5)", "died: exit code 5"),
    ("truth = truth.model_copy(update={'mu': np.nan})", "holds a value that is not finite"),
    ("return {}, {}", "simulate: observations has [], must have the columns"),
    ("return None", "simulate: returned nothing, must return two dicts"),
    ("participants = 9", "column 'participant' has [1, 2, 3, 4, 5, 6, 7, 8, 9], must have 1 to 10"),
    ("os.chdir('/')", "simulate: changes the working directory, must not change it"),
    ("np.ones(10**15)", "simulate: raised MemoryError: Unable to allocate "),
]


@pytest.mark.parametrize(
    ("does", "message"), slow_after(6, HARMS), ids=[does[:30] for does, _ in HARMS]
)
def test_a_failed_simulation_affects_its_replicate_only(begin, does, message):
    _, unharmed, _ = simulated(fated(begin, "pass"))
    _, data, truth = simulated(fated(begin, does))
    kept = unharmed["replicate"] != FATED
    for name, values in unharmed.items():
        np.testing.assert_array_equal(data[name], values[kept])
    rows = truth["replicate"] == FATED
    assert truth["parameter"][rows].tolist() == [None]
    assert np.isnan(truth["truth"][rows]).all()
    assert message in truth["error"][rows][0]
    assert set(truth["error"][~rows]) == {None}


@pytest.mark.parametrize(
    "does",
    slow_after(
        3,
        [
            "threading.Thread(target=time.sleep, args=(99,)).start()",
            "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
            "subprocess.Popen(['sleep', '99'])",
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            "sys.path.clear(); sys.modules.clear()",
            "sys.stdout = sys.stderr = None; os.close(1)",
            "np.seterr(all='raise'); np.random.seed(1)",
            "os.environ.clear(); os.umask(0o777)",
            "print('x' * 10**8)",
            "sys.setrecursionlimit(200)",
        ],
    ),
)
def test_side_effects_of_a_simulation_affect_no_other_replicate(begin, does):
    _, unharmed, _ = simulated(fated(begin, "pass"))
    _, data, truth = simulated(fated(begin, does), sampler=UNHURRIED)
    for name, values in unharmed.items():
        np.testing.assert_array_equal(data[name], values)
    assert set(truth["error"]) == {None}


def test_fits_of_a_failed_simulation_are_failed_rows_without_rescue(begin):
    rescue = [{"adapt_delta": 0.99}]
    design, data, truth = simulated(fated(begin, "raise ValueError('unlucky')"), rescue=rescue)
    specification = design.fit(SCENARIO, "hierarchical", "weakly_informative", BATCH)
    program = Program(str(families.find(design.study.family).program("hierarchical", STAN)), STAN)
    result = batches.fit_batch(data, truth, SamplerFitter(specification, program))
    rows = [
        dict(zip(result["diagnostics"], row, strict=True))
        for row in zip(*result["diagnostics"].values(), strict=True)
    ]
    (failed,) = [row for row in rows if row["replicate"] == FATED]
    assert (failed["attempt"], failed["status"], failed["failed_in"]) == (1, "failed", "simulation")
    assert failed["error"].startswith(f"simulation: {design.study.family}: simulate: raised Value")
    assert {row["replicate"] for row in rows} == {1, 2, 3, 4}
    assert FATED not in result["estimates"]["replicate"]
    assert {1, 2, 4} == set(result["estimates"]["replicate"])


def test_verified_fits_of_a_failed_simulation_are_failed_rows_too(begin):
    design, data, truth = simulated(fated(begin, "raise ValueError('unlucky')"))
    specification = design.fit(SCENARIO, "hierarchical", "weakly_informative", BATCH)
    program = Program(str(families.find(design.study.family).program("hierarchical", STAN)), STAN)
    some = [
        {name: column[np.isin(table["replicate"], [2, FATED])] for name, column in table.items()}
        for table in (data, truth)
    ]
    result = batches.fit_batch(*some, SamplerFitter(specification, program))["diagnostics"]
    assert result["replicate"] == [2, FATED]
    assert result["status"] == ["ok", "failed"]


def test_failed_simulations_are_not_failures_of_the_verifying_engine(begin, tmp_path, monkeypatch):
    design = designed(begin(), verify={"engine": "stanli", "share": 1.0})
    monkeypatch.chdir(tmp_path)
    went = {1: ("ok", None), 2: ("failed", "fit"), 3: ("failed", "simulation")}
    kinds = collections.Counter()
    for cell in design.cells:
        for batch, replicates in design.verified(cell).items():
            keys = dict(zip(("scenario", "model", "prior"), cell, strict=True)) | {"attempt": 1}
            rows = [
                keys | {"replicate": n, "status": status, "failed_in": step, "error": step}
                for n in replicates
                for status, step in [went[1 + n % 3]]
            ]
            kinds.update(row["failed_in"] or "ok" for row in rows)
            file = design.verified_file("diagnostics", cell, batch)
            table = tables.from_rows(rows, tables.DIAGNOSTICS)
            tables.write(table, file, tables.DIAGNOSTICS, "")
    assert kinds["simulation"] > 0
    result = verification.attempted_fits(design)
    assert result["status"].value_counts().to_dict() == {"ok": kinds["ok"], "failed": kinds["fit"]}
    assert set(result["error"].dropna()) == {"fit"}


def test_tables_with_failed_simulations_can_be_written_and_read(begin, tmp_path):
    design, data, truth = simulated(fated(begin, "os._exit(0)"))
    schemas = {"data": tables.data_schema(families.find(design.study.family).COLUMNS)}
    for name, table in (("data", data), ("truth", truth)):
        file = tmp_path / name
        tables.write(table, file, schemas.get(name, tables.TRUTH), "")
        read = tables.read(file)
        for column, values in table.items():
            np.testing.assert_array_equal(read[column], values)


def test_simulations_from_drawn_truths_fail_in_the_same_way(begin):
    some = "    if truth.mu > 0:\n        raise SimulationError('too large')\n" + BEGINS
    raw = begin(
        ("family.py", "Positive, Real", "Positive, Real, SimulationError"),
        ("family.py", BEGINS, some),
    )
    raw["truths"] = {"typical": {"prior": "weakly_informative"}}
    design = designed(raw)
    whole = Batch(1, 40, 40)
    data, truth = datasets.simulate_batch(design.simulation(SCENARIO, whole))
    failed = {int(each) for each in truth["replicate"][truth["error"] == "too large"]}
    assert failed | set(data["replicate"].tolist()) == set(range(1, 41))
    assert not failed & set(data["replicate"].tolist())
    assert (truth["truth"][truth["parameter"] == "mu"] <= 0).all()
    assert 8 <= len(failed) <= 32  # of 40, each with a chance of a half: beyond it once in 10,000


# Other calls of the functions of a family: the summary, the figures, the checks


def predictive_draws(raw):
    return prior_prediction.predicted(designed(raw))["prior_predictive"]


@pytest.mark.parametrize(
    ("does", "kept"),
    slow_after(
        2,
        [
            ("raise ValueError('no')", lambda draws, lost: set(draws) == set(range(1, 101)) - lost),
            ("os._exit(0)", lambda draws, lost: set(draws) == set(range(1, min(lost)))),
            (
                "\n        while True: pass",
                lambda draws, lost: set(draws) == set(range(1, min(lost))),
            ),
        ],
    ),
)
def test_prior_predictive_draws_without_data_are_left_out(begin, does, kept):
    shown = predictive_draws(begin())
    whole = shown.groupby("draw")["y"].first()
    assert set(whole.index) == set(range(1, 101))
    when = f"    if rng.normal() > 0.5:\n        {does}\n{BEGINS}"
    raw = begin(("family.py", BEGINS, when), ("family.py", "import numpy as np", IMPORTS))
    result = predictive_draws(raw)["draw"].unique().tolist()
    refuses = f"    if rng.normal() > 0.5:\n        raise SimulationError('no')\n{BEGINS}"
    plain = begin(
        ("family.py", BEGINS, refuses),
        ("family.py", "Positive, Real", "Positive, Real, SimulationError"),
    )
    lost = set(range(1, 101)) - set(predictive_draws(plain)["draw"])
    assert 10 <= len(lost) <= 55  # of 100, each with a chance of 0.31: beyond it once in 100,000
    assert kept(result, lost)


@pytest.mark.parametrize(
    ("does", "message"),
    slow_after(
        2,
        [
            ("os._exit(0)", "prior_sd: the process of the prior_sd died: exit code 0"),
            ("sys.exit(0)", "prior_sd: raised SystemExit: 0"),
            ("while True: pass", "prior_sd: time limit: took more than 3 seconds"),
        ],
    ),
)
def test_prior_sds_that_cannot_be_computed_are_one_message(begin, does, message):
    function = f"def prior_sd(prior):\n    {does}\n\n\ndef stan_data("
    raw = begin(
        ("family.py", "def stan_data(", function), ("family.py", "import numpy as np", IMPORTS)
    )
    study = designed(raw).study
    with pytest.raises(StudyError) as error:
        summaries.prior_standard_deviations(study, "weakly_informative", "hierarchical")
    assert str(error.value).startswith(f"{raw['family']}: {message}")


@pytest.mark.slow
def test_a_check_of_likelihoods_ends_at_the_time_limit(begin):
    function = "def log_likelihood(values, data):\n    while True: pass\n\n\ndef stan_data("
    both = 'MODELS = {"alike": Model("NAME.stan", pooling="complete"), '
    raw = begin(("family.py", "def stan_data(", function), ("family.py", "MODELS = {", both))
    with pytest.raises(StudyError, match=r"means\.py: time limit: took more than 3 seconds, with"):
        designed(raw, models=["alike", "hierarchical"], selection={"leave_out": ["observation"]})


def test_no_child_process_of_a_simulation_remains(begin, tmp_path):
    kept = tmp_path / "pid"
    other = "subprocess.Popen(['sleep', '99'], start_new_session=True).pid"
    simulated(fated(begin, f"open({str(kept)!r}, 'w').write(str({other}))"))
    state = Path(f"/proc/{int(kept.read_text())}/stat")
    if state.exists():  # perhaps not reaped yet
        assert state.read_text().rpartition(")")[2].split()[0] in "ZX"
    assert os.getcwd() == str(ROOT)  # noqa: PTH109
