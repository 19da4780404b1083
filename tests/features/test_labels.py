"""Which of several labels counts, against Feast's own resolver on the labels that are known at a
time, and against a search in plain Python where Feast leaves ties open.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pytest
from feast.labeling import ConflictPolicy, resolve_conflicts

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.features.definitions import LabelSpec
from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.labels import MAJORITY, PRIORITY, resolution_of
from jupyter_mlinfra.features.pulling import latest, latest_labels
from jupyter_mlinfra.features.sources import SourceSpec

T0 = datetime(2026, 3, 1, tzinfo=UTC)
LABELERS = ["ana", "bot", "eva"]
POLICIES = ["last_write_wins", PRIORITY, MAJORITY]

Row = dict[str, Any]


def labels(seed: int, count: int, *, ties: bool) -> list[Row]:
    """Random labels of four entities; with ties, several have the same times."""
    chance = random.Random(seed)
    moments = list(range(count)) if not ties else [n // 4 for n in range(count)]
    chance.shuffle(moments)
    return [
        {
            "user": chance.randrange(4),
            "at": T0 + timedelta(minutes=minute),
            "made": T0 + timedelta(minutes=minute + chance.choice([0, 0, 30])),
            "good": chance.choice([0, 1, None]),
            "why": chance.choice(["spam", "scam", "ok", None]),
            "labeler": chance.choice([*LABELERS, "guest"]),
        }
        for minute in moments
    ]


SCHEMA = {
    "user": pl.Int64,
    "at": pl.Datetime("us", "UTC"),
    "made": pl.Datetime("us", "UTC"),
    "good": pl.Int64,
    "why": pl.String,
    "labeler": pl.String,
}


def answer(
    rows: Sequence[Row], asked: Sequence[Row], policy: str, **options: Any
) -> list[tuple[Any, ...]]:
    spec = LabelSpec(policy=policy, labeler="labeler", priorities=LABELERS)
    view = JoinView(
        name="labels",
        frame=pl.DataFrame(rows, schema=SCHEMA).lazy(),
        keys={"user": "user"},
        features={"good": "good", "why": "why", "labeler": "labeler"},
        time="at",
        created="made",
        resolution=resolution_of(spec),
        **options,
    )
    entities = pl.DataFrame(asked, schema={"user": pl.Int64, "when": SCHEMA["at"]})
    joined = join_as_of(entities.lazy(), [view], at="when").collect()
    assert joined.select("user", "when").rows() == entities.rows()
    return joined.select("good", "why", "labeler").rows()


def known(
    rows: Sequence[Row], ask: Row, *, ttl: timedelta | None, created_counts: bool
) -> list[Row]:
    return [
        row
        for row in rows
        if row["user"] == ask["user"]
        and row["at"] <= ask["when"]
        and (ttl is None or ask["when"] - row["at"] <= ttl)
        and (not created_counts or row["made"] <= ask["when"])
    ]


def by_feast(rows: Sequence[Row], policy: str) -> tuple[Any, ...]:
    if not rows:
        return None, None, None
    frame = pd.DataFrame(rows).astype({"good": "Int64"})
    found = resolve_conflicts(
        frame.drop(columns="made"),
        ["user"],
        ["good", "why", "labeler"],
        "at",
        "labeler",
        ConflictPolicy(policy),
        LABELERS,
    )
    return tuple(
        None if pd.isna(found[name][0]) else found[name][0] for name in ("good", "why", "labeler")
    )


def by_search(rows: Sequence[Row], policy: str) -> tuple[Any, ...]:
    """The rule of `labels.py`, in plain Python; `rows` in the order of the source."""
    if not rows:
        return None, None, None
    order = sorted(range(len(rows)), key=lambda n: (rows[n]["at"], rows[n]["made"], n))
    ordered = [rows[n] for n in order]
    if policy == MAJORITY:
        return _most(ordered, "good"), _most(ordered, "why"), MAJORITY
    strength = {name: len(LABELERS) - place for place, name in enumerate(LABELERS)}
    if policy == PRIORITY:
        best = max(strength.get(row["labeler"], 0) for row in ordered)
        ordered = [row for row in ordered if strength.get(row["labeler"], 0) == best]
    last: Mapping[str, Any] = ordered[-1]
    return last["good"], last["why"], last["labeler"]


def _most(ordered: Sequence[Row], name: str) -> Any:
    values = [row[name] for row in ordered if row[name] is not None]
    if not values:
        return None
    return max(set(values), key=lambda value: (values.count(value), _last(values, value)))


def _last(values: Sequence[Any], value: Any) -> int:
    return len(values) - values[::-1].index(value)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_label_that_counts_is_the_one_that_feast_resolves(policy: str) -> None:
    compared = 0
    for seed, ttl, created_counts in itertools.product(
        range(2), (None, timedelta(minutes=25)), (False, True)
    ):
        rows = labels(seed, 60, ties=False)
        asked = [
            {"user": u, "when": T0 + timedelta(minutes=m)}
            for u in range(5)
            for m in (-1, 7, 30, 45, 99)
        ]
        got = answer(rows, asked, policy, ttl=ttl, created_counts=created_counts)
        for ask, values in zip(asked, got, strict=True):
            usable = known(rows, ask, ttl=ttl, created_counts=created_counts)
            assert values == by_feast(usable, policy), (ask, usable)
            compared += 1
    assert compared == 200


@pytest.mark.parametrize("policy", POLICIES)
def test_ties_are_decided_by_the_rule_of_joins(policy: str) -> None:
    for seed in range(20):
        rows = labels(seed, 120, ties=True)
        asked = [
            {"user": u, "when": T0 + timedelta(minutes=m)}
            for u in range(4)
            for m in range(0, 32, 2)
        ]
        got = answer(rows, asked, policy)
        for ask, values in zip(asked, got, strict=True):
            usable = known(rows, ask, ttl=None, created_counts=False)
            assert values == by_search(usable, policy), (seed, ask)


@pytest.mark.parametrize("policy", [PRIORITY, MAJORITY])
def test_what_is_materialized_is_the_label_that_counts_at_its_end(policy: str) -> None:
    rows = labels(7, 80, ties=True)
    source = SourceSpec(kind="parquet", name="labels", time="at", created="made")
    resolution = resolution_of(LabelSpec(policy=policy, labeler="labeler", priorities=LABELERS))
    assert resolution is not None
    features = ["good", "why", "labeler"]
    found = latest_labels(
        pl.DataFrame(rows, schema=SCHEMA).lazy(), source, ["user"], features, resolution
    ).collect()
    for user, *values, at, _ in found.sort("user").iter_rows():
        own = [row for row in rows if row["user"] == user]
        assert tuple(values) == by_search(own, policy)
        if policy == MAJORITY:
            assert at == max(row["at"] for row in own)
    assert found.height == 4


def test_rows_without_a_key_are_online_for_nobody() -> None:
    source = SourceSpec(kind="parquet", name="labels", time="at")
    rows = pl.LazyFrame(
        {"user": [1.0, float("nan"), None], "name": ["x", "y", "z"], "at": [T0] * 3}
    )
    assert latest(rows, source, ["user", "name"]).collect()["user"].to_list() == [1.0]


def test_priorities_without_names_are_the_last_label_and_a_missing_labeler_is_named() -> None:
    assert resolution_of(LabelSpec(policy=PRIORITY, labeler="labeler")) is None
    assert resolution_of(LabelSpec(policy="last_write_wins", labeler="labeler")) is None
    resolution = resolution_of(LabelSpec(policy=PRIORITY, labeler="who", priorities=["ana"]))
    with pytest.raises(Unprocessable, match="no column who"):
        JoinView(
            name="labels",
            frame=pl.DataFrame(schema=SCHEMA).lazy(),
            keys={"user": "user"},
            features={"good": "good"},
            time="at",
            resolution=resolution,
        )
