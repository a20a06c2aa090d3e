"""Tables of estimates made elsewhere are scored, or refused with a message."""

import csv
import gzip
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from recovery.score import external
from recovery.score.__main__ import main


@pytest.fixture
def table(rng) -> pd.DataFrame:
    mean = rng.normal(0.1, 1, size=40)
    rows = {"scenario": "s", "model": "m", "prior": "p", "replicate": np.arange(40)}
    rows |= {"parameter": "b", "truth": 0.0, "mean": mean, "sd": 1.0}
    return pd.DataFrame(rows | {"q2_5": mean - 1.96, "q97_5": mean + 1.96})


def value(result, measure) -> float:
    return result.set_index("measure").loc[measure, "value"]


def as_tsv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, sep="\t", quoting=csv.QUOTE_NONNUMERIC)


WRITTEN = {
    "CSV": lambda table: table.to_csv(index=False).encode(),
    "CSV of a spreadsheet": lambda table: table.to_csv(index=False).encode("utf-8-sig"),
    "TSV": lambda table: as_tsv(table).encode(),
    "CSV in gzip": lambda table: gzip.compress(table.to_csv(index=False).encode()),
    "TSV in gzip": lambda table: gzip.compress(as_tsv(table).encode()),
    "Parquet": lambda table: table.to_parquet(),
    "Parquet of categories": lambda table: table.astype({"model": "category"}).to_parquet(),
    "Parquet with an index": lambda table: table.set_index(["model", "replicate"]).to_parquet(),
    "Parquet of some rows": lambda table: pd.concat([table[20:], table[:20]]).to_parquet(),
    "Parquet of nullable types": lambda table: table.convert_dtypes().to_parquet(),
    "Parquet of other types": lambda table: table.astype(
        {"replicate": float, "truth": "int8", "sd": "float32"}
    ).to_parquet(),
    "lines of Windows": lambda table: table.to_csv(index=False, lineterminator="\r\n").encode(),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_all_formats_give_the_same_scores_whatever_the_file_is_called(table, kind, tmp_path):
    file = tmp_path / "made.dat"
    file.write_bytes(WRITTEN[kind](table))
    result = external.score(file, [0.95])
    assert value(result, "bias") == pytest.approx(table["mean"].mean())
    assert value(result, "coverage") == np.mean(table["mean"].abs() <= 1.96)


def test_the_documented_command_prints_csv(table, tmp_path):
    table.to_csv(tmp_path / "made.csv", index=False)
    command = [
        sys.executable,
        "-m",
        "recovery.score",
        tmp_path / "made.csv",
        "--levels",
        "0.95",
    ]
    done = subprocess.run(
        command, cwd=ROOT / "workflow/scripts", capture_output=True, text=True, check=True
    )
    header = done.stdout.partition("\n")[0]
    assert header.startswith("scenario,model,prior,parameter,subset,measure,level,point,interval")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns=["truth", "q2_5"]), "lacks the columns truth, q2_5"),
        (lambda t: t.assign(sd="much"), "column sd must hold a finite number"),
        (lambda t: t.assign(mean="1,5"), "column mean must hold a finite number or NA"),
        (lambda t: t.assign(q2_5=t["q2_5"] < 9), "column q2_5 must hold a finite number or NA"),
        (lambda t: t.assign(truth=np.nan), "column truth must hold a finite number in every row"),
        (lambda t: t.assign(replicate=t["replicate"].where(t.index > 3)), "row 1 has none"),
        (lambda t: t.assign(mean=np.inf), "column mean must hold a finite number"),
        (lambda t: t.assign(sd=-1.0), "column sd must not be negative"),
        (lambda t: t.assign(q2_5=t["q97_5"] + 1), "column q2_5 must not be above q97_5"),
        (lambda t: t.assign(parameter=""), "column parameter must have a value in every row"),
        (lambda t: t.iloc[:0], "has no rows"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "two rows for one cell, replicate and parameter"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused(table, spoil, message, tmp_path):
    spoil(table).to_csv(tmp_path / "made.csv", index=False)
    with pytest.raises(ValueError, match=message):
        external.score(tmp_path / "made.csv", [0.95])


@pytest.mark.parametrize("name", ["None", "NA", "null"])
def test_a_prior_may_have_a_name_that_looks_like_a_missing_value(table, name, tmp_path):
    table.assign(prior=name).to_csv(tmp_path / "made.csv", index=False)
    assert set(external.score(tmp_path / "made.csv", [0.95])["prior"]) == {name}


def test_a_positive_parameter_has_no_rejection_rate(table, tmp_path):
    table.to_csv(tmp_path / "made.csv", index=False)
    result = external.score(tmp_path / "made.csv", [0.95], ["b"])
    assert np.isnan(value(result, "rejection_rate"))


def test_a_level_must_be_between_0_and_1(table, tmp_path):
    with pytest.raises(ValueError, match="levels: got 95, must be between 0 and 1"):
        external.score(tmp_path / "made.csv", [95])


def test_a_missing_file_is_named_in_the_error(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read"):
        external.score(tmp_path / "none.csv", [0.95])


@pytest.fixture
def two(rng) -> pd.DataFrame:
    """Estimates of two models for the same 30 datasets; some failed, some lack a standard error."""
    shared = rng.normal(0.1, 1, size=30)
    parts = []
    for model, noise in (("a", 0.3), ("b", 0.6)):
        mean = shared + rng.normal(0, noise, size=30)
        rows = {"scenario": "s", "model": model, "prior": "none", "replicate": np.arange(30)}
        rows |= {"parameter": "b", "truth": 0.2, "mean": mean, "sd": 1.0}
        parts.append(pd.DataFrame(rows | {"q2_5": mean - 1.2, "q97_5": mean + 1.2}))
    parts[0].loc[[3, 7], ["mean", "sd", "q2_5", "q97_5"]] = np.nan
    parts[0].loc[9, "mean"] = np.nan
    parts[1].loc[[7, 11], "sd"] = np.nan
    parts[1].loc[12, "q97_5"] = np.nan
    return pd.concat(parts, ignore_index=True)


def brute(table: pd.DataFrame, model: str) -> dict[int, dict]:
    """The rows of a model with an estimate, by replicate, collected one by one."""
    rows = table[table["model"] == model].to_dict("records")
    return {row["replicate"]: row for row in rows if row["mean"] == row["mean"]}


def has_interval(row: dict) -> bool:
    return all(row[name] == row[name] for name in ("sd", "q2_5", "q97_5"))


@pytest.mark.parametrize("none", ["NA", "", "NaN", ".", "null"])
def test_a_missing_estimate_is_a_failure_and_a_missing_error_has_no_interval(two, none, tmp_path):
    two.to_csv(tmp_path / "made.csv", index=False, na_rep=none)
    result = external.score(tmp_path / "made.csv", [0.95], replicates=40)
    for model in ("a", "b"):
        selected = result[result["model"] == model].set_index("measure")
        rows = brute(two, model)
        errors = [row["mean"] - row["truth"] for row in rows.values()]
        mean = sum(errors) / len(errors)
        assert selected.loc["bias", "value"] == pytest.approx(mean)
        assert selected.loc["bias", "n_replicates"] == len(errors)
        spread = (sum((e - mean) ** 2 for e in errors) / (len(errors) - 1)) ** 0.5
        assert selected.loc["empirical_se", "value"] == pytest.approx(spread)
        able = [row for row in rows.values() if has_interval(row)]
        hits = sum(row["q2_5"] <= row["truth"] <= row["q97_5"] for row in able)
        assert selected.loc["coverage", "value"] == pytest.approx(hits / len(able))
        assert selected.loc["coverage", "n_replicates"] == len(able)
        assert selected.loc["coverage_lower_bound", "value"] == pytest.approx(hits / 40)
        most = (hits + 40 - len(able)) / 40
        assert selected.loc["coverage_upper_bound", "value"] == pytest.approx(most)


def test_models_are_compared_on_the_replicates_that_both_have(two, tmp_path):
    two.to_csv(tmp_path / "made.csv", index=False)
    result = external.compare(tmp_path / "made.csv", [0.95])
    assert set(zip(result["compared"], result["first"], result["second"], strict=True)) == {
        ("model", "a", "b")
    }
    one, other = brute(two, "a"), brute(two, "b")
    pairs = sorted(one.keys() & other.keys())
    differences = [one[r]["mean"] - other[r]["mean"] for r in pairs]
    selected = result.set_index("measure")
    assert selected.loc["bias", "value"] == pytest.approx(np.mean(differences))
    mcse = np.std(differences, ddof=1) / len(pairs) ** 0.5
    assert selected.loc["bias", "mcse"] == pytest.approx(mcse)
    assert selected.loc["bias", "n_pairs"] == len(pairs) == 27
    able = [r for r in pairs if has_interval(one[r]) and has_interval(other[r])]

    def hit(row):
        return row["q2_5"] <= row["truth"] <= row["q97_5"]

    hits = [hit(one[r]) - float(hit(other[r])) for r in able]
    assert selected.loc["coverage", "value"] == pytest.approx(np.mean(hits))
    assert selected.loc["coverage", "n_pairs"] == len(able) == 25


def test_the_reference_is_the_second_of_every_difference(two, tmp_path):
    third = two[two["model"] == "a"].assign(model="c", mean=lambda t: t["mean"] + 1)
    pd.concat([two, third]).to_csv(tmp_path / "made.csv", index=False)
    result = external.compare(tmp_path / "made.csv", [0.95], reference="a")
    bias = result[result["measure"] == "bias"].set_index("first")
    assert set(result["second"]) == {"a"}
    assert bias.index.tolist() == ["b", "c"]
    assert bias.loc["c", "value"] == pytest.approx(1)
    forward = external.compare(tmp_path / "made.csv", [0.95], reference="b")
    selected = forward[(forward["measure"] == "bias") & (forward["first"] == "a")]
    assert selected["value"].item() == pytest.approx(-bias.loc["b", "value"])


def test_priors_of_a_model_are_compared_too(table, tmp_path):
    wide = table.assign(prior="wide", mean=table["mean"] + 0.5)
    pd.concat([table, wide]).to_csv(tmp_path / "made.csv", index=False)
    result = external.compare(tmp_path / "made.csv").set_index("measure")
    assert result.loc["bias", ["compared", "first", "second", "given"]].tolist() == [
        *("prior", "p", "wide", "m")
    ]
    assert result.loc["bias", "value"] == pytest.approx(-0.5)


def test_a_model_with_an_unshared_prior_is_compared_with_the_others_under_each_prior(two, tmp_path):
    wide = two[two["model"] == "a"].assign(prior="wide")
    lme4 = two[two["model"] == "b"].assign(model="lme4", prior="none")
    made = pd.concat([two.replace({"prior": {"none": "weak"}}), wide, lme4])
    made.to_csv(tmp_path / "made.csv", index=False)
    result = external.compare(tmp_path / "made.csv", [0.95], reference="lme4")
    bias = result[result["measure"] == "bias"]
    shown = [("a", "lme4", "weak"), ("b", "lme4", "weak"), ("a", "lme4", "wide")]
    assert list(zip(bias["first"], bias["second"], bias["given"], strict=True)) == shown
    one, other = brute(made[made["prior"] == "weak"], "a"), brute(made, "lme4")
    differences = [one[r]["mean"] - other[r]["mean"] for r in one.keys() & other.keys()]
    assert bias["value"].iloc[0] == pytest.approx(np.mean(differences))
    assert bias["n_pairs"].iloc[0] == len(differences)


def test_two_models_with_unshared_priors_are_compared(two, tmp_path):
    made = two.assign(prior=two["model"].map({"a": "weak", "b": "none"}))
    made.to_csv(tmp_path / "made.csv", index=False)
    result, same = external.compare(tmp_path / "made.csv"), two
    same.to_csv(tmp_path / "same.csv", index=False)
    alike = external.compare(tmp_path / "same.csv")
    assert set(result["given"]) == {"no_prior"}
    pd.testing.assert_frame_equal(result.drop(columns="given"), alike.drop(columns="given"))


@pytest.mark.parametrize(
    ("reference", "lacking"), [(None, "two models under one prior"), ("m", "another model under")]
)
def test_a_single_model_cannot_be_compared(table, reference, lacking, tmp_path):
    table.to_csv(tmp_path / "made.csv", index=False)
    with pytest.raises(ValueError, match=f"nothing to compare: no scenario has {lacking}"):
        external.compare(tmp_path / "made.csv", reference=reference)


@pytest.mark.parametrize("column", ["scenario", "model", "prior", "parameter"])
def test_names_are_read_as_text(table, column, tmp_path):
    parts = [table.assign(**{column: name}) for name in ("1", "01", "1.0", "NA", "1e0")]
    pd.concat(parts).to_csv(tmp_path / "made.csv", index=False)
    result = external.score(tmp_path / "made.csv")
    assert result[column].unique().tolist() == ["1", "01", "1.0", "NA", "1e0"]
    assert (result.loc[result["measure"] == "bias", "n_replicates"] == 40).all()


def test_replicates_are_paired_whatever_their_type(table, tmp_path):
    table.to_csv(tmp_path / "a.csv", index=False)
    other = table.assign(model="n", replicate=table["replicate"].astype(float))
    other.to_parquet(tmp_path / "b.parquet")
    result = external.compare([tmp_path / "a.csv", tmp_path / "b.parquet"])
    assert (result.loc[result["measure"] == "bias", "n_pairs"] == 40).all()


def test_replicates_are_paired_by_their_text(table, tmp_path):
    other = table.assign(model="n", replicate=[f"0{n}" for n in table["replicate"]])
    pd.concat([table, other]).to_csv(tmp_path / "made.csv", index=False)
    result = external.compare(tmp_path / "made.csv")
    assert (result["n_pairs"] == 0).all()
    assert result["value"].isna().all()


def test_the_order_of_rows_and_of_files_does_not_matter(two, tmp_path):
    shuffled = two.sample(frac=1, random_state=1)
    two.to_parquet(tmp_path / "whole.parquet")
    shuffled.iloc[:21].to_csv(tmp_path / "first.csv", index=False)
    shuffled.iloc[21:].to_parquet(tmp_path / "second.parquet")
    parts = [tmp_path / "first.csv", tmp_path / "second.parquet"]
    one, other = (
        external.score(files).sort_values(["model", "measure"], ignore_index=True)
        for files in (tmp_path / "whole.parquet", parts)
    )
    pd.testing.assert_frame_equal(one, other, rtol=1e-12)
    one, other = (
        value(external.compare(files, reference="a"), "bias")
        for files in (tmp_path / "whole.parquet", parts)
    )
    assert one == pytest.approx(other)
    with pytest.raises(ValueError, match="two rows for one cell, replicate and parameter"):
        external.score([*parts, tmp_path / "first.csv"])


@pytest.mark.parametrize("size", [1e160, 1e300])
def test_values_that_overflow_are_null_without_a_warning(table, size, tmp_path):
    large = table.assign(mean=table["mean"] * size, q2_5=-1e308, q97_5=1e308, sd=size)
    pd.concat([large, large.assign(model="n")]).to_csv(tmp_path / "made.csv", index=False)
    result = external.score(tmp_path / "made.csv").set_index(["model", "measure"])
    assert np.isnan(result.loc[("m", "mse"), "value"])
    assert result.loc[("m", "coverage"), "value"] == 1
    assert external.compare(tmp_path / "made.csv")["n_pairs"].eq(40).all()


def test_an_interval_may_be_unbounded(table, tmp_path):
    table.assign(q97_5=np.inf).to_csv(tmp_path / "made.csv", index=False)
    result = external.score(tmp_path / "made.csv")
    assert value(result, "coverage") == np.mean(table["q2_5"] <= 0)
    assert np.isnan(value(result, "interval_width"))


HEADER = "scenario,model,prior,replicate,parameter,truth,mean,sd,q2_5,q97_5\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the columns scenario"),
        (HEADER.encode(), "has no rows"),
        (
            HEADER.encode() + b"s,m,p,1,b,0,1,1,0,2\ns,m,p,2,b,0,1\n",
            "line 3 has 7 values and the header 10",
        ),
        (HEADER.encode() + b"s,m,p,1,b,0,1,1,0,2,3\n", "line 2 has 11 values and the header 10"),
        (HEADER.encode() + b"s,m,p,1,b,0,1,1,0,2\ns,m,p,2,b,0,1,1,0,2,3\n", "line 3 has 11 values"),
        (HEADER.replace("sd", "mean").encode(), "has column 'mean' more than once"),
        (b"caf\xe9,mod\xe8le\n1,2\n", "is neither Parquet nor text in UTF-8"),
        (b"PAR1" + b"x" * 100, "made.csv: "),
        (b"\x1f\x8b\x08\x00", "made.csv: "),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-20], "made.csv: "),
        (b"a\0b\n", "made.csv: "),
    ],
)
def test_a_file_that_is_not_a_table_is_refused(content, message, tmp_path):
    (tmp_path / "made.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        external.score(tmp_path / "made.csv")


def test_a_damaged_parquet_file_is_read_or_refused(table, tmp_path, rng):
    """Flip bytes of the footer, most of them in the metadata that pandas writes."""
    whole, file, refused = table.to_parquet(), tmp_path / "made.parquet", 0
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for bit in 8 * (len(whole) - footer) + rng.integers(8 * footer, size=300):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        try:
            external.read([file], {0.95: ("q2_5", "q97_5")})
        except ValueError as error:
            refused += str(error).startswith(f"{file}: ")
    assert refused > 30


@pytest.mark.parametrize("file", ["/dev/zero", "/"])
def test_a_path_that_is_not_a_regular_file_is_refused_at_once(file):
    with pytest.raises(ValueError, match=f"{file}: cannot be read: "):
        external.score(file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--replicates", "39"], "replicates: got 39, but scenario 's' has 40"),
        (["--replicates", "0"], "replicates: got 0, but scenario 's' has 40"),
        (["--positive", "tau"], "positive: got 'tau', must be one of 'b'"),
        (["--reference", "other"], "reference: got 'other', must be one of 'm'"),
        (["--levels", "0.95", "0.950001"], "levels: 0.95 and 0.950001 are too near"),
    ],
)
def test_an_invalid_option_is_refused(table, options, message, tmp_path, capsys):
    table.to_csv(tmp_path / "made.csv", index=False)
    with pytest.raises(SystemExit) as refused:
        main([str(tmp_path / "made.csv"), *options])
    assert message in str(refused.value)
    assert capsys.readouterr().out == ""


def test_the_command_prints_comparisons(two, tmp_path, capsys):
    two.to_csv(tmp_path / "made.csv", index=False)
    main([str(tmp_path / "made.csv"), "--comparisons"])
    every = capsys.readouterr().out
    main([str(tmp_path / "made.csv"), "--reference", "b"])
    assert capsys.readouterr().out == every
    start = "scenario,compared,first,second,given,parameter,subset,measure,level,value,mcse"
    assert every.startswith(start)
