"""What the jobs of each rule read: ancient where what they make exists with its identity."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import make_design
from observed_study import OBSERVED

from recovery import tables
from recovery.common.hashing import digest
from recovery.plan import figure_list, identities, paths
from recovery.plan.inputs import Inputs
from recovery.tables.summary_schemas import SUMMARIES

SCENARIO = "moderate-4x3"
BATCH = SimpleNamespace(scenario=SCENARIO, batch="00001-00025")
FIT = SimpleNamespace(**vars(BATCH), model="centered", prior="weak")
FROM_OBSERVED = {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}}


class Ancient(str):
    """A file that Snakemake is told to take as older than all others."""


def inputs(*places: tuple, **sources) -> Inputs:
    return Inputs(make_design(*places, **sources), ancient=Ancient)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file: str, identity: str, replicates: str = "") -> None:
    """Write a table without rows, of this identity and of these replicates."""
    columns, schema = {"replicate": np.empty(0, int)}, tables.data_schema({})
    tables.write(columns, file, schema, identity, replicates=replicates)


def test_a_simulation_reads_nothing(folder):
    assert inputs().simulate(BATCH) == {}


def test_a_truth_of_an_observed_fit_is_simulated_from_that_fit(folder):
    found = inputs(("observed", "real", OBSERVED), ("truths", "as_real", FROM_OBSERVED))
    wildcards = SimpleNamespace(scenario="as_real-4", batch="00001-00025")
    assert found.simulate(wildcards) == {
        "observed": "results/small/observed/data/real/00001-00001.parquet",
        "estimates": "results/small/observed/estimates/real/centered/weak/00001-00001.parquet",
    }


def test_a_fit_reads_the_datasets_of_its_batch(folder):
    assert inputs().fit(FIT) == {
        "data": [f"results/small/data/{SCENARIO}/00001-00025.parquet"],
        "truth": [f"results/small/truth/{SCENARIO}/00001-00025.parquet"],
    }


def test_an_engine_that_compiles_reads_the_executable_too(folder):
    found = inputs(("engine", "cmdstan"), engine_version="2.37").fit(FIT)
    version = inputs(("engine", "cmdstan"), engine_version="2.37").params.compiled_version(
        "centered"
    )
    assert found["executable"] == [f"results/small/programs/centered-{version}"]


@pytest.mark.parametrize(
    ("of_last", "ancient"),
    [({}, True), ({"identity": "another"}, False), ({"replicates": "1-24"}, False)],
)
def test_inputs_are_ancient_only_when_every_table_has_its_identity_and_replicates(
    folder, of_last, ancient
):
    found = inputs()
    (specification,) = found.params.fit(FIT)
    written = {key: specification[key] for key in ("identity", "replicates")}
    for table in ("estimates", "groups", "diagnostics"):
        file = found.design.cell_file(table, (SCENARIO, "centered", "weak"), first_batch(found))
        write(file, **(written | (of_last if table == "diagnostics" else {})))
    marked = [isinstance(file, Ancient) for (file,) in found.fit(FIT).values()]
    assert marked == [ancient, ancient]


def first_batch(found: Inputs):
    return found.design.data_batches(SCENARIO)[0]


def test_the_summary_reads_every_table_of_every_fit(folder):
    found = inputs()
    wanted = found.summarise()
    for table in ("estimates", "groups", "diagnostics"):
        files = {
            file for cell in found.design.cells for file in found.design.cell_files(table, cell)
        }
        assert set(wanted[table]) == files
    assert wanted["data"] == f"results/small/data/{SCENARIO}/00001-00025.parquet"


def test_the_report_reads_the_summary_and_every_figure(folder):
    found = inputs()
    wanted = found.report()
    assert wanted["summaries"] == [f"results/small/summary/{name}.parquet" for name in SUMMARIES]
    names = [each.name for each in figure_list.figures(found.design.study)]
    assert wanted["figures"] == [f"results/small/figures/{name}.svg" for name in names]


def test_missing_tables_are_asked_for_once_the_summary_exists(folder):
    found = inputs()
    assert found.missing() == []
    for name in SUMMARIES:
        write(found.design.summary_file(name), digest(found.params.summarise()))
    assert set(found.missing()) == set(identities.files(found.design))
    some = found.design.dataset_file("data", SCENARIO, first_batch(found))
    write(some, "any")
    assert some not in found.missing()


def test_the_page_counts_as_written_only_with_its_identity(folder):
    found = inputs()
    page = folder / found.design.file(paths.REPORT)
    assert not found.report_exists()
    page.parent.mkdir(parents=True)
    page.write_text("another")
    assert not found.report_exists()
    page.write_text(digest(found.params.report()))
    assert found.report_exists()
    assert all(isinstance(file, Ancient) for file in [found.report()["figures_costs"]])
