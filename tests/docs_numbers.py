"""Write the results of the default study into config/README.md: `make docs-numbers`."""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "config/README.md"
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
    """Return the table that the manual has."""
    return MANUAL.read_text().partition(START)[2].partition(END)[0]


def write(summary: Path) -> None:
    """Put the table in its place in the manual."""
    before, _, rest = MANUAL.read_text().partition(START)
    MANUAL.write_text(before + START + table(summary) + END + rest.partition(END)[2])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
