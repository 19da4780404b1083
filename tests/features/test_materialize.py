"""What comes online: the newest row of each entity, incrementally, and never less than a full run
would bring.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features, Freshness
from jupyter_mlinfra.features.definitions import Definition
from jupyter_mlinfra.features.materializing import Wish, materialize
from jupyter_mlinfra.features.materializing.windows import Window, window_of
from jupyter_mlinfra.features.sources import SourceSpec
from jupyter_mlinfra.features.store import Materialization

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def clicks(features: Features) -> dict[int, Any]:
    rows = features.online(["clicks:clicks_7d"], [{"user_id": user} for user in range(10)])
    return {row.entity["user_id"]: row.values["clicks:clicks_7d"] for row in rows}


@pytest.fixture
def features(applied_shop: Project, monkeypatch: pytest.MonkeyPatch) -> Features:
    """Judged as of T0 + 1 day, so that nothing has expired."""
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + DAY).isoformat())
    return Features(Project.open(applied_shop.root))


def test_the_newest_row_of_each_entity_comes_online_with_progress_and_only_once(
    features: Features, applied_shop: Project
) -> None:
    steps: list[tuple[str, int, int]] = []
    done = features.materialize(on_progress=lambda *step: steps.append(step))
    assert [(item.view, item.rows, item.start) for item in done] == [
        ("clicks", 10, T0 + DAY),
        ("spend", 6, T0),
    ]
    assert steps == [("clicks", 0, 10), ("clicks", 10, 10), ("spend", 0, 6), ("spend", 6, 6)]
    assert clicks(features) == {user: 10 * user for user in range(10)}
    view = features.show("clicks").view
    assert (view.freshness, view.online_at) == (Freshness.FRESH, T0 + DAY)
    assert [item.rows for item in features.materialize()] == [0, 0]
    assert clicks(features) == {user: 10 * user for user in range(10)}
    assert applied_shop.events.after(0)[-1].ref == "view:spend"
    # Feast sees it too
    assert features.feast().get_feature_view("clicks").most_recent_end_time is not None


def test_a_range_brings_the_values_of_that_time(features: Features) -> None:
    assert [
        (item.view, item.rows)
        for item in features.materialize("clicks", end=T0 + timedelta(hours=3))
    ] == [("clicks", 10)]
    assert clicks(features) == {user: user for user in range(10)}
    assert [
        item.rows for item in features.materialize("view:clicks", start=T0 + timedelta(hours=4))
    ] == [10]
    assert clicks(features) == {user: 10 * user for user in range(10)}


def test_nothing_from_beyond_as_of_comes_online(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + DAY - timedelta(seconds=1)).isoformat())
    features = Features(Project.open(applied_shop.root))
    assert features.materialize("clicks")[0].end == T0 + DAY - timedelta(seconds=1)
    assert clicks(features) == {user: user for user in range(10)}


def test_an_online_store_that_was_emptied_or_is_another_one_gets_all_rows_again(
    features: Features, applied_shop: Project
) -> None:
    def comes_online() -> None:
        wish = Wish(end=T0 + DAY)
        for rows in ([10, 6], [0, 0]):
            done = materialize(applied_shop, wish, progress=lambda *_: None)
            assert [item.rows for item in done] == rows
        assert clicks(features) == {user: 10 * user for user in range(10)}

    comes_online()
    (applied_shop.folder("features") / "online.db").unlink()
    comes_online()
    (applied_shop.root / "feature_repo" / "feature_store.yaml").write_text(
        "online_store:\n  type: sqlite\n  path: other.db\n"
    )
    comes_online()


def test_rows_that_arrive_late_are_not_missed(features: Features, applied_shop: Project) -> None:
    """A rewritten file may hold anything: the run is then a full one."""
    features.materialize("clicks")
    path = applied_shop.root / "feature_repo" / "data" / "clicks.parquet"
    late = pl.DataFrame(
        {"user_id": [77], "at": [T0 - DAY], "clicks_7d": [7], "rate": [0.5], "made": [T0 + 2 * DAY]}
    )
    pl.concat([pl.read_parquet(path), late.cast(dict(pl.read_parquet_schema(path)))]).write_parquet(
        path
    )
    assert features.materialize("clicks")[0].rows == 11
    assert features.online(["clicks:clicks_7d"], [{"user_id": 77}])[0].event_at == {
        "clicks:clicks_7d": T0 - DAY
    }


@pytest.mark.parametrize(
    ("view", "options", "error", "what"),
    [
        ("klicks", {}, NotFound, "no view klicks"),
        ("clicks", {"start": T0 + DAY, "end": T0}, BadRequest, "is after end"),
    ],
)
def test_what_cannot_be_materialized_is_refused(
    features: Features, view: str, options: Mapping[str, Any], error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        features.materialize(view, **options)


def test_a_view_that_was_never_materialized_says_so_with_the_command_that_does_it(
    features: Features,
) -> None:
    assert features.show("clicks").view.freshness is Freshness.NEVER
    with pytest.raises(Conflict, match="no values of clicks") as caught:
        features.online(["clicks:*"], [{"user_id": 1}])
    assert caught.value.fix == "mlinfra features materialize clicks"


SOURCE = SourceSpec(kind="parquet", name="rows.parquet", time="at")


def materialization(**changes: Any) -> Materialization:
    values: dict[str, Any] = {
        "digest": "d",
        "mark": "m",
        "newest": T0,
        "until": T0 + DAY,
        "rows": 3,
    }
    return Materialization(**(values | changes))


@pytest.mark.parametrize(
    ("last", "mark", "until", "wanted"),
    [
        (None, "m", T0 + 2 * DAY, Window(after=None, until=T0 + 2 * DAY)),
        (materialization(), "m", T0 + 2 * DAY, Window(after=T0, until=T0 + 2 * DAY, open=True)),
        (materialization(), "other", T0 + 2 * DAY, Window(after=None, until=T0 + 2 * DAY)),
        (materialization(), None, T0 + 2 * DAY, Window(after=None, until=T0 + 2 * DAY)),
        (materialization(mark=None), None, T0 + 2 * DAY, Window(after=None, until=T0 + 2 * DAY)),
        (
            materialization(digest="older"),
            "m",
            T0 + 2 * DAY,
            Window(after=None, until=T0 + 2 * DAY),
        ),
        (materialization(newest=None), "m", T0 + 2 * DAY, Window(after=None, until=T0 + 2 * DAY)),
        (materialization(), "m", T0 - DAY, Window(after=None, until=T0 - DAY)),
    ],
    ids=[
        "first",
        "same source",
        "changed source",
        "unknown state",
        "never known",
        "changed definition",
        "nothing online",
        "back in time",
    ],
)
def test_only_an_unchanged_source_is_read_from_where_the_last_run_ended(
    tmp_path: Path, last: Materialization | None, mark: str | None, until: datetime, wanted: Window
) -> None:
    view = Definition(
        name="v",
        kind="batch",
        entities=[],
        keys=[],
        features=[],
        ttl_seconds=None,
        source=SOURCE,
        online=True,
        owner="",
        tags={},
        description="",
        digest="d",
        materialized_until=None,
    )
    assert window_of(view, last, SOURCE, mark, until, tmp_path) == wanted
