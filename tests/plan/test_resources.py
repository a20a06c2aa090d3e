"""What jobs of fits ask of the machine grows with the study, and with every attempt."""

from conftest import make_study

from recovery.plan import resources


def test_a_job_asks_for_more_time_with_every_step_of_a_rescue():
    plain, rescued = make_study(), make_study(("rescue", [{"adapt_delta": 0.9}]))
    assert resources.minutes(plain, 1) == 130  # two fits of an hour, and a start
    assert resources.minutes(rescued, 1) == 250
    assert resources.minutes(plain, 2) == 260


def test_a_short_time_limit_still_asks_for_an_hour():
    assert resources.minutes(make_study(("sampler", {"time_limit": 1})), 1) == 60


def test_a_job_asks_for_more_memory_for_more_draws_and_participants():
    small, large = make_study(), make_study(("participants", [500]))
    longer = make_study(("participants", [500]), ("rescue", [{"draws": 10_000}]))
    asked = [resources.memory(study, 1) for study in (small, large, longer)]
    assert 1000 < asked[0] < asked[1] < asked[2]
    assert resources.memory(small, 3) == 4 * asked[0]
