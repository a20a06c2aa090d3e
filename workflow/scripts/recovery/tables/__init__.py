"""The Parquet tables of a study; the only import of pyarrow.

The schemas of summary tables are not imported here, so that changing them reruns no fit.
"""

from recovery.common.errors import StaleTableError
from recovery.tables.batch_schemas import (
    DIAGNOSTICS,
    DRAWS,
    LOO,
    PARTICIPANTS,
    TRUTH,
    data_schema,
    estimates_schema,
    interval_columns,
    quantile_columns,
)
from recovery.tables.csv_text import read_csv
from recovery.tables.files import (
    appending,
    are_current,
    damaged_tables_error,
    from_rows,
    is_csv_of,
    read,
    read_frame,
    read_identity,
    read_of,
    read_replicates,
    read_row_groups,
    read_rows,
    read_seconds,
    refuse_damaged,
    replace,
    stale_tables_error,
    whole,
    write,
    write_csv,
    write_lines,
)

__all__ = [
    "DIAGNOSTICS",
    "DRAWS",
    "LOO",
    "PARTICIPANTS",
    "TRUTH",
    "StaleTableError",
    "appending",
    "are_current",
    "damaged_tables_error",
    "data_schema",
    "estimates_schema",
    "from_rows",
    "interval_columns",
    "is_csv_of",
    "quantile_columns",
    "read",
    "read_csv",
    "read_frame",
    "read_identity",
    "read_of",
    "read_replicates",
    "read_row_groups",
    "read_rows",
    "read_seconds",
    "refuse_damaged",
    "replace",
    "stale_tables_error",
    "whole",
    "write",
    "write_csv",
    "write_lines",
]
