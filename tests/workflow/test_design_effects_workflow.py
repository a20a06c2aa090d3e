"""Effects of the design in a study that was run: those that its estimates give by hand."""

import pandas as pd
import pytest
from scipy import stats

from recovery.tables.summary_schemas import DESIGN_EFFECTS

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def results(batched_study):
    return batched_study.folder / "results/small"


@pytest.fixture(scope="module")
def effects(results):
    return pd.read_parquet(results / "summary/design_effects.parquet")


@pytest.mark.parametrize("factor", ["model", "prior"])
def test_effects_are_paired_tests_of_the_estimates(results, effects, factor):
    # One scenario of two models and two priors, so that a factor is a difference per dataset.
    fits = pd.concat(map(pd.read_parquet, (results / "estimates").rglob("*.parquet")))
    fits = fits[fits["parameter"] == "b_x"].assign(error=lambda x: x["mean"] - x["truth"])
    means = fits.groupby(["replicate", factor])["error"].mean().unstack()
    expected = stats.ttest_rel(*means.to_numpy().T)
    keys = (effects["parameter"] == "b_x") & (effects["measure"] == "bias")
    (found,) = effects[keys & (effects["term"] == factor)].to_dict("records")
    assert found["p_value"] == pytest.approx(expected.pvalue)
    assert found["statistic"] == pytest.approx(expected.statistic**2)
    marginal = means.mean()
    assert found["largest_difference"] == pytest.approx(marginal.max() - marginal.min())
    assert (found["from_level"], found["to_level"]) == (marginal.idxmin(), marginal.idxmax())
    assert found["n_datasets"] == len(means)


def test_a_parameter_of_one_model_has_effects_of_priors_only(effects):
    terms = effects.groupby("parameter")["term"].agg(set)
    assert terms["b_x"] == {"model", "prior", "model x prior"}
    assert terms["sd_participant__x"] == {"prior"}
    assert list(effects) == DESIGN_EFFECTS.names


def test_the_page_of_a_study_has_the_effects_and_their_figure(small_study):
    results = small_study.folder / "results/small"
    page = (results / "report.html").read_text()
    assert '<h2 id="effects">' in page
    assert '<figure id="design_effects">' in page
    rows = page.split('id="all-effects"')[1].split("</table>")[0].count("<tr>") - 1
    assert rows == len(pd.read_parquet(results / "summary/design_effects.parquet"))
