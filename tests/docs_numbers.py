"""Write the results of shipped studies into the documentation: `make docs-numbers`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
END = "<!-- until here -->\n"
POSTERIOR_MODELS, PRIOR = ("centered", "noncentered", "marginal"), "weakly_informative"
LEVEL = 0.89


@dataclass(frozen=True)
class Table:
    """A table of a page, from a study's summary tables."""

    page: str
    study: str
    what: str
    rows: Callable[[Path], Iterator[list[str]]]
    """The folder of the summary tables -> the heads of the columns, then the rows."""

    @property
    def start(self) -> str:
        """The line before the table."""
        return f"<!-- {self.what} of {self.study}, by make docs-numbers -->\n"

    def text(self, summary: Path) -> str:
        """Return the table as it is on the page."""
        head, *rows = self.rows(summary)
        lines = [head, ["---" if name in ("target", "model") else "---:" for name in head], *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def shown(self) -> str:
        """Return the table on the page."""
        return (ROOT / self.page).read_text().partition(self.start)[2].partition(END)[0]

    def write(self) -> None:
        """Put the results of the study in their place on the page."""
        page = ROOT / self.page
        before, start, rest = page.read_text().partition(self.start)
        text = self.text(ROOT / "results" / self.study / "summary")
        page.write_text(before + start + text + END + rest.partition(END)[2])


def costs(summary: Path) -> Iterator[list[str]]:
    """Yield what programs of one posterior cost."""
    cells = _first_attempts(summary).merge(_read(summary, "efficiency"))
    cells = cells.set_index(["participants", "model", "prior"])
    yield ["participants", "model", "fits", "converged", "ESS a gradient"]
    for count in sorted({place[0] for place in cells.index}):
        for model in POSTERIOR_MODELS:
            cell = cells.loc[(count, model, PRIOR)]
            shown = str(count) if model == POSTERIOR_MODELS[0] else ""
            share, ess = _percent(cell["converged_rate"]), f"{cell['ess_per_gradient']:.3f}"
            yield [shown, f"`{model}`", str(cell["n_planned"]), share, ess]


def crossed(summary: Path) -> Iterator[list[str]]:
    """Yield the intervals of both coefficients, by participants, items and model."""
    keys = ["participants", "n_item", "model"]
    converged = _of_prior(_first_attempts(summary)).set_index(keys)["converged_rate"]
    cells = {name: _intervals(summary, name, keys) for name in ("b_Intercept", "b_condition")}
    yield [
        *("participants", "items", "model", "converged"),
        *(f"{what}, `{name}`" for name in cells for what in ("coverage", "width")),
    ]
    for place in converged.index:
        shares = [_percent(converged[place])]
        for cell in cells.values():
            shares += [_percent(cell[place, "coverage"]), f"{cell[place, 'interval_width']:.3f}"]
        yield [str(place[0]), str(place[1]), f"`{place[2]}`", *shares]


def mixed(summary: Path) -> Iterator[list[str]]:
    """Yield the intervals of an effect between and of one within participants."""
    keys = ["participants", "model"]
    cells = {name: _intervals(summary, name, keys) for name in ("b_group", "b_condition:group")}
    yield [*keys, *(f"{what}, `{name}`" for name in cells for what in ("coverage", "width"))]
    for place in dict.fromkeys(place for place, _ in cells["b_group"].index):
        shown = [str(place[0]), f"`{place[1]}`"]
        for cell in cells.values():
            shown += [_percent(cell[place, "coverage"]), f"{cell[place, 'interval_width']:.2f}"]
        yield shown


def needed(summary: Path) -> Iterator[list[str]]:
    """Yield how many participants each target needs with each model, and the 95 % bounds."""
    table = _of_prior(_read(summary, "planning"))
    yield ["target", "model", "participants", "from", "to"]
    for row in table.itertuples():
        target = f"`{row.parameter}`: {row.measure.replace('_', ' ')} {row.wanted:g}"
        numbers = [row.n_needed, row.lower, row.upper]
        shown = ("" if pd.isna(each) else f"{each:.0f}" for each in numbers)
        yield [target, f"`{row.model}`", *shown]


def _first_attempts(summary: Path) -> pd.DataFrame:
    table = _read(summary, "convergence")
    return table[table["attempt"] == "first"]


def _of_prior(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the prior that pages show, and of classical estimators."""
    return table[table["prior"].isin((PRIOR, "no_prior"))]


def _intervals(summary: Path, parameter: str, keys: list[str]) -> pd.Series:
    """Coverage and width of the intervals of a parameter: (values of keys, measure) -> value."""
    table = _of_prior(_read(summary, "performance"))
    table = table[(table["parameter"] == parameter) & (table["subset"] == "all")]
    table = table[(table["level"] == LEVEL) & (table["interval"] == "central")]
    table = table[table["point"].isna() | (table["point"] == "mean")]
    places = list(
        zip(zip(*(table[key] for key in keys), strict=True), table["measure"], strict=True)
    )
    return pd.Series(table["value"].to_numpy(), pd.Index(places, tupleize_cols=False))


def _read(summary: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(summary / f"{name}.parquet")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


_CROSSED_AND_MIXED = "docs/tutorial/crossed-and-mixed-designs.md"
TABLES = (
    Table("docs/reference/families/regressions.md", "multilevel", "costs", costs),
    Table(_CROSSED_AND_MIXED, "group_by_condition", "intervals", mixed),
    Table(_CROSSED_AND_MIXED, "group_by_condition", "planning", needed),
    Table(_CROSSED_AND_MIXED, "reading_times", "intervals", crossed),
)

if __name__ == "__main__":
    for each in TABLES:
        each.write()
