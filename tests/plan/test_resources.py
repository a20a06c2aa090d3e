"""What jobs of fits ask of the machine grows with the study, and with every attempt."""

from conftest import make_design

from recovery import families
from recovery.plan.resources import JobResources


def minutes(attempt: int, *places: tuple) -> int:
    return JobResources(make_design(*places)).minutes(None, attempt)


def memory(attempt: int, *places: tuple) -> int:
    return JobResources(make_design(*places)).memory(None, attempt)


def test_a_job_asks_for_more_time_with_every_step_of_a_rescue():
    assert minutes(1) == 130  # two fits of an hour, and a start
    assert minutes(1, ("rescue", [{"adapt_delta": 0.9}])) == 250
    assert minutes(2) == 260


def test_a_short_time_limit_still_asks_for_an_hour():
    assert minutes(1, ("sampler", {"time_limit": 1})) == 60


def test_a_job_asks_for_more_memory_for_more_draws_and_participants():
    many = ("participants", [500])
    small, large, longer = (
        memory(1),
        memory(1, many),
        memory(1, many, ("rescue", [{"draws": 10_000}])),
    )
    assert 1000 < small < large < longer
    assert memory(3) == 4 * small


def test_only_jobs_that_run_the_code_of_an_own_family_ask_for_the_time_of_fits(monkeypatch):
    resources = JobResources(make_design())
    assert resources.of_family_code() == {}
    monkeypatch.setattr(families, "is_own", lambda choice: True)
    assert set(resources.of_family_code()) == {"runtime"}
