"""Small files of the payload log are merged, broken ones set aside, and request ids looked up."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jupyter_mlinfra.deployments import requests
from jupyter_mlinfra.deployments.payload_log import compacting, lazy, merging, parts, reading
from jupyter_mlinfra.deployments.payload_log.quarantine import problems
from jupyter_mlinfra.deployments.payload_log.request_ids import (
    hashes_of,
    index_of,
    may_hold_any,
)
from tests.monitoring.logs import answered, refused, write_journal

START = datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp()
LATER = START + 3 * 86_400
AFTERWARDS = LATER + merging.READ_SECONDS + 1
HOUR = 3600


def fill(folder: Path, hours: int = 12) -> None:
    """A journal an hour; of each hour one request is in the next journal too, as a retried one."""
    for hour in range(hours):
        begun = START + hour * HOUR
        entries = [answered(begun + n, f"{hour}-{n}", [[n, 1], [n, 2]], [0.5, n]) for n in range(9)]
        entries += [answered(begun - 1, f"{hour - 1}-8", [[8, 1], [8, 2]], [0.5, 8])]
        entries += [refused(begun + 10, f"bad-{hour}"), {"k": "d", "ts": begun, "n": 2}]
        entries += [{"k": "f", "id": f"{hour}-1", "ts": begun + 20, "reward": 1, "truth": [1]}]
        write_journal(folder, begun, entries, names=["a", "b"])


def compacted(folder: Path) -> list[Path]:
    """The log with a Parquet file for each journal; nothing is merged."""
    return sorted((folder / "parquet").glob("*.parquet"))


def whole(folder: Path) -> list[pl.DataFrame]:
    """All that can be read: rows, refused requests, feedback, losses, and the rows in parts."""
    since, until = (datetime.fromtimestamp(moment, UTC) for moment in (START - HOUR, LATER))
    found = list(parts.parts(folder, since, until))
    assert not [part.problem for part in found if part.problem]
    return [
        reading.scan(folder),
        reading.refused(folder),
        reading.feedback(folder),
        pl.DataFrame({"dropped": [reading.dropped(folder)]}),
        pl.concat([part.rows for part in found], how="diagonal"),
        pl.DataFrame({"again": [sum(sum(part.repeated.values()) for part in found)]}),
    ]


def same(one: list[pl.DataFrame], other: list[pl.DataFrame]) -> None:
    for a, b in zip(one, other, strict=True):
        assert_frame_equal(a, b)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of twelve small files of one day."""
    fill(tmp_path)
    monkeypatch.setattr(compacting, "merge", lambda _: 0)
    compacting.compact(tmp_path)
    assert len(compacted(tmp_path)) == 12
    return tmp_path


def test_small_files_of_a_day_become_one_and_everything_reads_as_before(log: Path) -> None:
    before = whole(log)
    newest = max(file.stat().st_mtime for file in compacted(log))
    assert merging.merge(log, now=LATER) == 11
    same(whole(log), before)
    merging.merge(log, now=AFTERWARDS)
    (file,) = compacted(log)
    assert file.stat().st_mtime == newest, "retention goes by the newest row"
    same(whole(log), before)
    assert merging.merge(log, now=AFTERWARDS) == 0, "what is merged stays as it is"


def test_files_are_merged_up_to_a_size_and_not_while_their_day_goes_on(log: Path) -> None:
    before, size = whole(log), compacted(log)[0].stat().st_size
    assert merging.merge(log, now=START + 13 * HOUR) == 0
    merging.merge(log, now=LATER, target_bytes=4 * size + size // 2)
    merging.merge(log, now=AFTERWARDS, target_bytes=4 * size + size // 2)
    assert 3 <= len(compacted(log)) <= 4
    same(whole(log), before)


def test_files_of_another_form_are_not_merged_with_those_before_them(log: Path) -> None:
    entries = [answered(START + 12 * HOUR + 1, "other", [[1]], [0.5])]
    write_journal(log, START + 12 * HOUR, entries, names=["c"])
    compacting.compact(log)
    before = whole(log)
    merging.merge(log, now=LATER)
    merging.merge(log, now=AFTERWARDS)
    assert len(compacted(log)) == 2
    same(whole(log), before)


KILLED = """
import os, signal, sys
from pathlib import Path
from jupyter_mlinfra.deployments.payload_log import merging
step, steps = int(sys.argv[2]), 0

def dying(name, real):
    def call(*args, **options):
        global steps
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return real(*args, **options)
    return call

for name in ("fsync", "utime", "rename", "unlink"):
    setattr(os, name, dying(name, getattr(os, name)))
merging.merge(Path(sys.argv[1]), now=float(sys.argv[3]))
merging.merge(Path(sys.argv[1]), now=float(sys.argv[3]) + 601)
"""


def test_a_merge_that_is_killed_at_any_step_loses_and_doubles_nothing(log: Path) -> None:
    before = whole(log)
    for step in (0, 1, 2, 3, 4, 9):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(log), str(step), str(LATER)], capture_output=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-500:]
        same(whole(log), before)
    merging.merge(log, now=AFTERWARDS + 700)
    same(whole(log), before)
    assert len(compacted(log)) == 1


def test_a_journal_that_comes_back_after_a_power_cut_counts_nothing_twice(log: Path) -> None:
    before = whole(log)
    merging.merge(log, now=LATER)
    merging.merge(log, now=AFTERWARDS)
    entries = [answered(START + n, f"0-{n}", [[n, 1], [n, 2]], [0.5, n]) for n in range(9)]
    write_journal(log, START, [*entries, {"k": "d", "ts": START, "n": 2}], names=["a", "b"])
    same(whole(log), before)
    compacting.compact(log)
    same(whole(log), before)
    assert not list(log.glob("*.jsonl"))


def test_readers_see_every_row_once_while_files_are_merged(log: Path) -> None:
    before, errors = whole(log), list[BaseException]()
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                same(whole(log), before)
        except BaseException as error:  # noqa: BLE001 - told by the test
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    size = compacted(log)[0].stat().st_size
    for factor in (3, 5, 9, 40):
        merging.merge(log, now=LATER + factor, target_bytes=factor * size)
    done.set()
    reader.join()
    assert not errors, errors


def test_on_a_full_disk_nothing_is_merged_and_nothing_lost(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, names = whole(log), compacted(log)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(merging.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        merging.merge(log, now=LATER)
    assert compacted(log) == names
    assert not list((log / "parquet").glob(".*"))
    same(whole(log), before)


def test_a_broken_file_is_set_aside_its_time_is_incomplete_and_the_rest_is_merged(
    log: Path,
) -> None:
    broken = compacted(log)[5]
    content, written = broken.read_bytes(), broken.stat().st_mtime
    broken.write_bytes(content[:200] + b"\0" * 300 + content[500:])  # pages, not the end
    os.utime(broken, (written, written))
    reading.scan(log)  # hides no other
    merging.merge(log, now=LATER)
    merging.merge(log, now=AFTERWARDS)
    assert len(compacted(log)) == 1
    assert (log / "quarantine" / broken.name).exists()
    since, until = (datetime.fromtimestamp(START + hour * HOUR, UTC) for hour in (5, 6))
    (problem,) = [part.problem for part in parts.parts(log, since, until) if part.problem]
    assert broken.stem in problem
    week = timedelta(days=7)
    assert not list(problems(log, since + week, until + week)), "another time is complete"
    compacting.prune(log, days=1, gib=1)
    assert not list((log / "quarantine").iterdir())


@pytest.mark.parametrize("odd", [{"st": 99_999}, {"y": [{"a": 1}]}], ids=["status", "answer"])
def test_a_folder_that_cannot_be_compacted_keeps_no_other_from_it(
    tmp_path: Path, odd: dict[str, object]
) -> None:
    """And a journal of another runtime, whose entries fit into no table, keeps no other either."""
    for name, more in {"odd": odd, "good": {}}.items():
        write_journal(
            tmp_path / name, START, [answered(START, "a", [[1.0]], [0.5], **more)], names=["a"]
        )
    write_journal(tmp_path / "odd", START + 9, [answered(START, "b", [[1.0]], [0.5])], names=["a"])
    (tmp_path / "none").touch()
    command = [sys.executable, "-m", compacting.__name__]
    folders = [tmp_path / name for name in ("none", "odd", "good")]
    done = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
    assert (done.returncode, str(tmp_path / "none") in done.stderr) == (1, True)
    assert not [*tmp_path.glob("*/*.jsonl")]
    assert reading.scan(tmp_path / "good")["request_id"].to_list() == ["a"]
    assert reading.scan(tmp_path / "odd")["request_id"].to_list() == ["b"]
    (told,) = problems(tmp_path / "odd", None, None)
    assert "could not be read and is in quarantine" in told


@pytest.mark.parametrize("step", ["glob", "exists"])
def test_a_journal_that_is_compacted_while_files_are_listed_ends_no_look_at_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    journal = write_journal(tmp_path, START, [answered(START, "a", [[1]], [0.5])], names=["a"])
    real = getattr(Path, step)

    def then_removed(self: Path, *asked: object) -> object:
        found = real(self, *asked) if step == "exists" else [*real(self, *asked)]
        if step == "exists" or asked == (f"{journal.stem}.jsonl*",):
            journal.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, step, then_removed)
    moments = (datetime.fromtimestamp(moment, UTC) for moment in (0, 4e9))
    assert len(requests.newest_files(tmp_path, *moments)) == (step == "exists")


def test_rows_of_a_clock_that_was_set_back_are_in_the_hour_that_they_say(tmp_path: Path) -> None:
    """At 9:50 the clock is set back to 8:50: a journal has rows older than its name, and was last
    written before its newest row.
    """
    begun = START + 1.5 * HOUR
    moments = [begun + 60, begun + 1200, begun - 2400, begun - 2000]
    entries = [answered(moment, f"r{n}", [[n, 1]], [0.5]) for n, moment in enumerate(moments)]
    journal = write_journal(tmp_path, begun, entries, names=["a", "b"])
    os.utime(journal, (moments[-1], moments[-1]))
    for _ in range(2):  # as a journal, then as a compacted file
        counts = [
            sum(
                part.rows.height
                for part in parts.parts(
                    tmp_path,
                    datetime.fromtimestamp(START + hour * HOUR, UTC),
                    datetime.fromtimestamp(START + (hour + 1) * HOUR, UTC),
                )
            )
            for hour in range(3)
        ]
        assert counts == [2, 2, 0]
        newest = datetime.fromtimestamp(begun + 1200, UTC)
        assert reading.scan(tmp_path, newest)["request_id"].to_list() == ["r1"]
        compacting.compact(tmp_path)


@pytest.mark.parametrize("pids", [(7, 8), (8, 7)])
def test_a_request_that_was_retried_across_an_hour_is_in_one_of_them(
    pids: tuple[int, int], tmp_path: Path
) -> None:
    """Whichever file comes first by its name."""
    for pid, moment in zip(pids, (START + HOUR - 1, START + HOUR + 9), strict=True):
        entries = [answered(moment, "r", [[1, 1]], [0.5])]
        write_journal(tmp_path, START, entries, names=["a", "b"], pid=pid)
    hours = [datetime.fromtimestamp(START + hour * HOUR, UTC) for hour in range(3)]
    found = [list(parts.parts(tmp_path, *hours[at : at + 2])) for at in range(2)]
    assert sum(part.rows.height for hour in found for part in hour) == 1
    assert sum(sum(part.repeated.values()) for hour in found for part in hour) == 1


def test_only_files_that_may_hold_a_request_id_are_read(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = parts.read_parquet

    def noted(file: Path, wanted: pl.Expr | None = None) -> pl.DataFrame:
        opened.append(file.name)
        return real(file, wanted)

    monkeypatch.setattr(parts, "read_parquet", noted)
    since, until = (datetime.fromtimestamp(moment, UTC) for moment in (START - HOUR, LATER))
    found = pl.concat([part.rows for part in parts.parts(log, since, until, ids=["7-3"])])
    assert "7-3" in found["request_id"].to_list()
    assert len(opened) <= 3
    opened.clear()
    assert not list(parts.parts(log, since, until, ids=["nobody"]))
    assert len(opened) <= 1


def test_an_index_knows_all_its_ids_and_takes_few_others_for_its_own() -> None:
    ids = [f"id-{number}" for number in range(5000)]
    index = index_of(ids)
    assert all(may_hold_any(index, hashes_of([item])) for item in ids[::50])
    others = [f"other-{number}" for number in range(2000)]
    wrong = sum(may_hold_any(index, hashes_of([item])) for item in others)
    assert wrong < 60  # 1 : 120 of 2,000 is 17
    assert may_hold_any("", hashes_of(["any"]))


def test_a_lazy_log_has_the_same_rows_and_reads_no_more_files_than_it_needs(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = START + 12 * HOUR
    write_journal(log, later, [answered(later, "late", [[7]], ["x"])], names=["c"], version="v2")
    frame = lazy.lazy(log)
    whole = reading.scan(log)
    key = ["ts", "request_id", "row"]
    assert_frame_equal(
        frame.collect().select(whole.columns).sort(key), whole.sort(key), check_dtypes=True
    )
    found = frame.filter(pl.col("a") == 3).select("request_id", "a").collect()
    assert found.height == whole.filter(pl.col("a") == 3).height > 0
    opened: list[str] = []
    real = parts.read_parquet

    def noted(file: Path, wanted: pl.Expr | None = None) -> pl.DataFrame:
        opened.append(file.name)
        return real(file, wanted)

    monkeypatch.setattr(parts, "read_parquet", noted)
    assert frame.head(5).collect().height == 5
    assert len(opened) <= 2
