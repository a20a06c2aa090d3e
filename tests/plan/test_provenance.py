"""The code of a step is its script and what this imports: edited in turn, each module alone."""

import ast
import shutil
import subprocess
import sys
from itertools import chain
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from conftest import ROOT

from recovery import families
from recovery.plan import imported_modules, provenance

SCRIPTS = ROOT / "workflow/scripts"
LINEAR = "families/shipped/multilevel_linear.py"
CLASSICAL = "families/multilevel/classical"
STANLI, CMDSTAN = "engines/stanli.py", "engines/cmdstan/__init__.py"
STEPS = {  # step -> its script, and what it finds by name in a study of multilevel_linear
    "simulate": ("simulate", LINEAR),
    "observe": ("observe", LINEAR),
    "fit": ("fit", LINEAR, STANLI),
    "verify": ("fit", LINEAR, CMDSTAN),
    "approximate": ("approximate", LINEAR, STANLI),
    "estimate": ("estimate", LINEAR, f"{CLASSICAL}/__init__.py"),
    "compile": ("compile", CMDSTAN),
    "check": ("check", LINEAR, STANLI),
    "summarise": ("summarise", LINEAR),
    "large_csv": ("large_csv",),
    "figures": ("figures", LINEAR),
    "report": ("report", LINEAR),
    "outcome": ("outcome", LINEAR),
}
FITS = {"fit", "verify", "approximate", "estimate"}
ENDS = {"summarise", "figures", "report"}
KNOWN = {  # module -> the steps that it is part of
    "fit/posterior.py": {"fit", "verify", "approximate", "check"},
    "fit/loo.py": {"fit", "verify", "approximate"},
    "fit/draws.py": FITS,
    "fit/approximation.py": {"approximate"},
    "fit/estimator.py": {"estimate"},
    "study/methods.py": {"approximate", "check", "outcome", *ENDS},
    f"{CLASSICAL}/__init__.py": {"estimate"},
    f"{CLASSICAL}/mixed.py": {"estimate"},
    f"{CLASSICAL}/deviance.py": {"estimate"},
    STANLI: {"fit", "approximate", "check"},
    CMDSTAN: {"verify", "compile"},
    "fit/datasets.py": {"simulate", "observe", "check", *ENDS},
    LINEAR: set(STEPS) - {"compile", "large_csv"},
    "families/multilevel/layout.py": set(STEPS) - {"compile", "large_csv"},
    "families/correlations.py": set(STEPS) - {"compile", "large_csv"},
    "families/shipped/multilevel_poisson.py": set(),
    "families/shipped/meta_analysis/__init__.py": set(),
    "families/shipped/mediation/path_types.py": set(),
    "families/own/own_family.py": {"check"},
    "families/own/requirements.py": {"check"},
    "run/family_trial.py": {"check"},
    "plan/design.py": {"check", "outcome", *ENDS},
    "study/keys.py": {"check", "outcome", *ENDS},
    "score/planning.py": ENDS,
    "score/summaries.py": ENDS,
    "tables/summary_schemas.py": ENDS,
    "score/measures/performance_measures.py": {"outcome", *ENDS},
    "plan/figure_list.py": {"figures", "report"},
    "figures/style.py": {"figures"},
    "report/latex_tables.py": {"report"},
    "plan/manifest.py": {"report"},
    "run/preflight.py": set(),
    "run/results_lock.py": set(),
    "plan/inputs.py": set(),
    "plan/resources.py": set(),
    "study/schema.py": set(),
    "score/external.py": set(),
    "plan/provenance.py": {"check", "outcome", *ENDS},
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of all scripts and of the library."""
    folder = tmp_path_factory.mktemp("copy") / "scripts"
    return shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def scripts(copy, monkeypatch):
    """The copy, which provenance takes for its own."""
    monkeypatch.setattr(imported_modules, "LIBRARY", copy / "recovery")
    monkeypatch.setattr(provenance, "SCRIPTS", copy)
    yield copy
    provenance.step_code.cache_clear()


def codes(scripts: Path) -> dict[str, str]:
    """The hash of every step's code, as it is now."""
    provenance.step_code.cache_clear()
    return {
        step: provenance.step_code(script, *(scripts / "recovery" / file for file in found))
        for step, (script, *found) in STEPS.items()
    }


def steps_changed_by(file: Path, scripts: Path, before: dict[str, str]) -> set[str]:
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\n# edited\n", encoding="utf-8")
    after = codes(scripts)
    file.write_text(text, encoding="utf-8")
    return {step for step in STEPS if before[step] != after[step]}


def found_by_python(scripts: Path, step: str) -> set[Path]:
    """The files of a step by the standard library's own search, in bytecode."""
    script, *found = STEPS[step]
    finder = ModuleFinder(path=[str(scripts)])
    finder.run_script(str(scripts / f"{script}.py"))
    for file in found:
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        finder.import_hook(f"recovery.{name}")
    return {Path(each.__file__) for each in finder.modules.values() if each.__file__}


def test_an_edit_of_any_module_or_script_changes_the_steps_that_import_it_and_no_others(scripts):
    reached = {step: found_by_python(scripts, step) for step in STEPS}
    before, files = codes(scripts), sorted(scripts.rglob("*.py"))
    assert len(files) > 100
    wrong = {}
    for file in files:
        expected = {step for step in STEPS if file in reached[step]}
        if (changed := steps_changed_by(file, scripts, before)) != expected:
            wrong[file.name] = changed ^ expected
    assert wrong == {}


@pytest.mark.parametrize(("module", "steps"), KNOWN.items())
def test_a_module_is_part_of_the_steps_that_need_it(scripts, module, steps):
    file = scripts / "recovery" / module
    assert steps_changed_by(file, scripts, codes(scripts)) == steps


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_script_is_part_of_its_own_steps(scripts, script):
    own = {step for step, (name, *_) in STEPS.items() if name == script}
    assert own
    assert steps_changed_by(scripts / f"{script}.py", scripts, codes(scripts)) == own


def test_a_researchers_own_family_counts_with_what_makes_it_one(scripts, tmp_path):
    own = tmp_path / "mine.py"
    own.write_text("from recovery.families.correlations import draw_correlation\n")
    roots = (own, scripts / "recovery/families/own/own_family.py")
    files = imported_modules.closure(roots)
    for module in ("own/own_family.py", "own/requirements.py", "correlations.py"):
        assert scripts / "recovery/families" / module in files
    before = provenance.step_code("simulate", *roots)
    moved = own.rename(tmp_path / "moved.py")
    assert provenance.step_code("simulate", moved, roots[1]) == before
    moved.write_text("from recovery.families.correlations import draw_correlation  # edited\n")
    provenance.step_code.cache_clear()
    assert provenance.step_code("simulate", moved, roots[1]) != before


@pytest.mark.parametrize(
    "line",
    [
        "import recovery.common.hashing",
        "import numpy, recovery.common.hashing as spent",
        "from recovery.common import hashing as spent",
        "from recovery.common.hashing import digest",
        "def f():\n    if True:\n        from recovery.common import hashing",
        "try:\n    pass\nexcept ValueError:\n    from recovery.common.hashing import digest",
        "if TYPE_CHECKING:\n    from recovery.common import hashing",
        "match 1:\n    case _:\n        from recovery.common import hashing",
        "class A:\n    async def f(self):\n        from recovery.common import hashing",
    ],
)
def test_an_import_counts_wherever_it_stands(tmp_path, line):
    file = tmp_path / "a.py"
    file.write_text(line)
    assert imported_modules.LIBRARY / "common/hashing.py" in imported_modules.closure([file])


def test_relative_imports_are_found(tmp_path, monkeypatch):
    library = tmp_path / "recovery"
    (library / "part").mkdir(parents=True)
    for name in ("__init__", "a", "b", "part/__init__", "part/c", "part/d"):
        (library / f"{name}.py").touch()
    (library / "part/c.py").write_text("from . import d\nfrom .. import a\nfrom ..b import x\n")
    monkeypatch.setattr(imported_modules, "LIBRARY", library)
    names = {
        str(file.relative_to(library)) for file in imported_modules.closure([library / "part/c.py"])
    }
    assert names == {"__init__.py", "a.py", "b.py", "part/__init__.py", "part/c.py", "part/d.py"}


def test_what_is_imported_by_a_name_made_at_run_time_is_known():
    library = SCRIPTS / "recovery"
    files = {
        str(file.relative_to(library))
        for file in library.rglob("*.py")
        if {"import_module", "__import__", "importlib"} & _called(file)
    }
    assert files == {
        "engines/__init__.py",
        "families/__init__.py",
        "families/multilevel/estimator_packages.py",
    }


def _called(file: Path) -> set[str]:
    calls = (
        node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)
    )
    return {getattr(call, "id", getattr(call, "attr", "")) for call in calls}


LOADING = """
import sys
sys.path.insert(0, {scripts!r})
from recovery import engines, families
{imports}
family = families.find("multilevel_linear")
engines.find("stanli")
for module in list(sys.modules.values()):
    if module.__name__.split(".")[0] == "recovery":
        print(module.__file__)
"""


@pytest.mark.parametrize("step", ["simulate", "fit", "approximate", "estimate"])
def test_python_loads_nothing_that_does_not_count(step):
    tree = ast.parse((SCRIPTS / f"{step}.py").read_text())
    lines = [
        ast.unparse(each) for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)
    ]
    code = LOADING.format(scripts=str(SCRIPTS), imports="\n".join(lines))
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    family = families.find("multilevel_linear")
    found = [*family.FILES, *chain(*family.ESTIMATOR_FILES.values()), SCRIPTS / "recovery" / STANLI]
    counted = imported_modules.closure([SCRIPTS / f"{step}.py", *found])
    assert set(map(Path, loaded.stdout.split())) <= set(counted)
