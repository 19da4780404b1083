"""What was made from what."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.lineage import Lineage
from jupyter_mlinfra.core.lineage import recording as module


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lines that were parsed, by call: what reading costs."""
    counts: list[int] = []
    real = module.parsed

    def parsed(lines: bytes) -> Iterator[Any]:
        counts.append(len(lines.splitlines()))
        return real(lines)

    monkeypatch.setattr(module, "parsed", parsed)
    return counts


def _event(number: int) -> str:
    event = {
        "eventTime": f"2026-01-01T00:00:{number:02d}",
        "job": {"name": "j"},
        "inputs": [{"name": f"dataset:a.t{number}"}],
    }
    return json.dumps({**event, "outputs": [{"name": f"dataset:a.t{number + 1}"}]}) + "\n"


def test_the_graph_around_an_object_goes_both_ways_over_versions(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path / "lineage", namespace="test")
    lineage.record("ingest.ipynb", inputs=["file:a.csv"], outputs=["dataset:a.b@1"])
    lineage.record("features.ipynb", inputs=["dataset:a.b@1"], outputs=["view:v"])
    lineage.record("train.ipynb", inputs=["view:v"], outputs=["run:9c1e"])
    lineage.record("other.ipynb", inputs=["dataset:x.y@1"], outputs=["run:77ab"])
    found = {(edge.input, edge.output, edge.job) for edge in lineage.around("dataset:a.b").items}
    assert found == {
        ("file:a.csv", "dataset:a.b@1", "ingest.ipynb"),
        ("dataset:a.b@1", "view:v", "features.ipynb"),
        ("view:v", "run:9c1e", "train.ipynb"),
    }


def test_an_object_that_was_made_from_itself_has_that_edge_once(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path / "lineage", namespace="test")
    lineage.record("ingest.ipynb", inputs=["file:a.csv"], outputs=["dataset:a.b@1"])
    lineage.record("user:ana", inputs=["dataset:a.b@1"], outputs=["dataset:a.b@3"])  # restored
    found = lineage.around("dataset:a.b")
    assert [(edge.input, edge.output) for edge in found.items] == [
        ("file:a.csv", "dataset:a.b@1"),
        ("dataset:a.b@1", "dataset:a.b@3"),
    ]
    assert (found.shown, found.total) == (2, 2)


def test_the_files_are_openlineage_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path / "lineage", namespace="test")
    lineage.record("step", inputs=["dataset:a.b@1"], outputs=["model:m"], facts={"rows": 3})
    path = next((tmp_path / "lineage").iterdir())
    event = json.loads(path.read_text())
    assert event["eventType"] == "COMPLETE"
    assert event["job"] == {
        "namespace": "test",
        "name": "step",
        "facets": event["job"].get("facets", {}),
    }
    assert event["run"]["facets"]["mlinfra"]["rows"] == 3
    with path.open("a") as file:
        file.write('{"eventType": "COMP')
    assert len(lineage.edges()) == 1
    with path.open("a") as file:  # a later process of the same number goes on behind it
        file.write("\n" + _event(1))
    assert len(lineage.edges()) == 2


@pytest.mark.parametrize("event", ["START", "COMPLETE", "FAIL", "ABORT"])
@pytest.mark.parametrize("columns", [{}, {"x": [("dataset:a.b@1", "y"), ("dataset:c.d", "z")]}])
def test_an_event_is_as_openlineage_s_own_client_writes_it(
    event: Any, columns: dict[str, list[tuple[str, str]]], tmp_path: Path
) -> None:
    from openlineage.client import event_v2 as client
    from openlineage.client.facet_v2 import column_lineage_dataset as facet
    from openlineage.client.serde import Serde

    inputs, outputs = ["dataset:a.b@1", "file:ä.csv"], ["dataset:e.f@2"]
    lineage = Lineage(tmp_path / "lineage", namespace="test")
    lineage.record("a step", inputs=inputs, outputs=outputs, columns=columns, event=event)
    (line,) = next((tmp_path / "lineage").iterdir()).read_text().splitlines()
    ours = json.loads(line)
    fields = {
        column: facet.Fields([facet.InputField("test", *source) for source in sources])
        for column, sources in columns.items()
    }
    lineage_of_columns = facet.ColumnLineageDatasetFacet(fields, producer=ours["producer"])
    facets = {"columnLineage": lineage_of_columns} if columns else {}
    theirs = client.RunEvent(
        eventType=client.RunState[event],
        eventTime=ours["eventTime"],
        run=client.Run(ours["run"]["runId"]),
        job=client.Job("test", "a step"),
        inputs=[client.InputDataset("test", name) for name in inputs],
        outputs=[client.OutputDataset("test", name, facets=facets) for name in outputs],
        producer=ours["producer"],
    )
    assert ours == json.loads(Serde.to_json(theirs))


def test_processes_of_the_same_number_on_other_machines_and_at_other_times_write_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage = Lineage(tmp_path, namespace="test")
    for host, start in (("a", 1), ("b", 1), ("b", 2), ("b", 2)):
        monkeypatch.setattr(module.socket, "gethostname", lambda host=host: host)
        monkeypatch.setattr(module, "start_ticks", lambda _, start=start: start)
        lineage.record("step", inputs=["dataset:a.b@1"], outputs=["model:m"])
    pid = os.getpid()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"a-{pid}-1.jsonl",
        f"b-{pid}-1.jsonl",
        f"b-{pid}-2.jsonl",
    ]
    assert len(lineage.edges()) == 4


def test_only_what_is_new_is_read_and_a_line_that_is_being_written_is_read_when_it_is_whole(
    tmp_path: Path, read: list[int]
) -> None:
    lineage = Lineage(tmp_path, namespace="test")
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    one.write_text("".join(map(_event, (0, 2, 4))))
    two.write_text(_event(1))
    assert [edge.at[-2:] for edge in lineage.edges()] == ["00", "01", "02", "04"]
    assert lineage.edges() is lineage.edges()
    assert sorted(read) == [1, 3]
    whole = _event(3)
    with two.open("a") as file:
        file.write(whole[:40])
        file.flush()
        assert len(lineage.edges()) == 4
        file.write(whole[40:])
    assert [edge.at[-2:] for edge in lineage.edges()] == ["00", "01", "02", "03", "04"]
    assert sorted(read) == [1, 1, 3]
    one.write_text(_event(5))  # a file of before, put back
    assert [edge.at[-2:] for edge in lineage.edges()] == ["01", "03", "05"]


def test_a_history_that_is_too_long_to_keep_is_read_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    lineage = Lineage(tmp_path, namespace="test")
    for count in (3, 4, 5):
        (tmp_path / "1.jsonl").write_text("".join(map(_event, range(count))))
        assert len(lineage.edges()) == count
        assert lineage.edges() == lineage.edges()


def test_a_graph_that_is_cut_says_how_large_it_is_and_keeps_what_is_near(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path, namespace="test")
    (tmp_path / "1.jsonl").write_text("".join(map(_event, range(40))))
    page = lineage.around("dataset:a.t20", limit=5)
    assert (page.shown, page.total) == (10, 40)
    back = [f"dataset:a.t{number}" for number in (19, 18, 17, 16, 15)]
    forth = [f"dataset:a.t{number}" for number in (20, 21, 22, 23, 24)]
    assert [edge.input for edge in page.items] == back + forth


def test_an_event_that_a_full_disk_tears_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage = Lineage(tmp_path, namespace="test")
    lineage.record("step", inputs=["dataset:a.b"], outputs=["dataset:c.d"])
    real, room = os.write, [100, 0]

    def full(handle: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data[: room.pop(0)])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        lineage.record("step", inputs=["dataset:lost.x"], outputs=["dataset:lost.y"])
    monkeypatch.undo()
    lineage.record("step", inputs=["dataset:e.f"], outputs=["dataset:g.h"])
    assert [(edge.input, edge.output) for edge in lineage.edges()] == [
        ("dataset:a.b", "dataset:c.d"),
        ("dataset:e.f", "dataset:g.h"),
    ]


def test_an_event_that_is_written_in_pieces_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:100]))
    lineage = Lineage(tmp_path, namespace="test")
    lineage.record("step", inputs=["dataset:a.b"], outputs=["dataset:c.d"])
    assert [(edge.input, edge.output) for edge in lineage.edges()] == [
        ("dataset:a.b", "dataset:c.d")
    ]


def test_a_column_is_followed_both_ways_and_only_it(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path, namespace="test")
    lineage.record("ingest", inputs=["file:a.csv"], outputs=["dataset:a.raw@1"])
    lineage.record(
        "clean",
        inputs=["dataset:a.raw@1", "dataset:a.rates@1"],
        outputs=["dataset:a.sales@1"],
        columns={
            "total": [("dataset:a.raw@1", "price"), ("dataset:a.rates@1", "rate")],
            "day": [("dataset:a.raw@1", "at")],
        },
    )
    lineage.record(
        "apply",
        inputs=["dataset:a.sales@1"],
        outputs=["view:v"],
        columns={"total": [("dataset:a.sales@1", "total")]},
    )
    lineage.record("train", inputs=["view:v"], outputs=["run:9c1e"])

    def found(ref: str, column: str) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
        edges = lineage.around(ref, column=column).items
        return {(edge.input, edge.output, tuple(edge.columns)) for edge in edges}

    raw = ("file:a.csv", "dataset:a.raw@1", ())
    price = ("dataset:a.raw@1", "dataset:a.sales@1", (("price", "total"),))
    rate = ("dataset:a.rates@1", "dataset:a.sales@1", (("rate", "total"),))
    view = ("dataset:a.sales@1", "view:v", (("total", "total"),))
    run = ("view:v", "run:9c1e", ())
    assert found("dataset:a.sales", "total") == {raw, price, rate, view, run}
    assert found("dataset:a.raw", "price") == {raw, price, view, run}
    assert found("dataset:a.sales", "day") == {
        raw,
        ("dataset:a.raw@1", "dataset:a.sales@1", (("at", "day"),)),
    }
    assert found("view:v", "total") == {raw, price, rate, view, run}
    whole = next(edge for edge in lineage.around("view:v").items if edge.job == "clean")
    assert set(whole.columns) in ({("price", "total"), ("at", "day")}, {("rate", "total")})


def test_a_column_is_followed_to_the_deployments_of_models_that_took_its_feature(
    tmp_path: Path,
) -> None:
    lineage = Lineage(tmp_path, namespace="test")
    source = {"f": [("dataset:a.b", "x")], "g": [("dataset:a.b", "y")]}
    lineage.record("apply", inputs=["dataset:a.b"], outputs=["view:v"], columns=source)
    lineage.record("set", inputs=["dataset:a.b@1", "view:v", "feature:v:f"], outputs=["job:1"])
    lineage.record("train", inputs=["job:1"], outputs=["run:9c1e"])
    lineage.record("deploy", inputs=["run:9c1e"], outputs=["deployment:d"])
    lineage.record("batch", inputs=["deployment:d"], outputs=["dataset:a.scores@1"])
    lineage.record("report", inputs=["dataset:a.scores@1"], outputs=["dataset:a.report@1"])

    def reached(column: str) -> set[str]:
        return {edge.output for edge in lineage.around("view:v", column=column).items}

    assert reached("f") == {"view:v", "job:1", "run:9c1e", "deployment:d", "dataset:a.scores@1"}
    assert reached("g") == {"view:v"}


def test_columns_are_told_as_the_facet_of_openlineage(tmp_path: Path) -> None:
    Lineage(tmp_path, namespace="test").record(
        "clean",
        inputs=["dataset:a.b@1"],
        outputs=["dataset:a.c@1"],
        columns={"total": [("dataset:a.b@1", "price")]},
    )
    event = json.loads(next(tmp_path.iterdir()).read_text())
    facet = event["outputs"][0]["facets"]["columnLineage"]
    assert facet["_schemaURL"].endswith("ColumnLineageDatasetFacet")
    (told,) = facet["fields"]["total"]["inputFields"]
    assert (told["namespace"], told["name"], told["field"]) == ("test", "dataset:a.b@1", "price")
