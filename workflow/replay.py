"""Make one named fit again, from its identity alone: what `make replay` calls."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.common.errors import EngineError, StaleTableError, StudyError, bounded
from recovery.common.user_files import LARGEST_DATA, read_text, refuse_outside
from recovery.plan.manifest import differences
from recovery.run import preflight
from recovery.run.replay import Replayed, replay
from recovery.study import overrides
from recovery.study.yaml_file import read_yaml

PROGRAMS = Path("stan")


def main() -> int:
    """Print what the fit gave; return 1 where the study's tables have other numbers."""
    checkout.must_be(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file, or the manifest.json of a study's results")
    overrides.add_to(parser)
    parser.add_argument("fit", help="SCENARIO/MODEL/PRIOR/REPLICATE")
    asked = parser.parse_args()
    *cell, replicate = asked.fit.split("/")
    if len(cell) != 3 or not replicate.isdecimal():
        parser.error(f"fit: got {asked.fit!r}, must be SCENARIO/MODEL/PRIOR/REPLICATE")
    try:
        made, raw = _read(asked.study)
        raw = overrides.applied(raw, overrides.entries_of(asked))
        refuse_outside(raw, asked.study)
        design = preflight.prepare(raw, [asked.study], PROGRAMS, thoroughly=False)
        for line in differences(made, design) if made else []:
            print(line)
        found = replay(design, tuple(cell), int(replicate), PROGRAMS)
    except (StudyError, EngineError, StaleTableError) as refused:
        sys.exit(bounded(str(refused)))
    _show(found)
    return 1 if found.differences else 0


def _read(file: str) -> tuple[dict | None, dict]:
    """The manifest, if the file is one, and the study that it or the file itself holds."""
    if not file.endswith(".json"):
        return None, read_yaml(file)
    try:
        made = json.loads(read_text(file, LARGEST_DATA))
        if "study" not in made:
            return None, read_yaml(file)
        return made, dict(made["study"])
    except (ValueError, RecursionError, TypeError) as error:
        raise StudyError(f"{file}: is no manifest of a study: {error}") from None


def _show(found: Replayed) -> None:
    for attempt in found.diagnostics.dropna(axis="columns", how="all").to_dict("records"):
        print("\n".join(f"{name:18} {value}" for name, value in attempt.items()), end="\n\n")
    keys = ["scenario", "model", "prior", "replicate"]
    if len(found.estimates):
        print(found.estimates.drop(columns=keys).to_string(index=False), end="\n\n")
    if found.draws:
        print(f"Draws: {found.draws}")
    if found.differences is None:
        print("The study's tables have no such fit to compare with.")
        return
    if not found.same_identity:
        print("The study's tables were made by another version of study, program, code or engine.")
    print("\n".join(found.differences) or "The same as in the study's tables, to the last digit.")


if __name__ == "__main__":
    sys.exit(main())
