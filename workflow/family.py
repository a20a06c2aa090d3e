"""Begin a family of your own: what `make family` calls."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.common.errors import StudyError
from recovery.run.new_family import write_family


def main() -> None:
    """Write a family, its program and a study of it; exit with a message if that is impossible."""
    checkout.require_this_library(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="lower-case letters, digits and underscores")
    try:
        for line in write_family(parser.parse_args().name):
            print(line)
    except StudyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
