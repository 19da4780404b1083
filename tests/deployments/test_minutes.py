"""The requests of the last hour, from counters."""

from __future__ import annotations

from jupyter_mlinfra.deployments.targets.minutes import MINUTES, Minutes

KEY = ("flights", "v1")


def test_requests_are_counted_in_the_minute_in_which_they_were_seen() -> None:
    minutes = Minutes()
    assert minutes.count(KEY, 500, 60.0) == [0], "what was before the first look nobody knows"
    assert minutes.count(KEY, 510, 90.0) == [10]
    assert minutes.count(KEY, 512, 125.0) == [10, 2]
    assert minutes.count(KEY, 512, 300.0) == [10, 2, 0, 0, 0]
    assert minutes.count(KEY, 7, 301.0) == [10, 2, 0, 0, 7], "the counter has begun anew"
    assert minutes.count(("flights", "v2"), 9, 301.0) == [0]


def test_what_is_older_than_an_hour_or_of_a_version_that_is_gone_is_forgotten() -> None:
    minutes = Minutes()
    for minute in range(2 * MINUTES):
        found = minutes.count(KEY, minute, 60.0 * minute)
    assert found == [1] * MINUTES
    minutes.keep([])
    assert minutes.count(KEY, 1000, 60.0 * 2 * MINUTES) == [0]
