"""Write the results of the default study into the documentation: `make docs-numbers`."""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/families/multilevel-linear.md"
START = "<!-- the default study's results, by make docs-numbers -->\n"
END = "<!-- until here -->\n"
MODELS, PRIOR = ("centered", "noncentered", "marginal"), "weakly_informative"


def table(summary: Path) -> str:
    """Return the table of what programs of one posterior cost, from a study's summary tables."""
    convergence, efficiency = (
        pd.read_parquet(summary / f"{name}.parquet") for name in ("convergence", "efficiency")
    )
    convergence = convergence[convergence["attempt"] == "first"]
    cells = convergence.merge(efficiency).set_index(["participants", "model", "prior"])
    lines = ["| participants | model | fits | converged | ESS a gradient |"]
    lines += ["| ---: | --- | ---: | ---: | ---: |"]
    for count in sorted(set(convergence["participants"])):
        for model in MODELS:
            cell = cells.loc[(count, model, PRIOR)]
            shown = count if model == MODELS[0] else ""
            lines.append(
                f"| {shown} | `{model}` | {cell['n_planned']} | "
                f"{100 * cell['converged_rate']:.0f} % | {cell['ess_per_gradient']:.3f} |"
            )
    return "\n".join(lines) + "\n"


def shown() -> str:
    """Return the table on the page."""
    return PAGE.read_text().partition(START)[2].partition(END)[0]


def write(summary: Path) -> None:
    """Put the table in its place on the page."""
    before, _, rest = PAGE.read_text().partition(START)
    PAGE.write_text(before + START + table(summary) + END + rest.partition(END)[2])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
