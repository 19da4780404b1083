"""Views whose features are aggregations over windows: from the definition to the online store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Conflict, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features, statistics
from jupyter_mlinfra.features.faces.rows import browsing, knowing
from jupyter_mlinfra.features.spec import OnlineStatus

from .conftest import T0

NOW = T0 + timedelta(days=3, minutes=17)
PAID = [
    # user, minutes after T0, minutes until it was written down, amount
    (1, 0, 0, 5.0),
    (1, 59, 0, 7.0),
    (1, 60, 600, 11.0),
    (2, 4000, 1, 2.0),
    (2, 4310, 0, 3.0),
    (None, 4310, 0, 100.0),
]
_FULL = 3 * 2**61
"""Two of these are more than an Int64 holds."""

DEFINITIONS = """
from datetime import timedelta

from feast import BatchFeatureView, Entity, Field, FileSource, PushSource, StreamFeatureView
from feast.aggregation import Aggregation
from feast.types import Float64, Int64
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
paid = FileSource(
    name="paid", path="data/paid.parquet", timestamp_field="at", created_timestamp_column="made"
)
spent = BatchFeatureView(
    name="spent", entities=[user], source=paid, online=True, tags={"team": "sales"},
    schema=[
        Field(name="sum_amount_3600s", dtype=Float64),
        Field(name="times", dtype=Int64),
        Field(name="dearest", dtype=Float64),
    ],
    aggregations=[
        Aggregation(column="amount", function="sum", time_window=timedelta(hours=1)),
        Aggregation(
            column="amount", function="count", time_window=timedelta(days=2),
            slide_interval=timedelta(minutes=30), name="times",
        ),
        Aggregation(
            column="amount", function="max", time_window=timedelta(days=2),
            slide_interval=timedelta(minutes=30), name="dearest",
        ),
    ],
)
live = StreamFeatureView(
    name="live", entities=[user], ttl=timedelta(hours=12), timestamp_field="at", enable_tiling=True,
    tiling_hop_size=timedelta(minutes=10),
    source=PushSource(name="payments", batch_source=paid),
    schema=[Field(name="mean_amount_86400s", dtype=Float64)],
    aggregations=[Aggregation(column="amount", function="mean", time_window=timedelta(days=1))],
)
bills = FileSource(name="bills", path="data/bills.parquet", timestamp_field="at")
billed = StreamFeatureView(
    name="billed", entities=[user], timestamp_field="at", enable_tiling=True,
    tiling_hop_size=timedelta(minutes=10), source=PushSource(name="billing", batch_source=bills),
    schema=[Field(name="total", dtype=Int64)],
    aggregations=[
        Aggregation(column="cents", function="sum", time_window=timedelta(days=5), name="total")
    ],
)
"""


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Features]:
    root = tmp_path_factory.mktemp("paying")
    data = root / "feature_repo" / "data"
    data.mkdir(parents=True)
    (root / "mlinfra.toml").write_text(f'[project]\nname = "paying"\n[features]\nas_of = "{NOW}"\n')
    (root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    minute = timedelta(minutes=1)
    rows = [(user, T0 + at * minute, T0 + (at + late) * minute, x) for user, at, late, x in PAID]
    pl.DataFrame(
        rows,
        schema={
            "user_id": pl.Int64,
            "at": pl.Datetime("us", "UTC"),
            "made": pl.Datetime("us", "UTC"),
            "amount": pl.Float64,
        },
        orient="row",
    ).write_parquet(data / "paid.parquet")
    bills = {"user_id": [1, 2], "at": [T0, T0], "cents": [_FULL, 1]}
    pl.DataFrame(bills).write_parquet(data / "bills.parquet")
    project = Project.open(root)
    features = Features(project)
    assert features.apply().problems == []
    yield features
    project.database.close()


def test_the_registry_keeps_the_aggregations_of_batch_and_stream_views(paying: Features) -> None:
    spent, live = paying.show("spent"), paying.show("live")
    said = [
        (item.feature, item.function, item.column, item.seconds, item.slide)
        for item in spent.windows
    ]
    assert said == [
        ("sum_amount_3600s", "sum", "amount", 3600, 3600),
        ("times", "count", "amount", 172_800, 1800),
        ("dearest", "max", "amount", 172_800, 1800),
    ]
    assert [(item.feature, item.slide) for item in live.windows] == [("mean_amount_86400s", 600)]
    assert spent.view.tags == {"team": "sales"}  # and nothing of ours
    assert paying.apply().unchanged == ["billed", "live", "spent"]


def test_the_code_of_a_windowed_view_has_example_rows_with_its_keys(paying: Features) -> None:
    """Also beside other views; they had no key, and the inserted code failed."""
    rows = paying.examples(["spent:*", "live:*"])
    assert sorted(rows["user_id"]) == [1, 2]
    trained = paying.training_set(["spent:*", "live:*"], rows)
    assert trained.sort("user_id")["times"].to_list() == [2, 1]


def test_it_is_told_which_rows_are_in_the_windows_and_what_training_gets(paying: Features) -> None:
    minute = timedelta(minutes=1)
    names = ["sum_amount_3600s", "times", "dearest"]
    for at, verdicts, rows in (
        (T0 + 45 * minute, {"counted": 1, "later": 2}, [0, 1, 1]),
        (T0 + 75 * minute, {"counted": 2, "pending": 1}, [2, 2, 2]),
        (T0 + 180 * minute, {"counted": 3}, [0, 3, 3]),
        (T0 + 2940 * minute, {"counted": 1, "outside": 2}, [0, 1, 1]),
    ):
        found = paying.explain("spent", {"user_id": "1"}, at)
        asked = pl.DataFrame({"user_id": [1], "event_timestamp": [at]})
        (trained,) = paying.training_set(["spent:*"], asked).to_dicts()
        assert {item.feature: item.value for item in found.windows} == {
            name: trained[name] for name in names
        }
        assert [item.rows for item in found.windows] == rows
        assert (found.verdicts, found.total, found.taken) == (verdicts, 3, None)
        assert found.note == "3 rows of other entities are left out."
    at = T0 + 180 * minute
    known = paying.explain("spent", {"user_id": 1}, at, known_only=True)
    assert known.verdicts == {"counted": 2, "created_later": 1}
    assert [item.value for item in known.windows] == [None, 2, 7.0]
    late = known.rows[-1]
    assert (late.values, late.verdict) == ({"amount": 11.0}, "created_later")
    assert late.why == "a late arrival: written at 11:00, not known yet"
    assert known.rows[0].why == "in the window of times, dearest; outside that of sum_amount_3600s"
    assert (known.windows[0].start, known.windows[0].end) == (T0 + 120 * minute, at)
    old = paying.explain("live", {"user_id": 1}, T0 + 180 * minute)
    assert [(item.value, item.rows) for item in old.windows] == [(23 / 3, 3)]
    facts = dict(knowing._explained(known).facts)
    assert facts["times"].startswith("2 = count of amount in 2 rows, from 2026-02-2")


def test_statistics_are_of_the_windows_and_not_of_rows_that_have_their_names(
    paying: Features,
) -> None:
    told = paying.statistics("spent")
    assert told.profile is not None
    assert told.told_from == "what a training set gets at 5 events of data/paid.parquet"
    assert told.profile.columns["dearest"].max == 7.0
    assert [item.fill and item.fill.value for item in told.features] == [0.2, 1.0, 0.6]
    view = paying._view("spent")
    twin = replace(  # its aggregation has the name of the column
        view,
        digest="twin",
        features=[replace(view.features[0], name="amount")],
        windows=[replace(view.windows[0], feature="amount")],
    )
    assert statistics.current(paying._project, twin).filled == {}


def test_training_rows_get_the_windows_that_had_ended(paying: Features) -> None:
    minute = timedelta(minutes=1)
    at = [
        T0 + 59 * minute,
        T0 + 60 * minute,
        T0 + 119 * minute,
        T0 + 120 * minute,
        T0 + 4309 * minute,
    ]
    entities = pl.DataFrame({"user_id": [1] * 5, "event_timestamp": at})
    found = paying.training_set(["spent:*", "live:*"], entities)
    assert found["sum_amount_3600s"].to_list() == [None, 12.0, 12.0, 11.0, None]
    assert found["times"].to_list() == [1, 2, 3, 3, 0]
    assert found["dearest"].to_list() == [5.0, 7.0, 11.0, 11.0, None]
    assert found["mean_amount_86400s"].to_list() == [5.0, 6.0, 23 / 3, 23 / 3, None]


def test_what_was_written_down_later_is_not_known_yet(paying: Features) -> None:
    minute = timedelta(minutes=1)
    entities = pl.DataFrame(
        {"user_id": [1, 1], "event_timestamp": [T0 + 180 * minute, T0 + 660 * minute]}
    )
    job = paying.feast().get_historical_features(
        entity_df=entities,
        features=["spent:times", "live:mean_amount_86400s"],
        filter_by_created_timestamp=True,
    )
    assert job.to_polars()["times"].to_list() == [2, 3]
    assert job.to_polars()["mean_amount_86400s"].to_list() == [6.0, 23 / 3]


def test_online_are_the_windows_that_ended_last_and_training_agrees(paying: Features) -> None:
    written = {item.view: item.rows for item in paying.materialize()}
    assert written == {"billed": 2, "live": 2, "spent": 2}  # one row a user, none for nobody
    entities: list[dict[str, Any]] = [{"user_id": 1}, {"user_id": 2}, {"user_id": 3}]
    first, second, nobody = paying.online(["spent:*", "live:*"], entities)
    assert first.values == {
        "spent:sum_amount_3600s": None,
        "spent:times": 0,
        "spent:dearest": None,
        "live:mean_amount_86400s": None,
    }
    assert first.status["spent:dearest"] == OnlineStatus.NULL
    assert second.values == {
        "spent:sum_amount_3600s": 3.0,
        "spent:times": 2,
        "spent:dearest": 3.0,
        "live:mean_amount_86400s": 2.5,
    }
    assert set(nobody.status.values()) == {OnlineStatus.NOT_FOUND}
    assert second.event_at["spent:times"] == T0 + timedelta(days=3)
    assert second.event_at["live:mean_amount_86400s"] == T0 + timedelta(days=3, minutes=10)
    known = pl.DataFrame({"user_id": [1, 2], "event_timestamp": [NOW] * 2})
    trained = paying.training_set(["spent:*", "live:*"], known)
    for row, item in zip(trained.to_dicts(), (first, second), strict=True):
        assert {name: row[name.partition(":")[2]] for name in item.values} == item.values
    for view in ("spent", "live"):
        report = paying.check(view)
        assert (report.passed, report.sampled) == (True, 2)
    facts = dict(browsing._view_detail(paying.show("spent")).facts)
    assert "times = count of amount over 2 d every 30 min" in facts["windows"]
    assert facts["tags"] == "team=sales"


def test_a_pushed_event_is_in_its_source_and_in_the_next_window(paying: Features) -> None:
    at = T0 + timedelta(days=3, minutes=5)
    with pytest.raises(Conflict, match="aggregates the rows"):
        paying.push("live", [{"user_id": 1, "amount": 40.0, "at": at}], to="online")
    pushed = paying.push("live", [{"user_id": 1, "amount": 40.0, "at": at}], to="both")
    assert (pushed.rows, pushed.rejected_rows) == (1, 0)
    (row,) = paying.online(["live:*"], [{"user_id": 1}])
    assert row.values == {"live:mean_amount_86400s": 40.0}
    trained = paying.training_set(
        ["live:*"], pl.DataFrame({"user_id": [1], "event_timestamp": [NOW]})
    )
    assert trained["mean_amount_86400s"].to_list() == [40.0]


@pytest.mark.parametrize(
    ("minutes", "to"),
    [
        pytest.param(5, "both", id="a window that ended"),
        pytest.param(16, "offline", id="one that has not, offline"),
        pytest.param(5, "offline", id="a window that ended, offline", marks=pytest.mark.slow),
        pytest.param(16, "both", id="one that has not", marks=pytest.mark.slow),
    ],
)
def test_a_row_that_spoils_a_window_of_its_key_is_pushed_nowhere(
    paying: Features, minutes: int, to: Literal["both", "offline"]
) -> None:
    file = paying._project.root / "feature_repo" / "data" / "bills.parquet"
    before, at = pl.read_parquet(file), T0 + timedelta(days=3, minutes=minutes)
    row = {"user_id": 1, "at": at, "cents": _FULL}
    with pytest.raises(Unprocessable, match="does not fit into total"):
        paying.push("billing", [row], to=to)
    assert pl.read_parquet(file).equals(before)
    assert list(paying._project.home.glob("features/pushes/*")) == []
    done = paying.push("billing", [row | {"user_id": 2}], to=to)
    assert (done.rows, pl.read_parquet(file).height) == (1, before.height + 1)
    before.write_parquet(file)


def test_a_late_row_that_spoils_a_window_between_its_next_and_the_last_is_pushed_nowhere(
    paying: Features,
) -> None:
    """Windows have five days; user 1 has one row, at T0. The window that ended last does not hold
    the late one, and the next after that holds it alone.
    """
    file = paying._project.root / "feature_repo" / "data" / "bills.parquet"
    before = pl.read_parquet(file)
    late = {"user_id": 1, "at": T0 - timedelta(days=3), "cents": _FULL}
    with pytest.raises(Unprocessable, match="does not fit into total"):
        paying.push("billing", [late], to="offline")
    assert pl.read_parquet(file).equals(before)
    earlier = late | {"at": T0 - timedelta(days=6)}  # no window holds both
    assert paying.push("billing", [earlier], to="offline").rows == 1
    before.write_parquet(file)
