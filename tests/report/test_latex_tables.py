"""The tables for a paper, compiled by pdflatex: every number and letter, within the text width."""

import re
import unicodedata

import pandas as pd
import pytest
from conftest import LINEAR, make_study
from typeset import typeset

from recovery import tables
from recovery.report import latex_tables, latex_text
from recovery.report.sections import results_section
from recovery.tables.summary_schemas import SUMMARIES

MEASURES = ("bias", "rmse", "coverage")
NUMBER = r"−?[\d.,]+(?:e[−+]\d+)?"
CELL = re.compile(
    rf"({NUMBER}) \(({NUMBER})\) ({NUMBER}) \(({NUMBER})\) ({NUMBER}) "
    rf"({NUMBER}) % \(({NUMBER}) % to ({NUMBER}) %\) ({NUMBER})"
)


def performance(folder, study, rng, scale=1.0) -> pd.DataFrame:
    """Return a table of measures as in the summary of a study; half of the biases are negative."""
    rows = []
    for model in study.models:
        for prior in study.priors:
            for parameter in LINEAR.MODELS[model].scored:
                key = {"scenario": "moderate-4x3", "truth": "moderate", "participants": 4}
                key |= {"observations": 3, "model": model, "prior": prior, "parameter": parameter}
                coverage = rng.integers(1, 40) / 40
                values = {"bias": scale * rng.normal(), "rmse": scale * rng.exponential()}
                bounds = {"coverage_lower_bound": 0.9 * coverage, "coverage_upper_bound": coverage}
                for measure, value in (values | {"coverage": coverage} | bounds).items():
                    mcse = scale * rng.uniform(0.001, 0.1)
                    row = {"measure": measure, "value": value, "mcse": mcse, "subset": "all"}
                    row |= {"n_replicates": 40 - 3 * (measure == "coverage")}
                    if measure.startswith("coverage"):
                        row |= {"level": 0.89, "lower": coverage / 2, "upper": coverage / 2 + 0.5}
                    rows.append(key | row)
    schema = SUMMARIES["performance"]
    tables.write(tables.from_rows(rows, schema), folder / "p.parquet", schema, "identity")
    return tables.read_frame([folder / "p.parquet"])


def cell_rows(study, table: pd.DataFrame) -> list[dict]:
    fits = table[["scenario", "model", "prior"]].drop_duplicates().assign(n_failed=0)
    return results_section.cells(study, LINEAR, table, fits)


def factors(*names) -> list[dict]:
    return [{"name": name, "label": name.capitalize()} for name in names]


def written(folder, cells, names, model_rows=(), comparison=(), priors=()):
    """Write all tables and return their folder."""
    files = {name: folder / f"{name}.tex" for name in latex_tables.TABLES}
    latex_tables.write(files, model_rows, cells, factors(*names), comparison, priors)
    return folder


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def rounding(text: str) -> float:
    """Return the largest rounding error of a number as it is printed."""
    _, _, decimals = text.partition("e")[0].partition(".")
    power = int(text.partition("e")[2].replace("−", "-") or 0)
    return 0.501 * 10.0 ** (power - len(decimals))


@pytest.mark.parametrize("scale", [1, 1e-3, 1e4, 1e12])
def test_every_number_equals_that_of_the_parquet_table(tmp_path, rng, scale):
    study = make_study(("intervals", [0.89]), ("models", ["pooled", "centered", "noncentered"]))
    table = performance(tmp_path, study, rng, scale)
    assert (table.loc[table["measure"] == "bias", "value"] < 0).any()
    cells = cell_rows(study, table)
    printed = CELL.findall(typeset(written(tmp_path, cells, ["model"]) / "cells.tex").text)
    assert len(printed) == len(cells) == (table["measure"] == "bias").sum()
    by_measure = {name: table[table["measure"] == name].reset_index() for name in MEASURES}
    for i, row in enumerate(printed):
        measures = {name: each.loc[i] for name, each in by_measure.items()}
        expected = [measures[name][key] for name in ("bias", "rmse") for key in ("value", "mcse")]
        expected += [measures["bias"]["n_replicates"]]
        expected += [100 * measures["coverage"][key] for key in ("value", "lower", "upper")]
        expected += [measures["coverage"]["n_replicates"]]
        for text, value in zip(row, expected, strict=True):
            assert number(text) == pytest.approx(value, abs=rounding(text))


TEXTS = {
    "ASCII": "".join(map(chr, range(32, 127))),
    "Latin": "".join(map(chr, [*range(0xA0, 0x180)])),
    "Greek": "".join(map(chr, range(0x391, 0x3CA))).replace("\u03a2", ""),
    "signs": "−±×÷·°µ≤≥≠≈∞→←–—‘’“”…½¼²₁⁰ﬁ℃№™®§",
    "others": "Привет 漢字 かな שלום مرحبا ภาษา \u0301 \u200b\u202e\ufeff 😀\u200d 𝛼 \U0010ffff",
    "ligatures": "fi fl ff ffi -- --- ?` !` `` '' ,, << >>",
    "LaTeX": r"\input{/etc/passwd} \end{longtable} $x$ % & # [2ex] \\[1ex] * ^^M ~ {",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_of_any_kind_compiles_in_any_column(tmp_path, text):
    rows = [{text: text, "Given": "[" + text, "Fits": "1"}, {text: "*", "Given": "b", "Fits": "2"}]
    (tmp_path / "a.tex").write_text(latex_tables.in_latex(rows, 2), encoding="utf-8")
    typeset(tmp_path / "a.tex")


PRINTED = {  # the characters that pdftotext returns for these
    "'": "’",
    "`": "‘",
    '"': "”",
    "~": "˜",
    "^": "ˆ",
}


def test_every_ascii_character_is_printed_as_itself(tmp_path):
    words = [f"a{c}b{c}{c}d" for c in TEXTS["ASCII"] if c not in " _"]  # a rule, not a letter
    rows = [{"Name": word, "Fits": "1"} for word in words]
    (tmp_path / "a.tex").write_text(latex_tables.in_latex(rows, 1), encoding="utf-8")
    text = typeset(tmp_path / "a.tex").text
    for word in words:
        expected = "".join(PRINTED.get(c, c) for c in word)
        assert f" {expected} 1 " in text or f" {expected.replace('|', '∣')} 1 " in text, word


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("naïve Ångström, Čapek, ñ", "naïve Ångström, Čapek, ñ"),
        ("λ and Ω, β", "λ and Ω, β"),
        ("α × β ± 0.5", "α × β ± 0.5"),
        ("an emoji 😀", "an emoji U+1F600"),
        ("漢", "U+6F22"),
        ("ąx", "U+0105x"),
        ("x² ½", "x2 1/2"),
    ],
)
def test_a_character_outside_ascii_is_printed_or_given_as_its_code(tmp_path, text, printed):
    rows = [{"Name": text, "Fits": "1"}]
    (tmp_path / "a.tex").write_text(latex_tables.in_latex(rows, 1), encoding="utf-8")
    text = unicodedata.normalize("NFKC", typeset(tmp_path / "a.tex").text)
    assert f"{printed} 1" in text.replace("ı\u0308", "ï")


def test_every_character_becomes_ascii():
    """Check all characters below U+D800 and every seventh from U+E000 on."""
    for code in [*range(0xD800), *range(0xE000, 0x11000, 7)]:
        character = chr(code)
        tex = latex_text.escaped(character)
        assert tex.isascii(), character
        assert tex.isprintable(), character
        assert latex_text.width(character) > 0


NAMES = ("truth", "participants", "observations", "model", "prior", "parameter")


def of_names(row: dict, name: str, number: int) -> dict:
    names = dict.fromkeys(("truth", "model", "prior", "parameter"), f"{name}{number}")
    return row | names | {"participants": 1000, "observations": 1000}


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("m", 1),
        ("m" * 59, 1),
        ("W" * 59, 1e-9),
        ("7" * 59, 1),
        ("a_b_" * 14, 1e8),
        ("a b " * 14, 1),
        ("a-b/" * 14, 1),
        ("\u00e9😀" * 14, 1),
    ],
)
def test_tables_of_long_names_and_numbers_stay_within_the_text(tmp_path, rng, name, scale):
    study = make_study(("intervals", [0.89]))
    table = performance(tmp_path, study, rng, scale)
    cells = [of_names(row, name, 1) for row in cell_rows(study, table)]
    model_row = {
        "model": name,
        "prior": name,
        "fits": 123456789,
        "failed": 123456,
        "converged": 0.5,
    }
    model_row |= {"coverage": 0.9999, "intervals": 123456789, "seconds": 123456.7}
    clearest = {"n_clear": 1234, "n": 5678, "value": -scale, "mcse": scale / 1e4}
    clearest |= {"parameter": "r_participant[12,x]", "scenario": f"{name}-1000x1000"}
    clearest |= {"n_pairs": 12345, "interval": None}
    pair = {"first": name, "second": name, "given": name, "rmse": clearest, "coverage": None}
    shares = clearest | {"value": -0.05, "interval": (-0.15, 0.05)}
    prior = {"Parameters": f"sd_participant__{name}", "weak": "half-Student-t(3, -1e-05, 2.5)"}
    priors = [prior | {name: "uniform(-1.23457e+08, 123456) above 0"}]
    pairs = [pair, pair | {"coverage": shares}]
    folder = written(tmp_path, cells, NAMES, [model_row], pairs, priors)
    for size in ("10pt", "11pt", "12pt"):
        typeset(*(folder / f"{table}.tex" for table in latex_tables.TABLES), size=size)


def test_a_constant_difference_of_coverages_has_an_interval_and_its_pairs(tmp_path):
    difference = {"n_clear": 0, "n": 3, "value": 0.0, "mcse": 0.0, "interval": (-0.161, 0.161)}
    difference |= {"parameter": "sigma", "scenario": "moderate-6x3", "n_pairs": 20}
    pair = {"first": "a", "second": "b", "given": "weak", "rmse": None, "coverage": difference}
    model_row = {"model": "a", "prior": "weak", "fits": 40, "failed": 0, "converged": 0.5}
    model_row |= {"coverage": 0.9, "intervals": 29, "seconds": 1.0}
    folder = written(tmp_path, [], NAMES, [model_row], [pair])
    assert (
        "0.00 (−0.16 to 0.16; 20; sigma, moderate-6x3)" in typeset(folder / "comparison.tex").text
    )
    assert "90 % 29" in typeset(folder / "models.tex").text


def test_a_table_of_700_cells_continues_from_page_to_page(tmp_path, rng):
    study = make_study(("intervals", [0.89]))
    row = cell_rows(study, performance(tmp_path, study, rng))[0]
    cells = [of_names(row, "model", number) for number in range(700)]
    page = typeset(written(tmp_path, cells, NAMES) / "cells.tex")
    text = page.text.replace(" ", "")
    assert page.pages > 10
    assert [number for number in range(700) if f"model{number}" not in text] == []
    assert page.text.count("Model") == page.pages


def test_columns_beyond_the_line_width_go_into_another_table_with_the_same_keys(tmp_path):
    row = {"Model": "centered"} | {f"measure {k}": f"{k}123456789012" for k in range(10, 22)}
    (tmp_path / "a.tex").write_text(latex_tables.in_latex([row], 1), encoding="utf-8")
    text = typeset(tmp_path / "a.tex").text
    assert text.count("centered") == text.count("Model") > 1
    assert [value for value in row.values() if value not in text] == []


def test_tables_without_rows_compile(tmp_path):
    folder = written(tmp_path, [], NAMES)
    page = typeset(*(folder / f"{table}.tex" for table in latex_tables.TABLES))
    assert page.text == "Before. After. 1"
