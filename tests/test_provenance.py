"""The code of a step is its script and what this imports: edited in turn, each module alone."""

import ast
import shutil
import subprocess
import sys
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from conftest import ROOT

from recovery import families, imports, provenance

SCRIPTS = ROOT / "workflow/scripts"
LINEAR = "families/multilevel_linear.py"
CLASSICAL = "families/multilevel/classical"
STANLI, CMDSTAN = "engines/stanli.py", "engines/cmdstan.py"
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
    "figures": ("figures", LINEAR),
    "report": ("report", LINEAR),
    "outcome": ("outcome", LINEAR),
}
FITS = {"fit", "verify", "approximate", "estimate"}
ENDS = {"summarise", "figures", "report"}
KNOWN = {  # module -> the steps that it is part of
    "posterior.py": {*FITS, "check"},
    "loo.py": FITS,
    "draws.py": {"fit", "verify"},
    "approximating.py": {"approximate"},
    "approximations.py": {"approximate", "check", "outcome", *ENDS},
    "estimating.py": {"estimate"},
    "estimators.py": {"check", "outcome", *ENDS},
    f"{CLASSICAL}/__init__.py": {"estimate"},
    f"{CLASSICAL}/mixed.py": {"estimate"},
    f"{CLASSICAL}/deviance.py": {"estimate"},
    STANLI: {"fit", "approximate", "check"},
    CMDSTAN: {"verify", "compile"},
    "datasets.py": {"simulate", "observe", "check", *ENDS},
    LINEAR: set(STEPS) - {"compile"},
    "families/multilevel/layout.py": set(STEPS) - {"compile"},
    "families/lkj.py": set(STEPS) - {"compile"},
    "families/multilevel_poisson.py": set(),
    "families/meta_analysis.py": set(),
    "families/mediation/values.py": set(),
    "families/own.py": set(),
    "families/demands.py": {"check"},
    "trial.py": {"check"},
    "design.py": {"check", "outcome", *ENDS},
    "study.py": {"check", "outcome", *ENDS},
    "planning.py": ENDS,
    "summaries.py": ENDS,
    "tables/summaries.py": ENDS,
    "measures/single.py": {"outcome", *ENDS},
    "gallery.py": {"figures", "report"},
    "figures/style.py": {"figures"},
    "report/latex.py": {"report"},
    "manifest.py": {"report"},
    "checks.py": set(),
    "folder.py": set(),
    "needs.py": set(),
    "resources.py": set(),
    "schema.py": set(),
    "score.py": set(),
    "provenance.py": set(),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of all scripts and of the library."""
    folder = tmp_path_factory.mktemp("copy") / "scripts"
    return shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def scripts(copy, monkeypatch):
    """The copy, which provenance takes for its own."""
    monkeypatch.setattr(imports, "LIBRARY", copy / "recovery")
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
    own.write_text("from recovery.families.lkj import draw_correlation\n")
    roots = (own, scripts / "recovery/families/own.py")
    files = imports.closure(roots)
    for module in ("own.py", "demands.py", "lkj.py"):
        assert scripts / "recovery/families" / module in files
    before = provenance.step_code("simulate", *roots)
    moved = own.rename(tmp_path / "moved.py")
    assert provenance.step_code("simulate", moved, roots[1]) == before
    moved.write_text("from recovery.families.lkj import draw_correlation  # edited\n")
    provenance.step_code.cache_clear()
    assert provenance.step_code("simulate", moved, roots[1]) != before


@pytest.mark.parametrize(
    "line",
    [
        "import recovery.costs",
        "import numpy, recovery.costs as spent",
        "from recovery import costs as spent",
        "from recovery.costs import used",
        "def f():\n    if True:\n        from recovery import costs",
        "try:\n    pass\nexcept ValueError:\n    from recovery.costs import used",
        "if TYPE_CHECKING:\n    from recovery import costs",
        "match 1:\n    case _:\n        from recovery import costs",
        "class A:\n    async def f(self):\n        from recovery import costs",
    ],
)
def test_an_import_counts_wherever_it_stands(tmp_path, line):
    file = tmp_path / "a.py"
    file.write_text(line)
    assert imports.LIBRARY / "costs.py" in imports.closure([file])


def test_relative_imports_are_found(tmp_path, monkeypatch):
    library = tmp_path / "recovery"
    (library / "part").mkdir(parents=True)
    for name in ("__init__", "a", "b", "part/__init__", "part/c", "part/d"):
        (library / f"{name}.py").touch()
    (library / "part/c.py").write_text("from . import d\nfrom .. import a\nfrom ..b import x\n")
    monkeypatch.setattr(imports, "LIBRARY", library)
    names = {str(file.relative_to(library)) for file in imports.closure([library / "part/c.py"])}
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
        "families/multilevel/regression.py",
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
    found = [*family.FILES, *family.ESTIMATING, SCRIPTS / "recovery" / STANLI]
    counted = imports.closure([SCRIPTS / f"{step}.py", *found])
    assert set(map(Path, loaded.stdout.split())) <= set(counted)
