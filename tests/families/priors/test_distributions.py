"""Named distributions, whole and cut at a parameter's bound, against scipy.stats."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from recovery.families.priors import Bounded, read_distribution
from recovery.families.priors.distributions import DISTRIBUTIONS

SCIPY = {
    "normal(-1, 2)": stats.norm(-1, 2),
    "student_t(3, 1, 2.5)": stats.t(3, 1, 2.5),
    "student_t(7, -3, 1)": stats.t(7, -3, 1),
    "cauchy(1, 2)": stats.cauchy(1, 2),
    "logistic(0.5, 2)": stats.logistic(0.5, 2),
    "double_exponential(-1, 2)": stats.laplace(-1, 2),
    "exponential(3)": stats.expon(scale=1 / 3),
    "gamma(2, 0.1)": stats.gamma(2, scale=10),
    "gamma(0.5, 2)": stats.gamma(0.5, scale=0.5),
    "inv_gamma(3, 2)": stats.invgamma(3, scale=2),
    "lognormal(-1, 0.7)": stats.lognorm(0.7, scale=math.exp(-1)),
    "beta(2, 5)": stats.beta(2, 5),
    "uniform(-1, 4)": stats.uniform(-1, 5),
}
LOW = [-math.inf, 0.0, 0.5]
TAILS = [0.99, 0.7, 0.5, 0.2, 1e-6]
every_cut = pytest.mark.parametrize("low", LOW)
every_text = pytest.mark.parametrize("text", SCIPY)


def both(text, low):
    """The distribution cut at `low`, scipy's whole one, and the probability above `low`."""
    whole = SCIPY[text]
    return Bounded(read_distribution(text), low), whole, float(whole.sf(low))


def test_every_distribution_is_compared():
    proper = {name for name, kind in DISTRIBUTIONS.items() if kind.CODE > 0}
    assert {text.partition("(")[0] for text in SCIPY} == proper


@every_cut
@every_text
def test_densities_are_those_of_scipy_divided_by_the_probability_above_the_bound(text, low):
    cut, whole, mass = both(text, low)
    x = whole.isf(np.array(TAILS) * mass)
    np.testing.assert_allclose(cut.log_density(x), whole.logpdf(x) - math.log(mass), atol=1e-9)
    assert cut.log_mass == pytest.approx(math.log(mass), abs=1e-12)


@every_text
def test_tails_and_their_inverses_are_those_of_scipy(text):
    distribution, whole = read_distribution(text), SCIPY[text]
    for tail in TAILS:
        x = float(whole.isf(tail))
        assert distribution.from_upper_tail(tail) == pytest.approx(x, rel=1e-8, abs=1e-12)
        assert distribution.upper_tail(x) == pytest.approx(tail, rel=1e-8)


@every_cut
@every_text
def test_draws_have_the_distribution(text, low):
    """Kolmogorov-Smirnov at 1e-4."""
    cut, whole, mass = both(text, low)
    rng = np.random.default_rng(5)
    draws = np.array([cut.draw(rng) for _ in range(4000)])
    assert draws.min() >= low
    assert stats.kstest(draws, lambda x: 1 - whole.sf(x) / mass).pvalue > 1e-4


@every_cut
@every_text
def test_mean_and_sd_agree_with_numerical_integrals(text, low):
    cut, whole, mass = both(text, low)
    if not math.isfinite(whole.std()):
        assert not math.isfinite(cut.moments()[1])
        return
    start, end = max(low, whole.support()[0]), whole.support()[1]
    first, second = (
        integrate.quad(lambda x, k=k: x**k * whole.pdf(x) / mass, start, end, limit=500)[0]
        for k in (1, 2)
    )
    expected = first, math.sqrt(second - first**2)
    assert cut.moments() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_half_normal_and_half_student_have_their_known_moments_at_any_scale(scale):
    mean, sd = Bounded(read_distribution(f"normal(0, {scale})"), 0).moments()
    expected = math.sqrt(2 / math.pi), math.sqrt(1 - 2 / math.pi)
    assert (mean / scale, sd / scale) == pytest.approx(expected, rel=1e-9)
    mean, sd = Bounded(read_distribution(f"student_t(3, 0, {scale})"), 0).moments()
    expected = 2 * math.sqrt(3) / math.pi, math.sqrt(3 - 12 / math.pi**2)
    assert (mean / scale, sd / scale) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("location", [10.0, 300.0, 1e4, 1e8])
@pytest.mark.parametrize(
    ("text", "sd"),
    [
        ("normal({}, 1)", 1),
        ("student_t(4, {}, 1)", math.sqrt(2)),
        ("double_exponential({}, 1)", math.sqrt(2)),
    ],
)
def test_a_bound_far_below_the_distribution_changes_nothing(text, sd, location):
    """Of Student's t with 4 degrees of freedom, about 6 / location^2 of the variance is cut off."""
    found = Bounded(read_distribution(text.format(location)), 0).moments()
    lost = 20 / location**2 if "student" in text else 1e4 * math.exp(-location)
    assert found == pytest.approx((location, sd), rel=max(1e-9, lost))


def test_narrow_distributions_above_a_bound_have_their_moments():
    for text in ("gamma(1e6, 1e3)", "lognormal(5, 0.001)", "inv_gamma(1e6, 1e6)"):
        whole = read_distribution(text)
        assert Bounded(whole, 0.5).moments() == pytest.approx(whole.moments(), rel=1e-7)


@pytest.mark.parametrize("text", ["cauchy(0, 1)", "student_t(2, 0, 1)", "inv_gamma(2, 1)", "flat"])
def test_distributions_without_a_variance_have_no_finite_sd(text):
    assert not math.isfinite(Bounded(read_distribution(text), 0).moments()[1])


def test_a_bound_far_in_the_tail_keeps_its_digits():
    """The mean of a normal distribution above a far bound is a Mills ratio."""
    mean, _ = Bounded(read_distribution("normal(-20, 1)"), 0).moments()
    above = math.exp(stats.norm.logpdf(20) - stats.norm.logsf(20))
    assert mean + 20 == pytest.approx(above, rel=1e-9)
    rng = np.random.default_rng(1)
    draws = [Bounded(read_distribution("normal(-20, 1)"), 0).draw(rng) for _ in range(500)]
    assert 0 < min(draws) < max(draws) < 1


def test_a_constant_is_its_value():
    constant = Bounded(read_distribution("constant(2.5)"), 0)
    assert constant.draw(np.random.default_rng(1)) == 2.5
    assert constant.moments() == (2.5, 0)
    assert constant.log_mass == 0


def test_the_text_of_a_distribution_is_written_in_one_way():
    assert str(read_distribution(" student_t( 3,0 , 2.50)")) == "student_t(3, 0, 2.5)"
    assert str(read_distribution("flat")) == "flat"
    assert read_distribution("normal(0,1)") == read_distribution("normal(0.0, 1.0)")
