"""Files that a researcher's own family reads are a part of its identity, like its own file."""

import py_compile
import sys
from functools import partial

import own_families
import pytest
from own_families import tried, tried_in_vain

from recovery import families
from recovery.plan import provenance

pytestmark = pytest.mark.usefixtures("in_the_repository")

BESIDE = "from pathlib import Path\n\nHERE = Path(__file__).parent\n"
READS = {
    "helper.py": BESIDE + "import sys\nsys.path.insert(0, str(HERE))\nimport helper\n",
    "items.csv": BESIDE + 'ITEMS = np.loadtxt(HERE / "items.csv")\n',
    "words.txt": BESIDE + 'WORDS = (HERE / "words.txt").read_text()\n',
    "more.npy": BESIDE + 'with open(HERE / "more.npy", "rb") as file:\n    MORE = file.read()\n',
}


@pytest.fixture
def begin(tmp_path):
    for name in READS:
        (tmp_path / name).write_text("1\n")
    return partial(own_families.begin, tmp_path)


def at_load(code):
    return ("family.py", "import numpy as np\n", f"import numpy as np\n{code}")


def in_simulate(code):
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return ("family.py", "    theta = truth.mu", f"{lines}    theta = truth.mu")


def code_of(raw):
    """The hash of the simulating code, as computed in another process."""
    return provenance.step_code.__wrapped__("simulate", *families.find(raw["family"]).FILES)


@pytest.mark.parametrize("name", READS)
def test_the_identity_includes_the_content_of_files_read_at_load(begin, tmp_path, name):
    raw = begin(at_load(READS[name]))
    before = code_of(raw)
    (tmp_path / name).write_text("2\n")
    edited = code_of(raw)
    (tmp_path / name).write_text("1\n")
    assert before == code_of(raw) != edited


def test_the_identity_includes_a_module_read_from_bytecode(begin, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    raw = begin(at_load(READS["helper.py"]))
    py_compile.compile(tmp_path / "helper.py")
    assert (tmp_path / "helper.py").resolve() in families.find(raw["family"]).FILES


def test_swapping_two_files_changes_the_identity(begin, tmp_path):
    raw = begin(at_load(READS["items.csv"] + READS["words.txt"]))
    (tmp_path / "words.txt").write_text("2\n")
    before = code_of(raw)
    (tmp_path / "items.csv").write_text("2\n")
    (tmp_path / "words.txt").write_text("1\n")
    assert code_of(raw) != before


def test_the_identity_excludes_written_files_and_installed_packages(begin):
    code = (
        BESIDE + 'import tempfile\nimport json\nimport scipy.io\n(HERE / "log").write_text("x")\n'
    )
    code += "tempfile.TemporaryFile().close()\n"
    family = families.find(begin(at_load(code))["family"])
    assert not [file for file in family.FILES if file.name not in ("means.py", "own_family.py")]


@pytest.mark.parametrize("name", READS)
def test_a_function_must_not_open_a_file_that_was_not_read_at_load(begin, tmp_path, name):
    message = tried_in_vain(begin(in_simulate(READS[name])))
    assert f"means.py: simulate: opens {tmp_path / name}, must do so when the file is" in message


def test_a_function_may_reopen_a_file_that_was_read_at_load(begin):
    read = 'np.loadtxt(__file__.replace("means.py", "items.csv"))\n'
    assert tried(begin(at_load(read), in_simulate(read)))
