"""The sums of the requests of a span: of all of them, each once, whatever becomes of the files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import VersionState, request_verbs
from jupyter_mlinfra.deployments.payload_log import compacting, request_rows, sums
from jupyter_mlinfra.deployments.payload_log.request_sums import RequestSums
from jupyter_mlinfra.deployments.payload_log.sums import span_sums
from jupyter_mlinfra.deployments.request_verbs import RequestVerbs
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.layout import payload_folder

START = 1_700_000_000.0 // 86_400 * 86_400 + 1000
"""A quarter of an hour after the beginning of a day."""

SINCE = datetime.fromtimestamp(START, UTC)


def journal(folder: Path, version: str, begun: float, *entries: tuple[str, float, int]) -> Path:
    """A closed journal. entries: id, seconds after the start, and status; each took 1 ms for each
    second that has passed since then.
    """
    head = {"deployment": "flights", "version": version, "names": ["x"], "types": ["double"]}
    lines: list[Mapping[str, Any]] = [{"format": 1, **head, "categories": [[]]}]
    for id, seconds, status in entries:
        entry = {"id": id, "u": id, "ts": START + seconds, "ms": 1.0 + seconds, "st": status}
        answered = {"k": "p", "x": [[1.0], [2.0]], "y": [0.5, 0.6]}
        failed = {"k": "e", "what": "why", "b": ""}
        lines.append(entry | (answered if status < 400 else failed))
    file = folder / f"{version}-{int((START + begun) * 1e6)}-{len([*folder.glob('*')])}.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\n")
    newest = max(START + seconds for _, seconds, _ in entries)
    os.utime(file, (newest, newest))
    return file


def hours_of(folder: Path, hours: int, *, processes: int = 2, each: int = 5) -> None:
    """A file an hour of each process of two versions. v2 fails at half of its requests in the first
    two hours.
    """
    for hour in range(hours):
        for version in ("v1", "v2"):
            for process in range(processes):
                begun = hour * 3600 + process
                entries = [
                    (
                        f"{version}-{hour}-{process}-{place}",
                        begun + place * 600,
                        500 if version == "v2" and hour < 2 and place % 2 else 200,
                    )
                    for place in range(each)
                ]
                journal(folder, version, begun, *entries)


def of(folder: Path, hours: float = 30, since: datetime = SINCE) -> dict[str, tuple[int, int]]:
    """Requests and errors of each version."""
    found = span_sums(folder, since, since + timedelta(hours=hours))
    return {name: (item.requests, item.failed) for name, item in sorted(found.versions.items())}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read, in order."""
    names: list[str] = []
    real = request_rows.request_rows

    def noted(folder: Path, name: str, *ends: datetime) -> tuple[pl.DataFrame, str]:
        names.append(name)
        return real(folder, name, *ends)

    monkeypatch.setattr(sums, "request_rows", noted)
    return names


def test_the_requests_of_all_files_count_however_many_there_are(tmp_path: Path) -> None:
    hours_of(tmp_path, 16, processes=8)
    assert len([*tmp_path.glob("*.jsonl")]) == 256
    assert of(tmp_path) == {"v1": (640, 0), "v2": (640, 32)}


def test_a_second_look_reads_only_what_may_have_changed_since(
    tmp_path: Path, read: list[str]
) -> None:
    hours_of(tmp_path, 24)
    first = of(tmp_path)
    assert len(set(read)) == 96
    read.clear()
    assert of(tmp_path) == first
    assert read == []
    journal(tmp_path, "v2", 24 * 3600, ("late", 24 * 3600, 500))
    assert of(tmp_path) == first | {"v2": (241, 9)}
    assert len(set(read)) < 30


def test_neither_compaction_nor_a_merge_changes_anything(tmp_path: Path, read: list[str]) -> None:
    hours_of(tmp_path, 12)
    first = of(tmp_path)
    compacting.compact(tmp_path)
    assert len([*tmp_path.glob("parquet/*.parquet")]) > 48, "some are merged"
    read.clear()
    assert of(tmp_path) == first
    assert read, "they are looked at again"
    read.clear()
    assert of(tmp_path) == first
    assert read == []


def test_a_request_that_was_sent_again_counts_once_also_across_hours_and_files(
    tmp_path: Path,
) -> None:
    edge = 2600.0  # of the first hour
    journal(tmp_path, "v1", 0, ("a", 5, 200), ("b", edge - 1, 200), ("a", 6, 500))
    journal(tmp_path, "v1", 1, ("b", edge + 30, 200), ("c", edge + 31, 200))
    journal(tmp_path, "v2", 2, ("c", edge + 40, 200), ("d", edge + 41, 500))
    assert of(tmp_path) == {"v1": (3, 0), "v2": (1, 1)}
    parts = [of(tmp_path, hours, since) for hours, since in ((edge / 3600, SINCE),)]
    assert parts == [{"v1": (2, 0)}]


@pytest.mark.parametrize("seen", [True, False])
def test_what_was_removed_counts_if_it_was_summed_up_and_is_told_if_it_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    monkeypatch.setattr(compacting, "merge", lambda _: 0)
    hours_of(tmp_path, 4)
    whole = of(tmp_path) if seen else {}
    compacting.compact(tmp_path)
    for file in tmp_path.glob("sums/*"):
        assert file.stat().st_mtime > START + 86_400, "they are as new as their last use"
    days = (datetime.now(UTC).timestamp() - START - 2.5 * 3600) / 86_400
    assert compacting.prune(tmp_path, days=days, gib=1) > 0
    found = span_sums(tmp_path, SINCE, SINCE + timedelta(hours=10))
    if seen:
        assert of(tmp_path) == whole
        assert not found.left_out
    else:
        assert found.of("v2").requests < 40
        (text,) = found.left_out
        assert text.endswith("of before 2023-11-14 02:00 UTC")


def test_a_file_that_cannot_be_read_is_told_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "merge", lambda _: 0)
    hours_of(tmp_path, 2)
    compacting.compact(tmp_path)
    broken = next(iter(sorted(tmp_path.glob("parquet/v2-*.parquet"))))
    at = broken.stat().st_mtime
    broken.write_bytes(b"PAR1 is no file of this kind")
    os.utime(broken, (at, at))
    found = span_sums(tmp_path, SINCE, SINCE + timedelta(hours=3))
    assert (found.of("v1").requests, found.of("v2").requests) == (20, 15)
    (text,) = found.left_out
    assert broken.stem in text
    assert len([*tmp_path.glob("sums/*")]) == 0, "it is looked for again"


def test_moments_and_quantiles_are_those_of_all_latencies(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    seconds = np.sort(random.lognormal(6, 1.2, 4000))
    for place, some in enumerate(np.array_split(seconds, 7)):
        journal(tmp_path, "v1", place, *((f"{s}", s, 200) for s in some.tolist()))
    found = span_sums(tmp_path, SINCE, SINCE + timedelta(days=2)).of("v1")
    ms = 1 + seconds
    assert found.answered == 4000
    assert found.mean == pytest.approx(ms.mean())
    assert found.squares / 3999 == pytest.approx(ms.var(ddof=1))
    for share in (0.5, 0.95, 0.99):
        assert found.quantile(share) == pytest.approx(np.quantile(ms, share), rel=0.012)
    for limit in (100.0, 1234.5):
        within = found.slower_than(limit)
        assert (ms > limit * 1.02).sum() <= within <= (ms > limit).sum()
    assert RequestSums().quantile(0.95) is None


def test_a_verdict_begins_with_the_traffic_and_not_with_the_newest_lines_of_the_history(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper writes lines too, of each process that it replaces."""
    store = DeploymentStore(project.database, project.name)
    for number in (1, 2):
        version = f"v{number}"
        store.begin("flights", version, target="local", model="m", number=number, workers=1)
        store.move("flights", version, VersionState.STARTING, wanted=True)
        store.move("flights", version, VersionState.TESTING)
        with store.change("flights") as change:
            change.ready(version, [])
            if number == 1:
                change.traffic({"v1": 100}, verb="deploy", user="ana", reason="")
    with store.change("flights") as change:
        change.traffic({"v1": 60, "v2": 40}, verb="traffic", user="ana", reason="")
    since = store.changes("flights")[0].at
    with store.change("flights") as change:
        for _ in range(700):
            change.record(verb="keeper", user="", reason="", traffic=change.row.traffic, text="")
    folder = payload_folder(project, "flights")
    folder.mkdir(parents=True)
    late = since.timestamp() - START + 3
    journal(folder, "v1", late, *((f"a{place}", late, 200) for place in range(6)))
    journal(folder, "v2", late, *((f"b{place}", late, 500) for place in range(4)))
    monkeypatch.setattr(request_verbs, "now", lambda: since + timedelta(hours=1))
    verbs = RequestVerbs()
    verbs._project, verbs._store = project, store
    found = verbs.verdict("flights")
    assert found.since == since + timedelta(seconds=2)
    assert (found.control.n, found.treatment.n, found.treatment.mean) == (6, 4, 1.0)
    assert found.treatment.share == 0.4
    with store.change("flights") as change:
        change.traffic({"v1": 50, "v2": 50}, verb="traffic", user="ana", reason="")
    later = store.shares("flights", ("v1", "v2"))
    assert later is not None
    assert later[0] > since
    assert later[1] == (50, 50)
    assert store.shares("prices", ("v1", "v2")) is None


def test_a_row_that_is_written_late_counts_also_in_an_hour_that_was_summed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first file may hold rows of that hour as long as it is a journal, by its time."""
    monkeypatch.setattr(compacting, "merge", lambda _: 0)
    journal(tmp_path, "v1", 0, ("a", 0, 200))
    late = journal(tmp_path, "v1", 4000, ("b", 4000, 200))
    assert of(tmp_path) == {"v1": (2, 0)}
    compacting.compact(tmp_path)
    assert late.exists() is False
    journal(tmp_path, "v2", 4001, ("c", 4001, 500))
    assert of(tmp_path) == {"v1": (2, 0), "v2": (1, 1)}
