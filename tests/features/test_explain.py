"""As of: the row that a join takes for one entity, and one true reason against every other."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.definitions import Column, Definition, LabelSpec, WindowSpec
from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.knowing.explain import explain
from jupyter_mlinfra.features.sources import SourceSpec
from jupyter_mlinfra.features.windows.plan import window_spec
from jupyter_mlinfra.nouns.features import FeatureStoreHandle
from jupyter_mlinfra.workbench import Workbench

T0 = datetime(2026, 3, 1, tzinfo=UTC)
CASES = examples(800)


def view_of(path: Path, *, ttl: timedelta | None, created: bool, keys: int) -> Definition:
    return Definition(
        name="clicks",
        kind="batch",
        entities=["user"],
        keys=[Column(name=f"key{place}", type="INT64", tags={}) for place in range(keys)],
        features=[Column(name="value", type="INT64", tags={})],
        ttl_seconds=ttl.total_seconds() if ttl else None,
        source=SourceSpec(
            kind="parquet", name=str(path), time="at", created="made" if created else None
        ),
        online=False,
        owner="",
        tags={},
        description="",
        digest="",
        materialized_until=None,
    )


def test_the_taken_row_is_that_of_the_join_and_each_other_has_the_one_true_reason(
    tmp_path: Path,
) -> None:
    """Times lie so close that rows meet in every way; the reasons are found by comparing each row
    with the rule in plain Python.
    """
    draw = random.Random(5)
    seen: dict[str, int] = {}
    for number in range(CASES // 40):
        keys, created = draw.randrange(3), draw.random() < 0.7
        ttl = draw.choice([None, timedelta(hours=2), timedelta(hours=5)])
        rows = _rows(draw, keys)
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame(rows, schema=_schema(keys)).write_parquet(path)
        view = view_of(path, ttl=ttl, created=created, keys=keys)
        known_only = draw.random() < 0.5
        asked = [
            {
                **{f"key{place}": draw.randrange(2) for place in range(keys)},
                "asked": T0 + timedelta(hours=draw.randrange(12), minutes=draw.choice([0, 0, 30])),
            }
            for _ in range(40)
        ]
        taken = _joined(path, view, asked, known_only)
        for question, joined in zip(asked, taken, strict=True):
            entity = {key: value for key, value in question.items() if key != "asked"}
            at = question["asked"]
            found = explain(view, tmp_path, entity, at, known_only=known_only, limit=200)
            expected = _reasons(rows, entity, at, ttl, created, known_only)
            told = {row.values["value"]: row.verdict for row in found.rows}
            assert told == expected, (number, entity, at)
            assert (found.taken.values["value"] if found.taken else None) == joined
            assert (found.total, found.shown) == (len(expected), len(expected))
            assert found.taken is None or found.rows[0] is found.taken
            assert all(row.why for row in found.rows)
            for verdict in told.values():
                seen[verdict] = seen.get(verdict, 0) + 1
    assert {*seen} == {
        "taken",
        "older",
        "tie_created",
        "tie_order",
        "expired",
        "later",
        "created_later",
        "no_time",
    }
    assert min(seen.values()) > 10


def test_a_nanosecond_past_the_ttl_is_expired_as_in_the_join(tmp_path: Path) -> None:
    path, ttl = tmp_path / "rows.parquet", timedelta(hours=2)
    view = view_of(path, ttl=ttl, created=False, keys=1)
    edge = pl.Series([T0 - ttl] * 3, dtype=pl.Datetime("ns", "UTC"))
    at = edge + pl.Series([-1, 0, 1]).cast(pl.Duration("ns"))
    pl.DataFrame({"key0": [0, 1, 2], "at": at, "value": [0, 1, 2]}).write_parquet(path)
    asked = [{"key0": key, "asked": T0} for key in range(3)]
    told = [explain(view, tmp_path, {"key0": key}, T0).taken for key in range(3)]
    values = [row.values["value"] if row else None for row in told]
    assert values == _joined(path, view, asked, known_only=False) == [None, 1, 2]


def _schema(keys: int) -> dict[str, Any]:
    moment = pl.Datetime("us", "UTC")
    return {
        **{f"key{place}": pl.Int64 for place in range(keys)},
        "at": moment,
        "made": moment,
        "value": pl.Int64,
    }


def _rows(draw: random.Random, keys: int) -> list[dict[str, Any]]:
    """Each with a value of its own."""
    rows = []
    for value in range(draw.randrange(1, 60)):
        at = T0 + timedelta(hours=draw.randrange(12)) if draw.random() < 0.95 else None
        late = draw.choice([0, 0, 1, 3])
        made = at + timedelta(hours=late) if at is not None and draw.random() < 0.85 else None
        key = {
            f"key{place}": draw.randrange(2) if draw.random() < 0.95 else None
            for place in range(keys)
        }
        rows.append({**key, "at": at, "made": made, "value": value})
    return rows


def _reasons(
    rows: list[dict[str, Any]],
    entity: dict[str, int],
    at: datetime,
    ttl: timedelta | None,
    created: bool,
    known_only: bool,
) -> dict[int, str]:
    """By value: the reason of each row with this key."""
    mine = [row for row in rows if all(row[key] == value for key, value in entity.items())]
    reasons, usable = {}, []
    for place, row in enumerate(mine):
        if row["at"] is None:
            reasons[row["value"]] = "no_time"
        elif row["at"] > at:
            reasons[row["value"]] = "later"
        elif ttl is not None and row["at"] < at - ttl:
            reasons[row["value"]] = "expired"
        elif created and known_only and (row["made"] is None or row["made"] > at):
            reasons[row["value"]] = "created_later"
        else:
            made = row["made"] if created and row["made"] else datetime.min.replace(tzinfo=UTC)
            usable.append((row["at"], made, place, row["value"]))
    if usable:
        best = max(usable)
        reasons[best[3]] = "taken"
        for item in usable:
            if item is not best:
                reasons[item[3]] = (
                    "older"
                    if item[0] < best[0]
                    else "tie_created"
                    if item[1] < best[1]
                    else "tie_order"
                )
    return reasons


def _joined(
    path: Path, view: Definition, asked: list[dict[str, Any]], known_only: bool
) -> list[int | None]:
    """The values that the join of training sets takes."""
    assert view.source is not None
    join = JoinView(
        name="clicks",
        frame=pl.scan_parquet(path),
        keys={key.name: key.name for key in view.keys},
        features={"value": "value"},
        time="at",
        created=view.source.created,
        ttl=view.ttl,
        created_counts=known_only,
    )
    values: list[int | None] = (
        join_as_of(pl.LazyFrame(asked), [join], at="asked").collect()["value"].to_list()
    )
    return values


def test_reasons_are_told_in_words_and_the_nearest_rows_are_shown(applied_shop: Project) -> None:
    data = applied_shop.root / "feature_repo" / "data" / "clicks.parquet"
    day, hour = timedelta(days=1), timedelta(hours=1)
    times = [T0, T0 + day, T0 + day, T0 + day, T0 + day + 2 * hour, T0 + 9 * day]
    made = [T0, T0 + day + hour, T0 + day, T0 + day + 5 * hour, T0 + 2 * day, T0 + 9 * day]
    pl.DataFrame({"user_id": [1] * 6, "at": times, "made": made}).with_columns(
        clicks_7d=pl.arange(6), rate=pl.lit(0.5)
    ).write_parquet(data)
    features = Features(applied_shop)
    found = features.explain("clicks", {"user_id": "1"}, T0 + 31 * hour)
    assert [(row.values["clicks_7d"], row.verdict) for row in found.rows] == [
        (4, "taken"),
        (3, "older"),
        (2, "older"),
        (1, "older"),
        (0, "expired"),
        (5, "later"),
    ]
    why = {row.values["clicks_7d"]: row.why for row in found.rows}
    assert why[4].endswith("inside the ttl of 1 d 6 h; written later, at 2026-03-03 00:00")
    assert why[0] == "expired: 1 d 7 h old, the ttl is 1 d 6 h"
    assert why[5].endswith("not known yet, would leak 7 d 17 h of the future")
    known = features.explain("clicks", {"user_id": 1}, T0 + 31 * hour, known_only=True, limit=3)
    assert [(row.values["clicks_7d"], row.verdict) for row in known.rows] == [
        (3, "taken"),
        (4, "created_later"),
        (2, "tie_created"),
    ]
    assert known.rows[2].why.startswith("same event time, written earlier (00:00 before 05:00)")
    assert (known.shown, known.total, known.verdicts["tie_created"]) == (3, 6, 2)
    nobody = features.explain("clicks", {"user_id": 99}, T0)
    assert (nobody.taken, nobody.total) == (None, 0)
    handle = FeatureStoreHandle(Workbench(applied_shop))
    assert handle.explain("clicks", "2026-03-02T07:00Z", user_id=1).taken == found.taken


def test_questions_that_cannot_be_answered_say_what_to_ask(shop: Features) -> None:
    with pytest.raises(BadRequest, match="needs the key user_id") as caught:
        shop.explain("clicks", {"user": 1}, T0)
    assert caught.value.fix == "Give user_id."
    with pytest.raises(BadRequest, match="wrong type"):
        shop.explain("clicks", {"user_id": "one"}, T0)
    with pytest.raises(NotFound):
        shop.explain("click", {"user_id": 1}, T0)
    with pytest.raises(BadRequest, match="limit"):
        shop.explain("clicks", {"user_id": 1}, T0, limit=0)


def test_a_key_that_is_a_time_is_found_and_told_as_one(tmp_path: Path) -> None:
    rows = {"key0": [T0, T0 + timedelta(hours=1)], "at": [T0, T0], "value": [1, 2]}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    view = view_of(tmp_path / "a.parquet", ttl=None, created=False, keys=1)
    view = replace(view, keys=[Column(name="key0", type="UNIX_TIMESTAMP", tags={})])
    for asked in ("2026-03-01T01:00:00Z", T0 + timedelta(hours=1), 1772326800):
        found = explain(view, tmp_path, {"key0": asked}, T0)
        assert found.taken is not None
        assert found.taken.values == {"value": 2}
        assert found.entity == {"key0": T0 + timedelta(hours=1)}
    with pytest.raises(BadRequest, match="not a time such as"):
        explain(view, tmp_path, {"key0": "soon"}, T0)


def test_labels_are_told_by_their_policy(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pl.DataFrame(
        {
            "key0": [1, 1, 1],
            "at": [T0, T0 + timedelta(hours=1), T0 + timedelta(hours=2)],
            "value": [1, 2, 2],
            "who": ["ana", "bot", "bot"],
        }
    ).write_parquet(path)
    plain = view_of(path, ttl=None, created=False, keys=1)
    spec = LabelSpec(policy="labeler_priority", labeler="who", priorities=["ana", "bot"])
    at = T0 + timedelta(days=1)
    strong = explain(replace(plain, labels=spec), tmp_path, {"key0": 1}, at)
    assert [row.verdict for row in strong.rows] == ["taken", "outranked", "outranked"]
    assert strong.taken is not None
    assert strong.taken.values == {"value": 1}
    vote = explain(
        replace(plain, labels=replace(spec, policy="majority_vote")), tmp_path, {"key0": 1}, at
    )
    assert (vote.taken, vote.verdicts) == (None, {"counted": 3})
    assert "most frequent" in vote.note
    with pytest.raises(Conflict, match="no stored rows"):
        explain(replace(plain, computed=True), tmp_path, {"key0": 1}, at)


def test_each_row_is_in_the_windows_that_the_rule_says_and_they_give_what_a_join_gives(
    tmp_path: Path,
) -> None:
    """Rows, reasons and aggregates against the rule in plain Python; each value is different."""
    draw, seen = random.Random(9), dict[str, int]()
    specs = [
        window_spec("value", "count", window=timedelta(hours=3), slide=None, name="n"),
        window_spec(
            "value", "sum", window=timedelta(hours=5), slide=timedelta(hours=1), name="total"
        ),
        window_spec("value", "max", window=None, slide=timedelta(hours=2), name="top"),
    ]
    for number in range(12):
        created, known = draw.random() < 0.8, draw.random() < 0.6
        rows, specs_here = _rows(draw, 1), specs if draw.random() < 0.5 else specs[:2]
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame(rows, schema=_schema(1)).write_parquet(path)
        plain = view_of(path, ttl=None, created=created, keys=1)
        names = [Column(name=item.feature, type="INT64", tags={}) for item in specs_here]
        view = replace(plain, features=names, computed=True, aggregated=True, windows=specs_here)
        for _ in range(6):
            key, at = draw.randrange(2), T0 + timedelta(minutes=30 * draw.randrange(26))
            found = explain(view, tmp_path, {"key0": key}, at, known_only=known, limit=200)
            mine = [row for row in rows if row["key0"] == key]
            inside = {
                item.feature: [row for row in mine if _held(row, item, at, created and known)]
                for item in specs_here
            }
            assert [item.rows for item in found.windows] == [
                len(inside[item.feature]) for item in specs_here
            ]
            values = {name: [row["value"] for row in held] for name, held in inside.items()}
            assert {item.feature: item.value for item in found.windows} == {
                "n": len(values["n"]),
                "total": sum(values["total"]) if values["total"] else None,
                **({"top": max(values["top"], default=None)} if "top" in values else {}),
            }
            counted = {value for held in values.values() for value in held}
            told = {row.values["value"]: row for row in found.rows}
            assert {name for name, row in told.items() if row.verdict == "counted"} == counted
            assert {*told} == {row["value"] for row in mine}
            for row in mine:
                verdict = told[row["value"]].verdict
                assert verdict == _reason(row, specs_here, at, created and known), (row, at)
                assert told[row["value"]].why
                seen[verdict] = seen.get(verdict, 0) + 1
    assert {*seen} == {"counted", "outside", "pending", "later", "created_later", "no_time"}


def _bounds(item: WindowSpec, at: datetime) -> tuple[datetime, datetime]:
    slide, epoch = timedelta(seconds=item.slide or 0), datetime(1970, 1, 1, tzinfo=UTC)
    end = epoch + (at - epoch) // slide * slide
    return (end - timedelta(seconds=item.seconds) if item.seconds else epoch), end


def _held(row: dict[str, Any], item: WindowSpec, at: datetime, known: bool) -> bool:
    begin, end = _bounds(item, at)
    written = not known or (row["made"] is not None and row["made"] <= at)
    return row["at"] is not None and begin <= row["at"] < end and written


def _reason(row: dict[str, Any], windows: list[WindowSpec], at: datetime, known: bool) -> str:
    if row["at"] is None:
        return "no_time"
    if row["at"] > at:
        return "later"
    if any(_held(row, item, at, known) for item in windows):
        return "counted"
    if any(_held(row, item, at, False) for item in windows):
        return "created_later"
    return "pending" if any(_comes(row, item, at) for item in windows) else "outside"


def _comes(row: dict[str, Any], item: WindowSpec, at: datetime) -> bool:
    """Whether a row is in one of the next windows of an aggregation."""
    slide = timedelta(seconds=item.slide or 0)
    return any(_held(row, item, at + step * slide, False) for step in range(1, 60))


def test_a_row_that_has_its_window_to_come_is_pending_whatever_the_other_windows_do(
    tmp_path: Path,
) -> None:
    """A daily and an hourly window; and one of 20 minutes every two hours, which leaves gaps."""
    hour, at = timedelta(hours=1), T0 + timedelta(days=1, hours=10, minutes=15)
    times = [at - minutes * timedelta(minutes=5) for minutes in range(0, 500, 3)]
    rows = [{"key0": 1, "at": time, "made": time, "value": n} for n, time in enumerate(times)]
    path = tmp_path / "rows.parquet"
    pl.DataFrame(rows, schema=_schema(1)).write_parquet(path)
    plain = view_of(path, ttl=None, created=True, keys=1)
    day = window_spec("value", "sum", window=24 * hour, slide=24 * hour, name="day")
    recent = window_spec("value", "sum", window=hour, slide=hour, name="recent")
    short = window_spec("value", "sum", window=hour / 3, slide=2 * hour, name="short")
    seen = set[str]()
    for windows in ([day, recent], [short], [short, recent]):
        names = [Column(name=item.feature, type="INT64", tags={}) for item in windows]
        view = replace(plain, features=names, computed=True, aggregated=True, windows=windows)
        found = explain(view, tmp_path, {"key0": 1}, at, limit=200)
        for row in found.rows:
            assert row.verdict == _reason(rows[row.values["value"]], windows, at, False), row
            if row.verdict == "pending":
                to_come = [w.feature for w in windows if _comes({"at": row.event_at}, w, at)]
                assert row.why == f"in a window of {', '.join(to_come)} that has not ended"
        seen |= {*found.verdicts}
    assert seen == {"counted", "pending", "outside"}
