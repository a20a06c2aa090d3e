"""Which files each step after the fits reads."""

from __future__ import annotations

from collections.abc import Iterable

from recovery.plan import figure_list
from recovery.plan.design import Cell, Design
from recovery.tables.summary_schemas import SUMMARIES

Files = dict[str, list[str] | str]


def of_summary(design: Design) -> Files:
    """Return every fit, whether to simulated or to observed data, and the first dataset."""
    others = ("estimates", "diagnostics")
    return {
        **{name: _of_cells(design, name, design.cells) for name in design.summed_up},
        **{f"observed_{name}": _observed(design, name) for name in design.observed_summed_up},
        **{f"verified_{name}": _verified(design, name) for name in others},
        "data": _first_datasets(design, "data")[0],
    }


def of_figures(design: Design) -> Files:
    """Return the summary tables, the first batches, of which single replicates are shown, ranks."""
    ranked = figure_list.ranked_cells(design.study)
    first = [
        design.cell_file("estimates", cell, design.batches(cell[0])[0]) for cell in design.cells
    ]
    return {
        "summaries": _summaries(design),
        "data": _first_datasets(design, "data"),
        "truth": _first_datasets(design, "truth"),
        "estimates": first,
        "ranks": _of_cells(design, "estimates", ranked),
        "attempts": _of_cells(design, "diagnostics", ranked),
        "verified": _verified(design, "estimates") + _verified(design, "diagnostics"),
        "observed": _observed(design, "estimates"),
    }


def of_report(design: Design) -> Files:
    """Return the summary tables, the figures, and the fits to observed data."""
    figures = f"results/{design.study.name}/figures"
    return {
        "summaries": _summaries(design),
        "figures_costs": f"{figures}/costs.parquet",
        "figures": [f"{figures}/{each.name}.svg" for each in figure_list.figures(design.study)],
        "observed": [
            file for table in design.observed_summed_up for file in _observed(design, table)
        ],
    }


def of_outcome(design: Design) -> Files:
    """Return what says how fits went, and the page, which is to be written before."""
    results = f"results/{design.study.name}"
    names = ("convergence", "verification")
    summaries = [f"{results}/summary/{name}.parquet" for name in names]
    return {"summaries": summaries, "page": f"{results}/report.html"}


def _summaries(design: Design) -> list[str]:
    return [f"results/{design.study.name}/summary/{name}.parquet" for name in SUMMARIES]


def _of_cells(design: Design, table: str, cells: Iterable[Cell]) -> list[str]:
    having = [cell for cell in cells if table in design.tables_of(cell)]
    return [file for cell in having for file in design.cell_files(table, cell)]


def _first_datasets(design: Design, table: str) -> list[str]:
    return [
        design.dataset_file(table, scenario, design.batches(scenario)[0])
        for scenario in design.scenarios
    ]


def _observed(design: Design, table: str) -> list[str]:
    having = [cell for cell in design.observed_cells if table in design.tables_of(cell)]
    return [design.observed_file(table, *cell) for cell in having]


def _verified(design: Design, table: str) -> list[str]:
    return [
        design.verified_file(table, cell, batch)
        for cell in design.cells
        for batch in design.verified(cell)
    ]
