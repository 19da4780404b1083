"""Materialize, killed before each step that it takes on disk or at its online store: whoever asks
gets whole rows, old or new; what is noted as online is; and the next run ends what was begun,
without skipping a value or overwriting a newer one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from features_work import DAY, PUSHED, T0
from servers import Server, redis
from steps import Place, Works

SETTINGS = (
    f'[jobs]\nwarm_kernels = 0\n[features]\napply_minutes = 60\nas_of = "{T0 + 4 * DAY:%FT%TZ}"\n'
)
VECTORS = """
from feast import FeatureService

ready = FeatureService(name="ready", features=[clicks], precompute_online=True)
"""
FIRST, LAST = (
    {"first": 0, "following": 0, "backfill": 2},
    {"first": 3, "following": 1, "backfill": 3},
)
"""The day that is online before a run and after it."""


class Online:
    """A Redis as it was when this was made."""

    def __init__(self, server: Server) -> None:
        from redis import Redis

        self._client = Redis(port=server.port)
        self._kept = {key: self._client.dump(key) for key in self._client.scan_iter()}

    def again(self) -> None:
        self._client.flushall()
        for key, value in self._kept.items():
            self._client.restore(key, 0, value)


def day_of(row: list[Any], user: int) -> int | None:
    """The day of a whole row; None: there is none."""
    n, twice, *status = row
    if status == ["NOT_FOUND", "NOT_FOUND"]:
        return None
    assert status == ["PRESENT", "PRESENT"], row
    assert twice == 2 * n, f"half a row: {row}"
    return int(n - user) // 10


def faults(seen: dict[str, Any], verb: str) -> Iterator[str]:
    """What is wrong with what is online and what is said of it."""
    rows = seen["rows"]
    if rows[PUSHED] != [777, 2 * 777, "PRESENT", "PRESENT"]:
        yield f"the newer value is overwritten: {rows[PUSHED]}"
    days = [day_of(row, user) for user, row in enumerate(rows) if user != PUSHED]
    least = min(-1 if day is None else day for day in days)
    if verb != "first" and least < FIRST[verb]:
        yield f"older than before: {rows}"
    ends = [datetime.fromisoformat(end) for end in seen["until"]]
    told = max(ends) if ends else T0 - DAY
    if least < min((told - T0) // DAY, LAST[verb]):
        yield f"said to be online until {told}, which has {rows}"


def killed(works: Works, places: list[Any], verb: str, few: int) -> Iterator[str]:
    """What is wrong after each kill. few: how many steps are tried; 0 for each."""
    steps = works.run(verb).steps
    after = works.told("online")
    assert list(faults(after, verb)) == []
    assert {day_of(row, user) for user, row in enumerate(after["rows"]) if user != PUSHED} == {
        LAST[verb]
    }
    stride = -(-len(steps) // few) if few else 1
    for number in range(1 + stride // 2, len(steps) + 1, stride):
        where = f"{verb}, killed at step {number} of {len(steps)}, {steps[number - 1]}"
        for place in places:
            place.again()
        if not works.run(verb, kill_at=number).killed:
            yield f"{where}: it lived"
        yield from (f"{where}: {fault}" for fault in faults(works.told("online"), verb))
        again = works.run(verb)
        if again.error:
            yield f"{where}: cannot be called again: {again.error}"
        for _ in range(2):
            seen = works.told("online")
            yield from (f"{where}, and again: {fault}" for fault in faults(seen, verb))
            if lasting(seen) != lasting(after):
                yield f"{where}, and again: {seen}, not {after}"
            works.told("following")


def lasting(seen: dict[str, Any]) -> dict[str, Any]:
    """Without the ends of Feast's intervals, of which there are more after two runs."""
    return {name: value for name, value in seen.items() if name != "until"}


SLOW = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("store", "verb", "few"),
    [
        ("sqlite", "first", 1),
        *(
            pytest.param(store, verb, 0, marks=SLOW)
            for store in ("sqlite", "redis")
            for verb in FIRST
        ),
    ],
)
def test_what_is_online_is_whole_and_the_next_run_ends_what_was_begun(
    tmp_path: Path, store: str, verb: str, few: int
) -> None:
    repo = tmp_path / "project" / "feature_repo"
    repo.mkdir(parents=True)
    (repo.parent / "mlinfra.toml").write_text(SETTINGS)
    if store == "sqlite":
        with Works("features_work", repo.parent) as works:
            works.told(f"before_{verb}")
            assert list(killed(works, [Place(tmp_path)], verb, few)) == []
        return
    with redis() as server, Works("features_work", repo.parent) as works:
        store_yaml = {"online_store": {"type": "redis", "connection_string": server.address}}
        (repo / "feature_store.yaml").write_text(json.dumps(store_yaml))
        (repo / "views.py").write_text(VECTORS)
        works.told(f"before_{verb}")
        assert list(killed(works, [Place(tmp_path), Online(server)], verb, few)) == []
