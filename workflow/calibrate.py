"""Run calibration studies and print their verdicts: what `make calibrate` calls."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.run.calibration_verdicts import all_calibrated


def main() -> int:
    """Return 1 unless every program is calibrated wherever calibration applies."""
    checkout.require_this_library(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", help="study files")
    return 0 if all_calibrated(parser.parse_args().studies, print) else 1


if __name__ == "__main__":
    sys.exit(main())
