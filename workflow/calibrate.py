"""Run calibration studies and print their verdicts: what `make calibrate` calls."""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery import tables
from recovery.common import checkout
from recovery.score import calibration
from recovery.study.yaml_file import read_yaml

SHOWN = ["scenario", "model", "quantity", "n_ranked", "p_value", "p_corrected", "verdict"]


def main() -> int:
    """Return 1 unless every program is calibrated wherever calibration applies."""
    checkout.must_be(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", help="study files")
    good = True
    for file in parser.parse_args().studies:
        if subprocess.run([sys.executable, "workflow/run.py", file], check=False).returncode:
            return 1
        table = Path("results", read_yaml(file)["name"], "summary", "calibration.parquet")
        found = tables.read_frame([table])
        found = found[found["verdict"] != calibration.NOT_APPLICABLE]
        lowest = found.sort_values("p_value", kind="stable").groupby(["scenario", "model"]).head(1)
        print(lowest[SHOWN].to_string(index=False))
        good &= set(found["verdict"]) == {calibration.CALIBRATED}
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
