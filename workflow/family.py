"""Begin a family of one's own: what `make family` calls."""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.families import SHIPPED

TEMPLATES = Path(__file__).parent / "templates"


def main() -> None:
    """Write a family, its program and a study of it; exit with a message where that cannot be."""
    checkout.must_be(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="lower-case letters, digits and underscores")
    name = parser.parse_args().name
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
        sys.exit(f"NAME: got {name!r}, must be lower-case letters, digits and underscores")
    if name in SHIPPED:
        sys.exit(f"NAME: got {name!r}, must have another name than the shipped families")
    files = {
        "family.py": Path(f"config/families/{name}.py"),
        "family.stan": Path(f"config/families/{name}.stan"),
        "study.yaml": Path(f"config/{name}.yaml"),
    }
    if there := [str(file) for file in files.values() if file.exists()]:
        sys.exit(f"{', '.join(there)}: there already; nothing was written")
    for template, file in files.items():
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("NAME", name), encoding="utf-8")
        except OSError as error:
            sys.exit(f"{file}: cannot be written: {error.strerror}")
        print(f"Wrote {file}")
    print(f"Run it: make study STUDY={files['study.yaml']}")


if __name__ == "__main__":
    main()
