"""Setting a LaTeX table as its reader would: plain pdflatex, the class article."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

POINT = 72 / 72.27  # of TeX, in points of PDF
DOCUMENT = r"""\documentclass[%s]{article}
%s
\typeout{LEFT \the\dimexpr 1in+\hoffset+\oddsidemargin\relax}
\typeout{WIDTH \the\textwidth}
\begin{document}
Before.
%s
After.
\end{document}
"""
FAULTS = re.compile(r"Overfull.*|Missing character.*|.*Error.*|.*not set up.*|! .*|.*undefined.*")


@dataclass(frozen=True)
class Page:
    """What a table looks like in print.

    Parameters
    ----------
    text : str
        Its words, cell by cell, with single spaces.
    pages : int
    """

    text: str
    pages: int


def typeset(*tables: Path, size: str = "10pt") -> Page:
    """Compile tables of ours, with the packages that their first lines name.

    No character is missing, nothing is wider than the text.
    """
    if not all(map(shutil.which, ("pdflatex", "pdftotext"))):
        pytest.skip("pdflatex and pdftotext are not on this machine")
    written = "".join(table.read_text(encoding="utf-8") for table in tables)
    packages = set(re.findall(r"^% (\\usepackage.*)$", written, re.MULTILINE))
    inputs = "\n".join(f"\\input{{{table.name}}}" for table in tables)
    document = tables[0].with_suffix(".document.tex")
    document.write_text(DOCUMENT % (size, "\n".join(packages), inputs), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name]
    for _ in range(4):  # the widths of columns settle
        done = subprocess.run(command, cwd=document.parent, capture_output=True, check=False)
        said = document.with_suffix(".log").read_text(encoding="latin-1")
        assert done.returncode == 0, said[-3000:]
        if "Rerun LaTeX" not in said:
            break
    assert FAULTS.findall(said) == []
    pdf = document.with_suffix(".pdf")
    left, width = (
        float(re.search(rf"^{what} ([\d.]+)pt", said, re.MULTILINE)[1]) * POINT
        for what in ("LEFT", "WIDTH")
    )
    boxes = _pdftotext("-bbox", pdf)
    for x0, x1, word in re.findall(r'<word xMin="(.*?)" .*?xMax="(.*?)" .*?>(.*?)</word>', boxes):
        assert float(x0) > left - 0.5, word
        assert float(x1) < left + width + 0.5, word
    text = _pdftotext("-raw", pdf).replace("\f", "\n")
    return Page(" ".join(text.split()), boxes.count("<page "))


def _pdftotext(option: str, pdf: Path) -> str:
    command = ["pdftotext", option, str(pdf), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
