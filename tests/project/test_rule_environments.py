"""The conda environments of rules hold what their scripts import, and no test tools."""

import ast
import re
import sys
from itertools import chain

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from recovery import families
from recovery.plan.imported_modules import LIBRARY, closure

SCRIPTS = LIBRARY.parent
ENGINES = [LIBRARY / "engines/stanli.py", LIBRARY / "engines/cmdstan/__init__.py"]
# Distribution -> the module that it brings, where the names differ.
MODULES = {"pyyaml": "yaml", "ruamel-yaml": "ruamel"}
BESIDE = {"python", "pip", "make", "cxx-compiler", "cmdstan"}  # no modules of Python
FORMULAS = {"multilevel_binomial": {"formula": "y | trials(10) ~ x"}}  # not the default one
DEVELOPERS = {"pytest", "pytest-xdist", "hypothesis", "ruff", "snakefmt", "mypy", "mkdocs-material"}


def rules() -> dict[str, tuple[str, str]]:
    """Rule -> its script and its environment."""
    found = {}
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for name, body in re.findall(
            r"^rule (\w+):\n(.*?)(?=^(?:rule|use) |\Z)", file.read_text(), re.MULTILINE | re.DOTALL
        ):
            script = re.search(r'"\.\./scripts/(\w+)\.py"', body)
            environment = re.search(r'"\.\./envs/(\w+)\.yaml"', body)
            assert script, name
            assert environment, name
            found[name] = script[1], environment[1]
    return found


def requirements(environment: str) -> dict[str, Requirement]:
    content = yaml.safe_load((ROOT / f"workflow/envs/{environment}.yaml").read_text())
    lines = []
    for entry in content["dependencies"]:
        lines += entry["pip"] if isinstance(entry, dict) else [entry]
    return {canonicalize_name(each.name): each for each in map(Requirement, lines)}


def imported(script: str) -> set[str]:
    """The packages of others that a script imports, however far down."""
    shipped = [families.find({"name": name, **FORMULAS.get(name, {})}) for name in families.SHIPPED]
    found = [file for family in shipped for file in family.FILES]
    if script == "estimate":
        files = chain(*(chain(*family.ESTIMATOR_FILES.values()) for family in shipped))
        found += [file for file in files if file.suffix == ".py"]
    engines = ENGINES if script in ("fit", "approximate", "check", "compile") else []
    names = set()
    for file in closure([SCRIPTS / f"{script}.py", *found, *engines]):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"recovery"}


@pytest.mark.parametrize("rule", rules())
def test_an_environment_has_what_the_script_of_its_rule_imports(rule):
    script, environment = rules()[rule]
    brought = {MODULES.get(name, name.replace("-", "_")) for name in requirements(environment)}
    brought |= {"pydantic_core"} if "pydantic" in brought else set()  # which pydantic pins
    assert imported(script) - brought == set()


@pytest.mark.parametrize("environment", sorted({each for _, each in rules().values()}))
def test_an_environment_asks_for_the_versions_that_everything_else_does(environment):
    lines = [line.partition("#")[0] for line in (ROOT / "requirements.in").read_text().splitlines()]
    wanted = {canonicalize_name(r.name): r for r in map(Requirement, filter(str.strip, lines))}
    for name, requirement in requirements(environment).items():
        assert name not in DEVELOPERS
        if name not in BESIDE:
            assert requirement.specifier == wanted[name].specifier, name


def test_every_environment_belongs_to_a_rule():
    files = {file.stem for file in (ROOT / "workflow/envs").glob("*.yaml")}
    assert files == {environment for _, environment in rules().values()}
