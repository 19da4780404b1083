"""Labels of rows and of whole requests: which logged rows they reach."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.monitoring.hours.series import SeriesStore
from jupyter_mlinfra.monitoring.labels import files, joining
from jupyter_mlinfra.monitoring.labels import unjoined as unjoined_labels
from jupyter_mlinfra.monitoring.labels.matching import Joined, labelled_rows, without_row
from tests.monitoring.logs import Logged, answered, refused, write_journal

T0 = 1_764_000_000 // 3600 * 3600
PLAN: Any = SimpleNamespace(
    deployment="flights", answers="values", segments=(), costs=None, reference=lambda _: None
)


def log(folder: Path, id: str, rows: int, at: float = T0) -> Logged:
    """A request of so many rows."""
    entry = answered(at + 1, id, [[float(row)] for row in range(rows)], [0.5] * rows)
    write_journal(folder, at, [entry], names=["x"], pid=int(at - T0) + 1)
    return Logged(folder)


def join(
    project: Project, log: Logged, at: float = T0 + 60.0, **labels: Any
) -> joining.LabelReport:
    read = files.read_frame(pl.DataFrame(labels))
    return joining.join(SeriesStore(project), log, "flights", PLAN, read, at=at)


def test_a_label_of_a_row_that_its_request_lacks_is_refused_and_loses_no_other(
    project: Project, tmp_path: Path
) -> None:
    two = log(tmp_path, "two", 2)
    ids = ["two", "two", "two", "later", "later"]
    found = join(project, two, request_id=ids, row=[1, 2, 0, 0, 7], label=[1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.read, found.joined, found.unknown, found.bad) == (5, 2, 1, 1)
    assert found.bad_rows == ["row 2: its request has no row 2"]
    alone = join(project, two, request_id=["two"], row=[9], label=[1.0])
    assert (alone.joined, alone.unknown, alone.bad_rows) == (
        0,
        0,
        ["row 1: its request has no row 9"],
    )
    unjoined = SeriesStore(project).unjoined("flights")
    assert unjoined.waiting()["row"].to_list() == [0, 7], "their request is not there yet"
    later = log(tmp_path, "later", 3, T0 + 100)
    joining.join_waiting(SeriesStore(project), later, "flights", PLAN, at=T0 + 200.0)
    assert unjoined.waiting().is_empty()
    refused = unjoined.refused().select("request_id", "row", "text", "why").rows()
    assert refused == [
        ("two", 2.0, "2", "its request has no row 2"),
        ("two", 9.0, "1", "its request has no row 9"),
        ("later", 7.0, "5", "its request has no row 7"),
    ]
    kept = joining.kept_rows(
        SeriesStore(project), "flights", version="v1", segment="", start=T0, end=T0 + 3600
    )
    assert kept.select("request_id", "row", "label").rows() == [
        ("two", 0, 3.0),
        ("two", 1, 1.0),
        ("later", 0, 4.0),
    ]


def test_a_label_of_a_request_without_answer_is_refused_at_once(
    project: Project, tmp_path: Path
) -> None:
    entries = [
        refused(T0 + 1, "bad"),
        refused(T0 + 2, "failed", 500),
        refused(T0 + 3, "again"),
        answered(T0 + 4, "again", [[1.0]], [0.5], u="another"),
    ]
    write_journal(tmp_path, T0, entries, names=["x"])
    ids = ["bad", "failed", "again", "later"]
    found = join(project, Logged(tmp_path), request_id=ids, label=[1.0, 2.0, 3.0, 4.0])
    assert (found.joined, found.unknown, found.unknown_ids) == (1, 1, ["later"])
    assert found.bad_rows == [
        "row 1: the request was refused, it has no answer",
        "row 2: the request failed, it has no answer",
    ]
    unjoined = SeriesStore(project).unjoined("flights")
    assert unjoined.waiting()["request_id"].to_list() == ["later"]
    write_journal(tmp_path, T0 + 100.0, [refused(T0 + 101, "later")], names=["x"])
    joining.join_waiting(SeriesStore(project), Logged(tmp_path), "flights", PLAN, at=T0 + 200.0)
    assert unjoined.waiting().is_empty()
    assert unjoined.refused()["request_id"].to_list() == ["bad", "failed", "later"]


def test_many_labels_without_row_for_a_request_of_many_rows_do_not_multiply(tmp_path: Path) -> None:
    """As of a file in which the column `row` was forgotten. The last one that can be used wins."""
    rows = log(tmp_path, "large", 2000).payloads("flights")
    labels = pl.DataFrame(
        {
            "request_id": ["large"] * 2001,
            "row": [None] * 1500 + [*range(500)] + [None],
            "label": [*map(str, range(2000)), "late"],
        },
        schema_overrides={"row": pl.Int32},
    )
    read = files.read_frame(labels)
    given = read.rows.with_columns(source=pl.lit("a"), at=pl.lit(5.0)).with_row_index("order")
    joined = Joined()
    found = labelled_rows(rows, given, PLAN, joined)
    assert found.height == 2000 + 500, "each row once for its request, and once for its own label"
    last = found.unique("row", keep="last").sort("row")["label"].to_list()
    assert last == [1500.0 + row if row < 500 else 1499.0 for row in range(2000)]
    refused = pl.concat([*joined.refused, without_row(given, joined)])
    assert refused.select("place", "why").rows() == [(2001, "the label is no number: late")]


def test_of_what_came_at_once_each_part_is_the_last_one_that_says_it(tmp_path: Path) -> None:
    rows = log(tmp_path, "one", 2).payloads("flights")
    labels = pl.DataFrame(
        {"request_id": ["one"] * 3, "label": [1.0, 2.0, None], "reward": [7.0, None, 9.0]}
    )
    given = files.read_frame(labels).rows.with_columns(source=pl.lit("a"), at=pl.lit(5.0))
    found = labelled_rows(rows, given.with_row_index("order"), PLAN, Joined())
    assert found.select("row", "label", "reward").rows() == [(0, 2.0, 9.0), (1, 2.0, None)]


def test_many_labels_of_unknown_requests_wait(project: Project, tmp_path: Path) -> None:
    there = log(tmp_path, "there", 1)
    ids = [f"future-{place}" for place in range(150_000)]
    found = join(project, there, request_id=[*ids, "there"], label=[1.0] * 150_001)
    assert (found.joined, found.unknown, found.bad) == (1, 150_000, 0)
    assert found.unknown_ids == ids[:20]
    unjoined = SeriesStore(project).unjoined("flights")
    assert unjoined.counts().waiting == 150_000
    assert unjoined.waiting()["request_id"].to_list() == ids


def test_labels_that_are_too_many_to_wait_are_refused_and_displace_none(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unjoined_labels, "MOST_WAITING", 3)
    there = log(tmp_path, "there", 1)
    join(project, there, request_id=["a", "b"], label=[1.0, 2.0])
    again = join(project, there, request_id=["b", "c", "d", "e"], label=[2.0, 3.0, 4.0, 5.0])
    assert again.bad_rows == [
        "row 3 and 1 more: 3 labels wait for their requests already: give it again later"
    ]
    unjoined = SeriesStore(project).unjoined("flights")
    assert sorted(unjoined.waiting()["request_id"]) == ["a", "b", "c"]
    assert (unjoined.counts().waiting, unjoined.counts().refused, again.bad) == (3, 2, 2)
