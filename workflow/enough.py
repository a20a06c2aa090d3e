"""Raise a study's replicates to what its `precision` takes: what `make enough` calls first."""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery import families, tables
from recovery.common import checkout
from recovery.common.errors import StudyError
from recovery.common.user_files import refuse_outside
from recovery.score.precision import in_whole_batches, most
from recovery.study import overrides
from recovery.study.model import Study
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml


def main() -> None:
    """Edit the line `replicates:` of the study file; exit with a message where that cannot be."""
    checkout.must_be(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file")
    overrides.add_to(parser)
    asked = parser.parse_args()
    file, changes = Path(asked.study), overrides.entries_of(asked)
    try:
        raw = overrides.applied(read_yaml(file), changes)
        refuse_outside(raw, str(file))
        study = parse(raw, families.find, str(file))
    except StudyError as error:
        sys.exit(str(error))
    if any(change.startswith("replicates=") for change in changes):
        sys.exit("--config: got replicates, which are raised in the study file; leave it out")
    if study.precision is None:
        sys.exit(f"{file}: precision: missing, must say which Monte Carlo errors are wanted")
    table = Path("results", study.name, "summary", "precision.parquet")
    if not table.exists():
        sys.exit(f"{table}: not there yet; run the study first: make study STUDY={file}")
    try:
        found = tables.read_frame([table])
    except tables.StaleTableError as damaged:
        sys.exit(str(damaged))
    if not _answers(found, study):
        sys.exit(f"{table}: is of an earlier study file; run it first: make study STUDY={file}")
    needed = None if found.empty else most(found)
    if needed is None:
        sys.exit(f"{table}: does not say how many replicates it takes; raise them in {file}")
    if needed <= study.replicates:
        print(f"{file}: {study.replicates:,} replicates are enough.")
        return
    raised = in_whole_batches(study, needed)
    edited, places = re.subn(
        r"(?m)^(replicates:[ \t]*)\d+\b", rf"\g<1>{raised}", file.read_text(encoding="utf-8")
    )
    if places != 1:
        sys.exit(f"{file}: has no line of its own for `replicates:`; set it to {raised}")
    try:
        file.write_text(edited, encoding="utf-8")
    except OSError as error:
        sys.exit(f"{file}: cannot be written: {error.strerror}")
    print(f"{file}: replicates raised from {study.replicates:,} to {raised:,}.")


def _answers(table: pd.DataFrame, study: Study) -> bool:
    """Whether a table says what this study wants to know, from as many replicates."""
    wanted = study.precision.model_dump(exclude_none=True)
    asked = dict(zip(table["measure"], table["wanted"], strict=True))
    return asked == wanted and (table["n_planned"] == study.replicates).all()


if __name__ == "__main__":
    main()
