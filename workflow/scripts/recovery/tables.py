"""The Parquet tables: their schemas, and writing and reading them; the only import of pyarrow.

A table appears under its name only when it is complete. What decided its numbers, its
identity, stands in its footer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

Columns = Mapping[str, Sequence]

_NUMBER = {"integer": pa.int64(), "real": pa.float64()}


def _column(name: str, kind: pa.DataType, comment: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"comment": comment} if comment else None)


_TEXT, _INT, _REAL, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_FIT = [
    _column("scenario", _TEXT),
    _column("model", _TEXT),
    _column("prior", _TEXT),
    _column("replicate", _INT, "counted from 1"),
]
_CELL = [
    _column("scenario", _TEXT),
    _column("truth", _TEXT, "the truth's name"),
    _column("participants", _INT),
    _column("observations", _INT, "per participant; null: as in the observed dataset"),
    _column("model", _TEXT),
    _column("prior", _TEXT),
]

TRUTH = pa.schema(
    [
        _column("replicate", _INT, "counted from 1"),
        _column("parameter", _TEXT),
        _column("truth", _REAL, "the value that the data were generated from"),
        _column("data_seed", _INT, "seed of numpy.random.default_rng for this dataset"),
    ]
)
PARTICIPANTS = pa.schema(
    [
        *_FIT,
        _column("coefficient", _TEXT),
        _column("n_participants", _INT),
        _column("rmse", _REAL, "of posterior means against the true coefficients"),
        _column("correlation", _REAL, "of posterior means with the true coefficients"),
        _column("shrinkage_slope", _REAL, "of the regression of posterior means on true values"),
        _column("level", _REAL, "level of the intervals"),
        _column("coverage", _REAL, "share of the intervals that hold the true coefficient"),
    ]
)
DIAGNOSTICS = pa.schema(
    [
        *_FIT,
        _column("attempt", _INT, "counted from 1"),
        _column("status", _TEXT, "ok or failed"),
        _column("error", _TEXT, "why it failed"),
        _column("converged", _BOOL),
        _column("n_divergent", _INT, "divergent transitions after warmup, all chains"),
        _column("n_max_treedepth", _INT, "saturated trajectories after warmup, all chains"),
        _column("min_ebfmi", _REAL, "smallest over chains"),
        _column("max_rhat", _REAL, "largest over scored parameters and lp__"),
        _column("min_ess_bulk", _REAL, "smallest over scored parameters and lp__"),
        _column("min_ess_tail", _REAL, "smallest over scored parameters and lp__"),
        _column("n_leapfrog", _INT, "gradient evaluations after warmup, all chains"),
        _column("warmup_seconds", _REAL, "processor seconds, summed over chains"),
        _column("sampling_seconds", _REAL, "processor seconds, summed over chains"),
        _column("seed", _INT, "of the sampler"),
        _column("engine", _TEXT),
        _column("engine_version", _TEXT),
        _column("adapt_delta", _REAL),
    ]
)
PERFORMANCE = pa.schema(
    [
        *_CELL,
        _column("parameter", _TEXT),
        _column("subset", _TEXT, "all or converged"),
        _column("measure", _TEXT),
        _column("level", _REAL, "of the intervals; null: the measure has none"),
        _column("value", _REAL),
        _column("mcse", _REAL, "Monte Carlo standard error of value"),
        _column("lower", _REAL, "of the 95 % Wilson interval, for proportions"),
        _column("upper", _REAL, "of the 95 % Wilson interval, for proportions"),
        _column("n_replicates", _INT, "that the value rests on"),
    ]
)
CONVERGENCE = pa.schema(
    [
        *_CELL,
        _column("n_planned", _INT),
        _column("n_ok", _INT),
        _column("n_failed", _INT),
        _column("n_converged", _INT),
        *(
            _column(f"{rate}_rate{part}", _REAL, comment)
            for rate in ("failed", "converged", "divergent")
            for part, comment in (
                ("", "share of planned fits"),
                ("_mcse", "Monte Carlo standard error"),
                ("_lower", "of the 95 % Wilson interval"),
                ("_upper", "of the 95 % Wilson interval"),
            )
        ),
        *(
            _column(f"{mean}{part}", _REAL, comment)
            for mean, what in (
                ("seconds", "processor seconds of a fit, warmup and sampling"),
                ("n_leapfrog", "gradient evaluations of a fit after warmup"),
                ("ess_per_second", "smallest bulk ESS of a fit a processor second"),
            )
            for part, comment in (("", f"mean {what}"), ("_mcse", "Monte Carlo standard error"))
        ),
    ]
)
PRIOR_PREDICTIVE = pa.schema(
    [
        _column("prior", _TEXT),
        _column("draw", _INT, "counted from 1"),
        _column("x", _REAL),
        _column("y", _REAL, "expected outcome"),
    ]
)


def data_schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a family's observations: replicate, then its columns."""
    own = [_column(name, _NUMBER[kind]) for name, kind in columns.items()]
    return pa.schema([_column("replicate", _INT, "counted from 1"), *own])


def interval_columns(level: float) -> tuple[str, str]:
    """Return the columns of a central interval's bounds: 0.89 -> `q5_5`, `q94_5`."""
    lower, upper = quantile_columns([level])
    return lower, upper


def quantile_columns(levels: Sequence[float]) -> dict[str, float]:
    """Return the quantile columns of these interval levels, lowest first: name -> probability."""
    tails = [round((1 - level) / 2, 12) for level in levels]
    probabilities = sorted({*tails, *(round(1 - tail, 12) for tail in tails)})
    return {f"q{100 * p:.10g}".replace(".", "_"): p for p in probabilities}


def estimates_schema(levels: Sequence[float]) -> pa.Schema:
    """Return the schema of estimates, given the levels of its intervals."""
    return pa.schema(
        [
            *_FIT,
            _column("parameter", _TEXT),
            _column("truth", _REAL, "null: the data are observed"),
            _column("mean", _REAL, "of the posterior"),
            _column("median", _REAL, "of the posterior"),
            _column("sd", _REAL, "of the posterior"),
            _column("mcse_mean", _REAL, "Monte Carlo standard error of mean"),
            *(
                _column(name, _REAL, "posterior quantile, per cent")
                for name in quantile_columns(levels)
            ),
            _column("rhat", _REAL, "null: not computed, or the draws do not vary"),
            _column("ess_bulk", _REAL),
            _column("ess_tail", _REAL, "the smaller of the 5 % and 95 % quantiles'"),
        ]
    )


def from_rows(rows: Sequence[Mapping], schema: pa.Schema) -> dict[str, list]:
    """Turn rows into the columns of a schema; what a row does not have is null."""
    return {name: [row.get(name) for row in rows] for name in schema.names}


def write(columns: Columns, path: str | Path, schema: pa.Schema, identity: str) -> None:
    """Write a whole table or nothing: beside its place first, then renamed into it.

    Parameters
    ----------
    columns : mapping of str to sequence
        Every column of the schema; NaN is written as null.
    identity : str
        The hash of what decided the numbers, for the footer.
    """
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    described = schema.with_metadata({"identity": identity})
    table = pa.Table.from_arrays(arrays, schema=described)
    replace(path, lambda beside: pq.write_table(table, beside, compression="zstd"))


def write_csv(path: str | Path, source: str | Path) -> None:
    """Write the CSV twin of a Parquet table."""
    table = pq.read_table(source)
    replace(path, lambda beside: pa.csv.write_csv(table, beside))


def replace(path: str | Path, write_to) -> None:
    """Let `write_to` make a file beside `path`, then rename it into place."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_to(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: str | Path, columns: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Read a table's columns as arrays; null numbers become NaN."""
    table = pq.read_table(path, columns=columns, use_threads=False, pre_buffer=False)
    return {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


class StaleTableError(Exception):
    """A table was not made by what this study asks for; the message has the cure."""


def stale(paths: Sequence[str | Path]) -> StaleTableError:
    """Return the error that names stale tables and says how to be rid of them."""
    return StaleTableError(
        f"{len(paths)} {'table was' if len(paths) == 1 else 'tables were'} made by another study "
        "file, program or version than this one. Remove, then run the same command again:\n"
        f"rm {' '.join(map(str, paths))}"
    )


def read_of(
    path: str | Path, identity: str, columns: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Read a table that this identity made; StaleTableError if another did."""
    if not are_current([path], identity):
        raise stale([path])
    return read(path, columns)


def read_frame(paths: Iterable[str | Path], columns: Sequence[str] | None = None):
    """Read tables of one schema as a pandas DataFrame, one below the other."""
    parts = [pq.read_table(path, columns=columns) for path in paths]
    return pa.concat_tables(parts).to_pandas()


def read_identity(path: str | Path) -> str | None:
    """Return the identity in a table's footer; None if it has none."""
    metadata = pq.read_schema(path).metadata or {}
    identity = metadata.get(b"identity")
    return identity.decode() if identity else None


def are_current(paths: Iterable[str | Path], identity: str) -> bool:
    """Whether all these tables stand, made by exactly what this identity stands for."""
    try:
        return all(read_identity(path) == identity for path in paths)
    except (OSError, pa.ArrowInvalid):
        return False


def read_csv(path: str | Path) -> dict[str, np.ndarray]:
    """Read a researcher's CSV file as arrays; ValueError says what is wrong with it."""
    try:
        nulls = pa.csv.ConvertOptions(strings_can_be_null=True)
        table = pa.csv.read_csv(path, convert_options=nulls)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(str(error)) from None
    for name in table.column_names:
        if table.column_names.count(name) > 1:
            raise ValueError(f"column {name!r} stands in it more than once")
    return {
        name: column.to_numpy()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
