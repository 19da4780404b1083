"""Hours of the payload log become sketches and points: the same, whenever and however often."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Vitals
from jupyter_mlinfra.deployments.payload_log import compacting, reading
from jupyter_mlinfra.monitoring.hours import recording
from jupyter_mlinfra.monitoring.hours.hourly import points_of
from jupyter_mlinfra.monitoring.hours.recording import CLOSED_AFTER, Plan, Recorder
from jupyter_mlinfra.monitoring.hours.series import HOUR, SeriesStore, series
from jupyter_mlinfra.monitoring.hours.sketches import SEGMENT_POINTS
from jupyter_mlinfra.monitoring.measures.distances import jensen_shannon
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.monitoring.store import MonitorStore
from tests.monitoring.logs import Logged, answered, refused, some_rows, write_journal

START = int(datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp())
NAMES, CATEGORIES = ["temp", "origin"], [[], ["EWR", "JFK", "LGA"]]
TRAINING = pl.DataFrame(
    {
        "temp": np.random.default_rng(1).normal(60, 10, 3000),
        "origin": np.random.default_rng(2).choice(["EWR", "JFK"], 3000),
    }
)
REFERENCE = references.make("flights/1", TRAINING, np.random.default_rng(4).random(3000).tolist())


def plan(**changes: Any) -> Plan:
    known = {"v1": REFERENCE}
    return Plan(
        **{
            "deployment": "flights",
            "segments": ("origin",),
            "answers": "probabilities",
            "reference": known.get,
            "digest": lambda version: "d1" if version in known else "",
            **changes,
        }
    )


def fill(folder: Path, hours: int = 3, *, processes: int = 2, requests: int = 15) -> None:
    """Each process has a journal an hour, which begins ten minutes into it, so that each holds rows
    of two hours. In each hour one request is in both journals, since the gateway retried it.
    """
    random = np.random.default_rng(5)
    for hour in range(-1, hours):
        retried = answered(START + hour * HOUR + 1000, f"retried-{hour}", *some_rows(random, 2))
        for process in range(processes):
            begun = START + hour * HOUR + 600
            entries = [retried]
            for number in range(requests):
                ts = begun + 1 + number * (HOUR - 2) / requests
                rows, scores = some_rows(random, 3, shift=5.0 * hour)
                entries.append(answered(ts, f"{hour}-{process}-{number}", rows, scores))
            entries.append(refused(begun + 77, f"bad-{hour}-{process}"))
            write_journal(
                folder,
                begun,
                entries,
                names=NAMES,
                categories=CATEGORIES,
                version="v1" if process < 1 or hour < 2 else "v2",
                pid=7 + process,
            )


def files(project: Project) -> Mapping[str, bytes]:
    """All that was recorded, byte for byte."""
    folder = project.folder("monitoring", "series", "flights")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def watched(project: Project) -> SeriesStore:
    MonitorStore(project.database).add("flights", "flights", "ana")
    return SeriesStore(project)


def record_all(store: SeriesStore, log: Logged, now: float, asked: Plan | None = None) -> None:
    recorder, asked = Recorder(store, log), asked or plan()
    for hour in recorder.missing("flights", asked, now=now):
        recorder.record("flights", asked, hour)


def test_an_input_with_the_name_of_a_column_of_the_log_is_measured_like_any_other(
    project: Project, tmp_path: Path
) -> None:
    """`params` became a column of the log when there were references with an input of that name:
    their drift and its series must go on.
    """
    rows, scores = some_rows(np.random.default_rng(1), 60, shift=25.0)
    found = {}
    for name in ("temp", "params"):
        known = references.make("flights/1", TRAINING.rename({"temp": name}), None)
        journal = [answered(START + 60, "one", rows, scores)]
        names = [name, "origin"]
        write_journal(tmp_path / name, START, journal, names=names, categories=CATEGORIES)
        asked = plan(reference={"v1": known}.get)
        sketches = recording.gather(Logged(tmp_path / name), asked, START, START + HOUR).sketches
        points = points_of(sketches, asked, start=START, end=START + HOUR)
        found[name] = {
            (point.metric, point.labels.get("segment")): (point.value, point.rows)
            for point in points
            if point.labels.get("feature") == name
        }
    assert found["params"] == found["temp"]
    assert (found["params"]["psi", None][0] or 0) > 1


def test_an_hour_is_what_polars_numpy_and_scipy_find_in_its_rows(
    project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "log")
    store, log = watched(project), Logged(tmp_path / "log")
    record_all(store, log, START + 5 * HOUR)
    rows = reading.scan(tmp_path / "log").filter(
        pl.col("ts").is_between(
            datetime.fromtimestamp(START, UTC),
            datetime.fromtimestamp(START + HOUR, UTC),
            closed="left",
        )
    )
    good = rows.filter(pl.col("status") == 200)

    def point(metric: str, **labels: str) -> Any:
        (found,) = series(
            store,
            "flights",
            metric,
            since=START,
            until=START + HOUR,
            labels={"version": "v1", **labels},
        )
        return found

    requests = rows.filter(pl.col("row") == 0)
    assert point("requests").value == requests.height
    assert point("refused_fraction").value == (requests["status"] == 400).mean()
    assert point("error_fraction").value == 0
    assert point("psi", feature="temp").rows == good.height
    exact = stats.ks_2samp(TRAINING["temp"], good["temp"]).statistic
    assert point("ks", feature="temp").value == pytest.approx(exact, abs=1e-12)
    assert point("wasserstein", feature="temp").value == pytest.approx(
        stats.wasserstein_distance(TRAINING["temp"], good["temp"]), rel=1e-9
    )
    counts = [
        [(column == name).sum() for name in ("EWR", "JFK", "LGA")] + [0]
        for column in (TRAINING["origin"], good["origin"])
    ]
    assert point("js", feature="origin").value == pytest.approx(jensen_shannon(*counts), abs=1e-9)
    assert point("unseen", feature="origin").value == (good["origin"] == "LGA").mean()
    outside = (good["temp"] < TRAINING["temp"].min()) | (good["temp"] > TRAINING["temp"].max())
    assert point("out_of_range", feature="temp").value == outside.mean()
    jfk = good.filter(pl.col("origin") == "JFK")
    part = point("ks", feature="temp", segment="origin=JFK")
    assert part.rows == jfk.height
    exact = stats.ks_2samp(TRAINING["temp"], jfk["temp"]).statistic
    assert part.value == pytest.approx(exact, abs=1 / SEGMENT_POINTS)
    other = point("ks", feature="temp", segment="origin=other")
    assert other.rows == (good["origin"] == "LGA").sum()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, bytes]]:
    """A log, and what an evaluator writes that is never down."""
    root = tmp_path_factory.mktemp("uninterrupted")
    (root / "mlinfra.toml").write_text("")
    project = Project(root)
    fill(root / "log")
    store, log = watched(project), Logged(root / "log")
    for minutes in range(0, 6 * 60, 10):
        record_all(store, log, START + 60 * minutes)
    found = files(project)
    project.database.close()
    return root / "log", found


class Killed(Exception):
    """What ends a process in the middle."""


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_interrupts_the_evaluator_the_series_are_the_same_byte_for_byte(
    uninterrupted: tuple[Path, Mapping[str, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    """It is down for any time, killed after any of its writes, and the log is compacted at any
    moment.
    """
    source, expected = uninterrupted
    root = tmp_path_factory.mktemp("interrupted")
    (root / "mlinfra.toml").write_text("")
    shutil.copytree(source, root / "log")
    project = Project(root)
    store, log = watched(project), Logged(root / "log")
    for at in sorted(data.draw(st.lists(st.integers(0, 300), max_size=5), label="rounds")):
        left = data.draw(st.integers(0, 12), label="writes until the kill")
        if data.draw(st.booleans(), label="compacted"):
            compacting.compact(root / "log")

        class Mortal(SeriesStore):
            writes = left

            def write(self, *args: Any) -> None:
                self.live()
                super().write(*args)

            def note(self, *args: Any) -> None:
                self.live()
                super().note(*args)

            def live(self) -> None:
                type(self).writes -= 1
                if type(self).writes < 0:
                    raise Killed

        with contextlib.suppress(Killed):
            record_all(Mortal(project), log, START + 60 * at)
    record_all(store, log, START + 6 * HOUR)
    record_all(store, log, START + 6 * HOUR)
    found = files(project)
    project.database.close()
    shutil.rmtree(root)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_an_open_hour_is_not_recorded_and_a_closed_one_only_once(
    project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "log", hours=2)
    store, log = watched(project), Logged(tmp_path / "log")
    recorder = Recorder(store, log)
    end = START + HOUR
    assert recorder.missing("flights", plan(), now=end + CLOSED_AFTER - 1) == [START - HOUR]
    assert recorder.missing("flights", plan(), now=end + CLOSED_AFTER) == [START - HOUR, START]
    record_all(store, log, end + CLOSED_AFTER)
    assert recorder.missing("flights", plan(), now=end + CLOSED_AFTER) == []
    changed = plan(digest=lambda version: "another")
    assert recorder.missing("flights", changed, now=end + CLOSED_AFTER) == [START - HOUR, START]


def test_an_hour_of_which_the_log_lost_rows_stays_as_it_was(
    project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "log", hours=2)
    store, log = watched(project), Logged(tmp_path / "log")
    record_all(store, log, START + 4 * HOUR)
    before = files(project)
    sorted((tmp_path / "log").glob("*.jsonl"))[0].unlink()
    recorder = Recorder(store, log)
    for hour in recorder.missing("flights", plan(), now=START + 4 * HOUR, again=True):
        recorder.record("flights", plan(), hour)
    assert files(project) == before


def test_a_broken_file_hides_no_other_and_the_hour_says_so(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.deployments.payload_log.compacting.merge", lambda _: 0)
    fill(tmp_path / "log", hours=2)
    compacting.compact(tmp_path / "log")
    store, log = watched(project), Logged(tmp_path / "log")
    broken = sorted((tmp_path / "log" / "parquet").glob("*.parquet"))[0]
    content, written = broken.read_bytes(), broken.stat().st_mtime
    broken.write_bytes(content[: len(content) // 2])
    os.utime(broken, (written, written))
    record_all(store, log, START + 4 * HOUR)
    done = store.recorded("flights")
    assert done[START].broken == 1
    assert done[START].rows > 0
    assert done[START + HOUR].broken == 0


def test_an_hour_has_what_the_processes_of_each_version_used(
    project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "log", hours=1)
    minutes = [
        minute(START + 60 * place, version, mib=mib, cpu=cpu, in_flight=place, retried=1)
        for place, mib, cpu in ((0, 100, 6.0), (1, 300, 30.0), (59, 200, 0.0), (60, 999, 60.0))
        for version in ("v1", "v2")[: 1 + (place == 1)]
    ]
    for place, load in ((0, 0.25), (1, 0.75)):
        minutes[place] = replace(minutes[place], gpu_bytes=(place + 1) << 30, gpu_load=load)
    # It was down and up again within a minute.
    minutes.append(minute(START + 60, "v2", mib=40, cpu=6.0, in_flight=0, retried=0))
    store, log = watched(project), Logged(tmp_path / "log", minutes=minutes)
    record_all(store, log, START + 3 * HOUR)

    def value(metric: str, version: str) -> tuple[float | None, int]:
        labels = {"version": version}
        (found,) = series(store, "flights", metric, since=START, until=START + HOUR, labels=labels)
        return found.value, found.rows

    metrics = ("memory_mib", "cpu_cores", "in_flight", "retries")
    assert [value(metric, "v1") for metric in metrics] == [
        (300, 3),
        (pytest.approx(0.2), 3),
        (59, 3),
        (3, 3),
    ]
    of_gpus = ("gpu_memory_mib", "gpu_load")
    assert [value(metric, "v1") for metric in of_gpus] == [(2048, 3), (0.5, 3)]
    assert [value(metric, "v2") for metric in of_gpus] == [(None, 0)] * 2, "nobody has seen one"
    assert [value(metric, "v2") for metric in metrics] == [(300, 1), (0.6, 1), (1, 1), (1, 1)]


def minute(at: int, version: str, *, mib: int, cpu: float, in_flight: int, retried: int) -> Vitals:
    return Vitals(
        at=at,
        version=version,
        memory_bytes=mib << 20,
        cpu_seconds=cpu,
        in_flight=in_flight,
        retried=retried,
        processes=2,
    )


def test_an_hour_without_requests_is_no_data_and_so_is_one_that_nobody_recorded(
    project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "log", hours=1)
    write_journal(
        tmp_path / "log",
        START + 9 * HOUR,
        [answered(START + 9 * HOUR + 5, "late", [[60, 1]], [0.5])],
        names=NAMES,
        categories=CATEGORIES,
    )
    store, log = watched(project), Logged(tmp_path / "log")
    record_all(store, log, START + 8 * HOUR)
    found = series(
        store,
        "flights",
        "psi",
        since=START,
        until=START + 12 * HOUR,
        labels={"version": "v1", "feature": "temp"},
    )
    assert [point.start for point in found] == [START + HOUR * n for n in range(12)]
    assert found[0].value is not None
    assert [point.value for point in found[2:]] == [None] * 10


def test_rows_of_any_number_are_sketched_in_chunks_with_the_same_counts(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "log", hours=2)
    log = Logged(tmp_path / "log")
    whole = recording.gather(log, plan(), START, START + HOUR).sketches
    monkeypatch.setattr(recording, "CHUNK", 50)
    chunked = recording.gather(log, plan(), START, START + HOUR).sketches
    assert whole.keys() == chunked.keys()
    for key, item in whole.items():
        other = chunked[key]
        assert (item.rows, item.missing, item.counts, item.unseen, item.outside) == (
            other.rows,
            other.missing,
            other.counts,
            other.unseen,
            other.outside,
        )
        assert other.mean == pytest.approx(item.mean)
        assert other.squares == pytest.approx(item.squares)


def test_an_hour_that_was_recorded_by_a_clock_in_the_future_is_recorded_again(
    project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "log", hours=2)
    store, log = watched(project), Logged(tmp_path / "log")
    record_all(store, log, START + 2 * HOUR + CLOSED_AFTER)
    assert START + HOUR in store.recorded("flights")
    # The clock is set back by an hour, and more requests of the same hour come.
    recorder = Recorder(store, log)
    assert recorder.missing("flights", plan(), now=START + HOUR + 600) == []
    more = [answered(START + HOUR + 700, "again", [[60, 1]], [0.5])]
    write_journal(tmp_path / "log", START + HOUR, more, names=NAMES, categories=CATEGORIES, pid=99)
    before = store.recorded("flights")
    assert START in before
    record_all(store, log, START + 2 * HOUR + CLOSED_AFTER)
    whole = recording.gather(log, plan(), START + HOUR, START + 2 * HOUR).rows
    assert store.recorded("flights")[START + HOUR].rows == whole
