"""Failures of CmdStan, of a fit or of the machine, with real executables.

The program is that of the package prophet, a regression. Wrappers are shell scripts that run
its executable and then damage what it wrote, as a full disk or a crash would.
"""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import cmdstanpy
import numpy as np
import psutil
import pytest
from conftest import STAN

from recovery import engines
from recovery.common import worker
from recovery.common.errors import EngineError, MachineError
from recovery.engines.cmdstan import processes
from recovery.engines.protocol import DataError, Program, Settings
from recovery.fit import posterior

N, DRAWS = 40, 60
SETTINGS = Settings(chains=2, warmup=60, draws=DRAWS, adapt_delta=0.8, max_treedepth=8)
ALGORITHMS = ("sample", "optimize", "laplace", "pathfinder")


@pytest.fixture(scope="module")
def cmdstan():
    return engines.find("cmdstan")


@pytest.fixture
def data(rng):
    return regression(rng.normal(size=N), 0.3 + 0.4 * rng.normal(size=N))


def regression(x, y, scale=10.0):
    n = len(y)
    flat = {"trend_indicator": 2, "S": 0, "t_change": [], "tau": 1.0, "cap": np.ones(n)}
    of_x = {"K": 1, "X": np.reshape(x, (n, 1)), "sigmas": [scale], "s_a": [1.0], "s_m": [0.0]}
    return {"T": n, "t": np.linspace(0, 1, n), "y": np.asarray(y), **flat, **of_x}


def run(cmdstan, executable, data, algorithm, draws=DRAWS, settings=SETTINGS):
    loaded = cmdstan.load(Program("prophet.stan", ".", str(executable)))
    if algorithm == "sample":
        return cmdstan.sample(loaded, data, 1, settings)
    return cmdstan.approximate(loaded, data, 1, algorithm, draws)


@pytest.fixture
def wrapped(prophet_executable, tmp_path):
    """Make an executable that runs the real one, then does something."""

    def written(then) -> str:
        script = tmp_path / "wrapped"
        lines = [
            "#!/bin/sh",
            f'"{prophet_executable}" "$@"',
            "code=$?",
            "[ $1 = info ] && exit $code",
        ]
        script.write_text("\n".join([*lines, then, "exit $code", ""]))
        script.chmod(0o755)
        return str(script)

    return written


# A fit


def test_a_crash_of_laplace_after_some_draws_is_a_failed_fit(cmdstan, prophet_executable):
    # One observation, met exactly: the scale has no bound below, and draws overflow.
    data = regression([0.0], [0.0])
    with pytest.raises(RuntimeError, match="Scale vector is inf, but must be positive finite"):
        run(cmdstan, prophet_executable, data, "laplace", draws=2000)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("for f in *.csv; do grep -v '^#' $f | sed '$d' > o; mv o $f; done", "CmdStan wrote"),
        ("for f in *.csv; do : > $f; done", "CmdStan wrote 0 of"),
        ("rm *.csv", "CmdStan wrote 0 of"),
        ("for f in *.csv; do grep -v '^#' $f > o; truncate -s -3 o; mv o $f; done", "draws"),
        ("echo 'Exception: the reason' >&2; exit 3", "the reason"),
        ("exit 70", "CmdStan ended with exit code 70"),
        ("kill -SEGV $$", "CmdStan was ended by SIGSEGV"),
        ("kill -40 $$", "CmdStan was ended by signal 40"),
    ],
    ids=["fewer draws", "empty", "none", "half a line", "exit code", "no reason", "crash", "40"],
)
def test_incomplete_output_is_a_failed_fit(cmdstan, wrapped, data, algorithm, damage, message):
    with pytest.raises(RuntimeError, match=message) as failed:
        run(cmdstan, wrapped(damage), data, algorithm)
    assert not isinstance(failed.value, DataError)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_draws_equal_those_of_cmdstanpy(cmdstan, prophet_executable, data, algorithm, tmp_path):
    found = run(cmdstan, prophet_executable, data, algorithm)
    theirs = cmdstanpy.CmdStanModel(exe_file=str(prophet_executable))
    asked = {"data": data, "seed": 1, "sig_figs": 16, "output_dir": tmp_path / "a"}
    if algorithm == "sample":
        settings = {"adapt_delta": 0.8, "max_treedepth": 8, "show_progress": False}
        fit = theirs.sample(
            **asked, **settings, chains=2, iter_warmup=60, iter_sampling=DRAWS, parallel_chains=1
        )
        expected = np.swapaxes(fit.draws(), 0, 1)
        assert (found.sampler["energy__"] == fit.method_variables()["energy__"].T).all()
    elif algorithm == "pathfinder":
        fit = theirs.pathfinder(**asked, draws=DRAWS, num_single_draws=1000, num_threads=1)
        expected = fit.draws()
    else:
        fit = theirs.optimize(**asked, jacobian=True, iter=10_000)
        expected = fit.optimized_params_np[None, :]
    if algorithm == "laplace":
        asked["output_dir"] = tmp_path / "b"
        fit = theirs.laplace_sample(**asked, mode=fit, draws=DRAWS)
        expected = fit.draws()
    names = list(fit.column_names)
    assert [name for name in names if not name.endswith("__")] == found.names
    places = [names.index(name) for name in found.names]
    np.testing.assert_array_equal(found.values, expected[..., places])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": None}, "variable name=y"),
        ({"y": np.zeros(3)}, r"dims declared=\(40\); dims found=\(3\)"),
        ({"T": 40.5}, "int variable contained non-int values"),
        ({"y": "abc"}, "string values not allowed"),
    ],
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_unreadable_data_are_a_data_error(
    cmdstan, prophet_executable, data, algorithm, change, message
):
    data = {name: value for name, value in (data | change).items() if value is not None}
    with pytest.raises(DataError, match=message):
        run(cmdstan, prophet_executable, data, algorithm)


# Pareto k


@pytest.mark.parametrize("seed", range(1, 6))
def test_pareto_k_is_what_stan_prints(cmdstan, prophet_executable, tmp_path, seed):
    # 16 nearly unidentified parameters of three observations; Stan prints k above 0.7 only,
    # with two digits, and nothing below.
    data = regression([0.1, 0.0, 2.0], [0.1, 0.2, 5.0])
    data |= {"S": 2, "t_change": [0.3, 0.6], "trend_indicator": 0, "tau": 5.0}
    loaded = cmdstan.load(Program("prophet.stan", ".", str(prophet_executable)))
    found = cmdstan.approximate(loaded, data, seed, "pathfinder", 200)
    k = posterior.pareto_k(found.log_ratios)
    file = tmp_path / "data.json"
    cmdstanpy.write_stan_json(str(file), data)
    arguments = f"random seed={seed} data file={file} output file=o.csv method=pathfinder"
    said = subprocess.run(
        [prophet_executable, *arguments.split(), "num_draws=1000", "num_psis_draws=200"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert k > 0.7
    assert f"Pareto k value ({k:.2g}) is greater than 0.7" in said.stdout + said.stderr


def test_pareto_k_of_known_tails(rng):
    # The ratios are Pareto's with shape k, by inversion; its estimate has an SD near
    # (1 + k) / sqrt(tail) = 0.1 here, and shrinks to 0.5 by a tenth or less: 4 of these.
    for k in (0.3, 0.6, 1.0, 1.5):
        log_ratios = -k * np.log(rng.random(4000))
        assert posterior.pareto_k(log_ratios) == pytest.approx(k, abs=0.4)


def test_pareto_k_of_ratios_without_a_tail():
    assert posterior.pareto_k(np.full(1000, 3.0)) == 0
    assert posterior.pareto_k(np.array([])) == np.inf
    assert posterior.pareto_k(np.full(10, np.nan)) == np.inf


# The machine


def of_another_architecture(file):
    content = bytearray(file.read_bytes())
    content[18:20] = (0xB7, 0x00)  # e_machine of ELF: AArch64
    file.write_bytes(content)


BREAKS = {
    "no execute right": lambda file: file.chmod(0o644),
    "another architecture": of_another_architecture,
    "no program": lambda file: file.write_bytes(b"no program"),
    "empty": lambda file: file.write_bytes(b""),
    "gone": lambda file: file.unlink(),
    "exit code 126": lambda file: file.write_text("#!/bin/sh\nexit 126\n"),
    "exit code 127": lambda file: file.write_text("#!/bin/sh\nexit 127\n"),
    "no interpreter": lambda file: file.write_text("#!/nowhere/sh\n"),
    "another libc": lambda file: file.write_text(
        "#!/bin/sh\necho \"$0: /lib/libc.so.6: version 'GLIBC_9.9' not found\" >&2\nexit 1\n"
    ),
    "another processor": lambda file: file.write_text("#!/bin/sh\nkill -ILL $$\n"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_an_executable_that_does_not_run_is_an_error_of_the_machine(cmdstan, tmp_path, case):
    file = tmp_path / "broken"
    shutil.copy("/bin/true", file)
    BREAKS[case](file)
    with pytest.raises(MachineError, match="cannot be run here") as refused:
        cmdstan.load(Program("p.stan", ".", str(file)))
    assert f"\nrm {file}\n" in str(refused.value)


def test_a_missing_library_is_named(cmdstan, moved):
    with pytest.raises(MachineError, match=r"shared libraries: libtbb\S*: cannot open"):
        cmdstan.load(Program("p.stan", ".", str(moved)))


def test_an_executable_of_another_version_is_refused(cmdstan, prophet_executable):
    program = Program("p.stan", ".", str(prophet_executable), "2.36.0")
    with pytest.raises(MachineError, match=r"is of CmdStan 2\.37\.0, must be of 2\.36\.0"):
        cmdstan.load(program)


def test_a_version_without_an_algorithm_is_an_error_of_the_engine(cmdstan, cmdstan_files, data):
    older = cmdstan_files / "glm_v_continuous.exe"
    with pytest.raises(EngineError, match=r'pathfinder is not a valid value for "method"'):
        run(cmdstan, older, data, "pathfinder")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 kB for temporary files."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs leave to mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("algorithm", ["sample", "laplace", "pathfinder"])
def test_a_full_disk_while_cmdstan_writes_is_not_a_failed_fit(
    cmdstan, prophet_executable, data, algorithm, small_disk, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    settings = replace(SETTINGS, draws=1000)
    with pytest.raises(OSError, match="No space left") as refused:
        run(cmdstan, prophet_executable, data, algorithm, 1000, settings)
    assert refused.value.errno == errno.ENOSPC


def test_a_limit_on_file_sizes_is_not_a_failed_fit(cmdstan, wrapped, data):
    with pytest.raises(MachineError, match="a file may not become so large"):
        run(cmdstan, wrapped("kill -XFSZ $$"), data, "sample")


LONG = """
import sys
from recovery.common.worker import Child
from recovery.engines import find, protocol
cmdstan = find("cmdstan")
def fit(data):
    loaded = cmdstan.load(protocol.Program("p.stan", ".", sys.argv[1]))
    cmdstan.sample(loaded, data, 1, protocol.Settings(2, 10, 10_000_000, 0.8, 10))
with Child(fit, 60) as child:
    child.call(cmdstan_data)
"""


def running(executable):
    """Pids of the processes that run an executable."""
    listed = psutil.process_iter(["cmdline"])
    return [each.pid for each in listed if (each.info["cmdline"] or [""])[0] == str(executable)]


def until(condition):
    """Whether a condition becomes true within some seconds."""
    for _ in range(500):
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_cmdstan_ends_when_its_job_is_killed(prophet_executable, data, tmp_path):
    copy = shutil.copytree(prophet_executable.parents[1], tmp_path / "prophet")
    shutil.copytree(prophet_executable.parents[2] / "prophet.libs", tmp_path / "prophet.libs")
    copied = copy / "stan_model/prophet_model.bin"
    plain = {name: np.asarray(value).tolist() for name, value in data.items()}
    code = LONG.replace("cmdstan_data", repr(plain))
    scripts = {"PYTHONPATH": str(STAN.parent / "workflow/scripts"), "TMPDIR": str(tmp_path)}
    scripts[worker.START_METHOD] = "fork"
    job = subprocess.Popen([sys.executable, "-c", code, copied], env=os.environ | scripts)
    try:
        assert until(lambda: running(copied))
    finally:
        job.kill()
        job.wait()
    assert until(lambda: not running(copied))


def test_a_cmdstan_process_that_cannot_start_is_not_a_failed_fit(
    cmdstan, prophet_executable, data, monkeypatch
):
    loaded = cmdstan.load(Program("prophet.stan", ".", str(prophet_executable)))

    def run(*_, **__):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(processes.subprocess, "run", run)
    with pytest.raises(MachineError, match="no process can be started: Cannot allocate memory"):
        cmdstan.sample(loaded, data, 1, SETTINGS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a,b\n1,2\n3,4", "CmdStan wrote 1 of 2 draws"),
        (b"a,b\n1,2\n3,4\n5,6\n", "CmdStan wrote 3 of 2 draws"),
        (b"a,b\n1,2\n3\n", "CmdStan wrote 1 of 2 columns of draw 2"),
        (b"a,b\n1,2,3\n4,5,6\n", "CmdStan wrote 3 of 2 columns of draw 1"),
        (b"a,b\n1,2\n3,\n", "CmdStan wrote draws that are no numbers: "),
        (b"a,b\n1,2\n\xff,3\n", "CmdStan wrote draws that are no numbers: "),
        (b"", "CmdStan wrote 0 of 2 draws"),
    ],
)
def test_the_error_of_an_incomplete_file_says_what_is_missing(tmp_path, text, said):
    file = tmp_path / "a.csv"
    file.write_bytes(text)
    with pytest.raises(ValueError, match=f"^{said}") as refused:
        processes.read_csv(file, 2)
    assert "usecols" not in str(refused.value)


def test_names_of_columns_become_stans():
    names = ["lp__", "a", "b.1", "c.2.3", "t:1", "t:2.4", "u.1:2"]
    expected = ["lp__", "a", "b[1]", "c[2,3]", "t.1", "t.2[4]", "u[1].2"]
    assert [processes._in_brackets(name) for name in names] == expected
