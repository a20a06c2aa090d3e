"""The documentation: generated tables are complete, links and names exist, wording is plain."""

import importlib.util
import json
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import yaml
from conftest import ROOT

from recovery import families
from recovery.families.designs import Covariate, Factor
from recovery.families.designs.variables import CODINGS
from recovery.families.formulas import coding, read_formula
from recovery.families.formulas.atoms import FUNCTIONS
from recovery.families.priors.distributions import DISTRIBUTIONS
from recovery.score.measures.performance_measures import ESTIMATE_MEASURES, INTERVAL_MEASURES
from recovery.tables.summary_schemas import SUMMARIES

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READMES = [ROOT / name for name in ("README.md", "config/README.md", "results/README.md")]
TEXTS = [*PAGES, *READMES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
SCHEMA = json.loads((ROOT / "workflow/schemas/study.schema.json").read_text())
PARTS = ("Sampler", "Rescue", "Convergence", "Precision", "PlanningTarget", "Verify", "Selection")
DECISIONS = ("Excludes", "Equivalence", "OneSided", "Evidence")  # examples in the short reference
LIBRARY = ROOT / "workflow/scripts/recovery"
# Wording that was hard to read.
RIDDLES = (
    "theirs",
    "everybody",
    "answers for",
    "stands twice",
    "no name for one",
    "is whole",
    "for independent",
    "wishes",
    "there to be had",
)


def relative(file) -> str:
    return str(file.relative_to(ROOT))


@pytest.fixture(scope="module")
def hook():
    """The MkDocs hook, imported as MkDocs does."""
    name = "generated_tables"
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Generated tables


def test_the_page_of_keys_has_every_key_of_a_study(hook):
    page = hook.on_page_markdown((DOCS / "reference/keys.md").read_text())
    for name in SCHEMA["properties"]:
        assert f"\n| `{name}` |" in page, name
    for part in (*PARTS, *DECISIONS):
        assert f"<!-- generated: keys {part} -->" in (DOCS / "reference/keys.md").read_text()
        for name in SCHEMA["$defs"][part]["properties"]:
            assert f"\n| `{name}` |" in page, (part, name)


def test_a_generated_key_has_its_type_and_its_default(hook):
    rows = hook.keys("Sampler").splitlines()
    assert "| `chains` | integer, at least 2, at most 100 | `4` | " in rows[2]
    (intervals,) = (row for row in hook.keys("Study").splitlines() if "`intervals`" in row)
    assert "| list of: number, above 0, below 1, " in intervals
    assert "| `[0.5, 0.89, 0.95]` |" in intervals


def test_the_page_of_tables_has_every_table(hook):
    text = (DOCS / "reference/tables.md").read_text()
    for name in SUMMARIES:
        kind = "summary" if name in hook.BATCH_TABLES else "table"
        assert f"<!-- generated: {kind} {name} -->" in text
    for name in hook.BATCH_TABLES:
        assert f"<!-- generated: table {name} -->" in text


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_generated_table_has_every_column(hook, name):
    rows = hook.summary(name).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == SUMMARIES[name].names


def test_bars_in_code_are_shown_without_backslashes(site):
    page = (site / "reference/formulas.html").read_text()
    assert "<td><code>(x || participant)</code></td>" in page
    assert r"\|" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_no_marker_is_left(hook):
    for page in PAGES:
        assert "generated:" not in hook.on_page_markdown(page.read_text()), relative(page)


def test_a_wrong_marker_is_an_error(hook):
    with pytest.raises(KeyError):
        hook.on_page_markdown("<!-- generated: table nothing -->")


# What is written by hand


def test_the_short_reference_has_every_key_with_its_default():
    text = (ROOT / "config/README.md").read_text()
    assert len(text.splitlines()) < 200
    for part in ("Study", *PARTS):
        if part == "Rescue":  # a sentence
            continue
        keys = SCHEMA if part == "Study" else SCHEMA["$defs"][part]
        section = text if part == "Study" else text.partition(f"### `{heading(part)}`")[2]
        for name, key in keys["properties"].items():
            (row, *_) = re.findall(rf"^\| `{name}` \|.*$", section, re.MULTILINE) or [""]
            assert row, (part, name)
            default = key.get("default")
            if isinstance(default, bool | int | float):
                said = json.dumps(default).removesuffix(".0")
                assert f"| {said} |" in row, row
            if name in keys.get("required", ()):
                assert "required" in row, row


def heading(part: str) -> str:
    return "planning" if part == "PlanningTarget" else part.lower()


def test_every_family_has_a_place_in_the_reference():
    index = (DOCS / "reference/families/index.md").read_text()
    for name in families.SHIPPED:
        assert f"[`{name}`](" in index
        assert f"`{name}`" in (ROOT / "config/README.md").read_text()


@pytest.mark.parametrize("name", families.SHIPPED)
def test_the_reference_of_a_family_has_its_models_and_its_hyperparameters(name):
    index = (DOCS / "reference/families/index.md").read_text()
    page = re.search(rf"\[`{name}`\]\(([\w.-]+)", index)[1]
    text = (DOCS / "reference/families" / page).read_text()
    if page == "outcomes.md":
        assert f"\n## `{name}`\n" in text
        text += (DOCS / "reference/families/regressions.md").read_text()
    family = families.find(choice_of(name))
    for word in (*family.MODELS, *family.Prior.model_fields):
        assert f"`{word}`" in text, word
    for word in family.ESTIMATORS:
        assert f"`{word}`" in (DOCS / "reference/estimators.md").read_text(), word


def choice_of(name: str):
    """A family with its default formula, or with the number of trials that it needs besides."""
    if name != "multilevel_binomial":
        return name
    return {"name": name, "formula": "y | trials(10) ~ x + (x | participant)"}


def test_the_reference_of_formulas_has_every_function():
    text = (DOCS / "reference/formulas.md").read_text()
    for function in FUNCTIONS:
        assert f"`{function}(" in text, function


def test_the_reference_of_codings_has_their_numbers():
    text = (DOCS / "reference/formulas.md").read_text()
    for name in CODINGS:
        row = re.search(rf"^\| `{name}`.*$", text, re.MULTILINE)[0].split(" | ")
        for levels, cell in ((["a", "b"], row[1]), (["a", "b", "c"], row[2])):
            said = [[float(Fraction(each)) for each in part.split()] for part in cell.split("; ")]
            assert np.allclose(said, coding(levels, name).matrix, atol=5e-4), (name, levels)


def test_the_reference_of_designs_has_every_key():
    text = (DOCS / "reference/designs.md").read_text()
    for key in (*Factor.model_fields, *Covariate.model_fields, "missing", "in", "each"):
        assert re.search(rf"`{key}[`:]|[{{ ]{key}: ", text), key


def test_the_reference_of_priors_has_every_distribution_with_its_arguments():
    text = (DOCS / "reference/priors.md").read_text()
    for name, kind in DISTRIBUTIONS.items():
        arguments = ", ".join(kind.ARGUMENTS)
        assert f"\n| `{name}{f'({arguments})' if arguments else ''}` |" in text, name


def test_priors_on_their_page_are_read():
    choice = {
        "name": "multilevel_linear",
        "formula": "rt ~ condition + (condition | participant) + (1 | item)",
        "design": {"condition": {"levels": ["easy", "hard"]}},
        "sizes": {"item": [8]},
    }
    text = (DOCS / "reference/priors.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    for block in blocks:
        for name, prior in yaml.safe_load(block)["priors"].items():
            assert families.find(choice).Prior(**prior), name


@pytest.mark.parametrize("file", [*PAGES, *READMES], ids=relative)
def test_formulas_in_the_documentation_are_read(file):
    for formula in re.findall(r"^ *formula: ([^#\n]+)", file.read_text(), re.MULTILINE):
        read_formula(formula.strip())


def test_every_measure_has_its_formula():
    text = (DOCS / "reference/measures.md").read_text()
    for name in (*ESTIMATE_MEASURES, *INTERVAL_MEASURES, "relative_precision"):
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("file", TEXTS, ids=relative)
def test_links_lead_to_files(file):
    text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith("http"):
            assert (file.parent / target).exists(), target


def test_the_navigation_has_every_page():
    text = (ROOT / "mkdocs.yml").read_text()
    listed = set(re.findall(r"[\w/-]+\.md\b", text))
    assert listed == {str(page.relative_to(DOCS)) for page in PAGES}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


@pytest.mark.parametrize("file", TEXTS, ids=relative)
def test_the_wording_is_plain(file):
    text = " ".join(file.read_text().lower().split())
    assert [words for words in RIDDLES if words in text] == []


def test_the_guide_for_contributors_names_files_that_exist():
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", GUIDE)
    assert len(named) > 40
    for name in named:
        if not re.search(r"NAME|KIND|MODEL|\.\.\.", name) and name != "site/":
            places = (ROOT / name, LIBRARY / name)
            assert any(place.exists() for place in places), name


def test_the_guide_for_contributors_names_functions_and_classes_that_exist():
    names = re.findall(r"`(_?[A-Za-z]+_[A-Za-z_]+|[A-Z][A-Za-z]+|[A-Z]{3,})`", GUIDE)
    assert len(names) > 10
    sources = [*ROOT.glob("workflow/**/*.py"), *ROOT.glob("tests/**/*.py")]
    code = "\n".join(file.read_text() for file in sources)
    templates = {"NAME", "MODEL", "KIND", "ARGS"}
    missing = {name for name in names if not re.search(rf"\b{name}\b", code)}
    assert not missing - templates


def test_the_commands_of_make_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w./-]+):(?!=)", makefile, re.MULTILINE))
    for file in TEXTS:
        for target in re.findall(r"\bmake ([a-z][\w-]*|\.venv/\w+)(?=[`\s])", code_of(file)):
            assert target in targets, (relative(file), target)


def code_of(file) -> str:
    """What a page has between backquotes: in its lines, and as blocks."""
    text = file.read_text()
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *(f"{words}`" for words in re.findall(r"`([^`\n]+)`", text))])


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_is_built_without_warnings(site):
    for page in PAGES:
        assert (site / page.relative_to(DOCS).with_suffix(".html")).exists()
    assert not list(site.rglob("*.py"))


def test_the_site_loads_nothing_from_the_network(site):
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
    for page in site.rglob("*.html"):
        found = [tag for tag in loaded.findall(page.read_text()) if 'rel="canonical"' not in tag]
        assert found == [], page.name


def test_the_configuration_of_the_site_is_offline():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert config["theme"]["font"] is False
    assert config["plugins"] == ["search"]
    assert "extra_javascript" not in config
