"""The payload log: what the serving process writes, and what is read from it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.files import file_lock
from jupyter_mlinfra.deployments import client
from jupyter_mlinfra.deployments.payload_log import compacting, reading
from jupyter_mlinfra.deployments.payload_log.frames import BASE_COLUMNS
from jupyter_mlinfra.deployments.payload_log.lazy import lazy
from jupyter_mlinfra.deployments.runtime import served
from jupyter_mlinfra.deployments.runtime.journal import ENTRY_BYTES, Journal

HEAD = {"deployment": "flights", "version": "v1", "model": "flights/1", "names": ["a", "b"]}


def entry(
    number: int,
    rows: int = 1,
    *,
    at: float = 1_700_000_000.0,
    puid: str | None = None,
    unique: str = "",
) -> dict[str, object]:
    matrix = np.array([[number, np.nan if row else row] for row in range(rows)], dtype=float)
    scores = np.full(rows, number / 10)
    return {
        "k": "p",
        "id": puid or f"r{number}",
        "u": unique or f"u{number}",
        "ts": at + number,
        "ms": 1.5,
        "st": 200,
        "x": matrix,
        "y": scores,
    }


def wait_for(folder: Path, rows: int) -> pl.DataFrame:
    end = time.monotonic() + 10
    while (frame := reading.scan(folder)).height < rows and time.monotonic() < end:
        time.sleep(0.02)
    return frame


def test_what_is_put_is_read_back_with_names_and_times(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1, rows=2))
    journal.put(
        {
            "k": "e",
            "id": "bad",
            "ts": 1_700_000_009.0,
            "ms": 0.2,
            "st": 400,
            "what": "The columns do not fit.",
        }
    )
    frame = wait_for(tmp_path, 3)
    assert frame.columns == [
        "request_id",
        "row",
        "ts",
        "deployment",
        "version",
        "status",
        "latency_ms",
        "params",
        "prediction",
        "a",
        "b",
    ]
    assert frame.rows() == [
        (
            "r1",
            0,
            datetime.fromtimestamp(1_700_000_001, UTC),
            "flights",
            "v1",
            200,
            1.5,
            None,
            0.1,
            1.0,
            0.0,
        ),
        (
            "r1",
            1,
            datetime.fromtimestamp(1_700_000_001, UTC),
            "flights",
            "v1",
            200,
            1.5,
            None,
            0.1,
            1.0,
            None,
        ),
        (
            "bad",
            0,
            datetime.fromtimestamp(1_700_000_009, UTC),
            "flights",
            "v1",
            400,
            0.2,
            None,
            None,
            None,
            None,
        ),
    ]


def test_an_empty_log_has_the_columns_all_the_same(tmp_path: Path) -> None:
    frame = reading.scan(tmp_path)
    assert frame.height == 0
    assert frame.columns == list(BASE_COLUMNS)
    assert reading.feedback(tmp_path).height == 0
    assert reading.dropped(tmp_path) == 0


def test_a_torn_line_is_passed_over_and_the_rest_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1))
    journal.put(entry(2))
    wait_for(tmp_path, 2)
    (file,) = tmp_path.glob("*.jsonl.open")
    content = file.read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last + 1, len(content) - 1):  # wherever a kill may have cut it
        file.write_bytes(content[:cut])
        assert reading.scan(tmp_path)["request_id"].to_list() == ["r1"], cut


def test_a_request_that_two_processes_answered_counts_once(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        journal = Journal(tmp_path, {**HEAD, "version": version})
        journal.put(entry(1, rows=2))
        journal.close()
    assert reading.scan(tmp_path).height == 2


@pytest.mark.parametrize("compacted", [False, True])
def test_requests_that_their_caller_gave_the_same_id_all_count(
    tmp_path: Path, compacted: bool
) -> None:
    for version in ("v1", "v2"):
        journal = Journal(tmp_path, {**HEAD, "version": version})
        for number in range(3):
            journal.put(entry(number, puid="same", unique=f"{version}-{number}"))
        journal.close()
    if compacted:
        compacting.compact(tmp_path)
    frame = reading.scan(tmp_path)
    assert frame["request_id"].to_list() == ["same"] * 6
    assert sorted(frame.select("version", "a").rows()) == [
        (version, float(number)) for version in ("v1", "v2") for number in range(3)
    ]
    assert frame.columns == [*BASE_COLUMNS, "a", "b"]


def test_files_of_a_version_without_ids_of_the_gateway_are_read_by_the_callers(
    tmp_path: Path,
) -> None:
    head = {"format": 1, **HEAD, "started": 1.7e9}
    old = {"k": "p", "id": "r1", "ts": 1.7e9, "ms": 1.5, "st": 200, "x": [[1.0, 2.0]], "y": [0.5]}
    for name in ("v1-1-1", "v1-2-2"):  # the gateway tried it twice
        (tmp_path / f"{name}.jsonl").write_text(f"{json.dumps(head)}\n{json.dumps(old)}\n")
    before = reading.scan(tmp_path)
    assert before["request_id"].to_list() == ["r1"]
    compacting.compact(tmp_path)
    for file in (tmp_path / "parquet").glob("*.parquet"):
        facts = dict(pl.read_parquet_metadata(file))
        facts.pop("ARROW:schema", None)
        pl.read_parquet(file).drop(".unique").write_parquet(file, metadata=facts)
    assert reading.scan(tmp_path).equals(before)


def test_since_leaves_out_what_is_older(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    for number in range(10):
        journal.put(entry(number))
    journal.close()
    kept = reading.scan(tmp_path, datetime.fromtimestamp(1_700_000_005, UTC))
    assert kept["request_id"].to_list() == [f"r{number}" for number in range(5, 10)]


def test_an_input_with_the_name_of_an_own_column_is_set_apart(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {**HEAD, "names": ["version", "b"]})
    journal.put(entry(3))
    journal.close()
    frame = reading.scan(tmp_path)
    assert frame["version"].to_list() == ["v1"]
    assert frame["input.version"].to_list() == [3.0]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["ts", "input.ts"], ["input.ts", "input.input.ts"]),
        (["a", "input.a"], ["a", "input.input.a"]),
        (["*", "^b.*$"], ["input.*", "input.^b.*$"]),
        (["input.0", "b"], ["input.0", "b"]),  # parts of a tensor without a name
        (["a", "a"], ["a", "a.2"]),  # of an earlier version
        (["ts", "ts"], ["input.ts", "input.ts.2"]),
    ],
    ids=["base", "other", "pattern", "tensor", "twice", "twice reserved"],
)
def test_names_of_inputs_that_clash_have_columns_of_their_own(
    tmp_path: Path, names: list[str], columns: list[str]
) -> None:
    journal = Journal(tmp_path, {**HEAD, "names": names})
    journal.put({**entry(1), "x": np.array([[7.0, 8.0]])})
    journal.close()
    for _ in range(2):
        for frame in (reading.scan(tmp_path), lazy(tmp_path).select(pl.nth(-2, -1)).collect()):
            assert frame.columns[-2:] == columns
            assert frame.row(0)[-2:] == (7.0, 8.0)
        found = reading.scan(tmp_path)
        for name, value in zip(names, (7.0, 8.0), strict=True):
            if names.count(name) > 1:
                continue  # nobody can tell which is meant
            # As a monitor looks for it.
            column = f"input.{name}" if f"input.{name}" in found.columns else name
            assert found[column].to_list() == [value]
        compacting.compact(tmp_path)


def test_a_log_that_makes_no_frame_is_an_error_with_its_reason(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {**HEAD, "categories": [["AA"], []]})
    journal.put({**entry(1), "x": np.array([[1e18, 0.0]])})  # no number of a category
    journal.close()
    with pytest.raises(Unprocessable, match="cannot be read") as error:
        reading.scan(tmp_path)
    assert "i32" in error.value.why


def test_versions_with_other_inputs_are_read_together(tmp_path: Path) -> None:
    for version, names in (("v1", ["a", "b"]), ("v2", ["a", "c"])):
        journal = Journal(tmp_path, {**HEAD, "version": version, "names": names})
        journal.put(entry(1, puid=version, unique=version))
        journal.close()
    frame = reading.scan(tmp_path).sort("version")
    assert frame.select("version", "a", "b", "c").rows() == [
        ("v1", 1.0, 0.0, None),
        ("v2", 1.0, None, 0.0),
    ]


def test_categories_are_read_as_texts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {**HEAD, "categories": [["AA", "DL"], []]})
    for number in (0, 1):
        journal.put(entry(number, rows=2))
    journal.close()
    before = reading.scan(tmp_path)
    assert before.select("a", "b").rows() == [("AA", 0.0), ("AA", None), ("DL", 0.0), ("DL", None)]
    compacting.compact(tmp_path)
    assert reading.scan(tmp_path).equals(before)


def test_feedback_is_kept_and_the_last_word_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put({"k": "f", "id": "r1", "ts": 1_700_000_001.0, "reward": 0.0, "truth": [0.0]})
    journal.put({"k": "f", "id": "r1", "ts": 1_700_000_002.0, "reward": 1.0, "truth": [[1.0]]})
    journal.close()
    assert reading.feedback(tmp_path).select("request_id", "reward", "truth").rows() == [
        ("r1", 1.0, [1.0])
    ]


def test_the_truth_of_feedback_is_kept_in_full_and_by_row_and_output(tmp_path: Path) -> None:
    truths: list[Any] = [
        [1234567.89, 123456789, 0.1 + 0.2, True],
        [[1.5, 2], [None, 4]],
        [None, "late"],
        16777217.0,
        None,
    ]
    journal = Journal(tmp_path, HEAD)
    for place, truth in enumerate(truths):
        journal.put({"k": "f", "id": str(place), "ts": 1_700_000_000.0 + place, "truth": truth})
    journal.close()
    assert reading.feedback(tmp_path).select("truth_rows", "truth_texts").rows() == [
        (
            [["1234567.89"], ["123456789"], ["0.30000000000000004"], ["1"]],
            ["1234567.89", "123456789", "0.30000000000000004", "1"],
        ),
        ([["1.5", "2"], [None, "4"]], ["1.5", "2", "4"]),
        ([[None], ["late"]], ["late"]),
        ([["16777217"]], ["16777217"]),
        ([], []),
    ]


def test_feedback_of_several_outputs_is_sent_and_taken_by_row() -> None:
    for truth in ([[1, 2.5], [None, 4]], np.asarray([[1, 2.5], [np.nan, 4]])[[0]]):
        sent = client.feedback_body("r", reward=0.0, truth=truth)["truth"]["data"]["ndarray"]
        assert sent == [[1.0, 2.5], [None, 4.0]][: len(sent)]
    assert client.feedback_body("r", reward=0.0, truth=3)["truth"]["data"]["ndarray"] == [3.0]
    tensor = {"shape": [2, 3], "values": [1, 2, 3, 4, 5, 6]}
    assert served._tensor_rows(tensor) == [[1, 2, 3], [4, 5, 6]]
    assert served._tensor_rows({**tensor, "shape": [6]}) == [1, 2, 3, 4, 5, 6]


def test_a_full_queue_drops_and_counts_and_never_waits(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    journal = Journal(folder, HEAD, queue_bytes=10 * ENTRY_BYTES)
    folder.write_text("in the way of the folder")  # the disk refuses every write
    started = time.perf_counter()
    for number in range(1000):
        journal.put(entry(number))
    assert time.perf_counter() - started < 10  # milliseconds on an idle machine
    end = time.monotonic() + 10
    while journal._bytes and time.monotonic() < end:  # until what waits has been tried, and dropped
        time.sleep(0.01)
    folder.unlink()  # it can write again
    journal.put(entry(1000))
    logged = wait_for(folder, 1).height
    journal.close()
    assert reading.dropped(folder) + reading.scan(folder).height == 1001
    assert logged >= 1


WITHOUT_A_DISK = """
import json, os, sys
from pathlib import Path
import numpy as np
from jupyter_mlinfra.deployments.runtime.contract import Batch
from jupyter_mlinfra.deployments.runtime.journal import Journal
from jupyter_mlinfra.deployments.runtime.served import Progress, Served

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20

def log(served, body=b"", status=200, **progress):
    served.log(Progress(status=status, **progress), body, lambda _: None, 0.0)

def outputs(served):
    log(served, batch=Batch(1, matrix=np.zeros((1, 4))), outputs={"y": np.zeros((1, 1000))})

def texts(served):
    names = np.array([[f"{place:0100}" for place in range(200)]], dtype=object)
    log(served, batch=Batch(1, columns={}, logged=[["n" * 4000, 1, None]]), outputs={"y": names})

def refused(served):
    log(served, ("→" * 6000).encode(), 400, reason="no rows")

def feedback(served):
    truth = {"data": {"ndarray": [[number / 7 for number in range(20_000)]]}}
    served.feedback({"response": {"meta": {"puid": "r"}}, "truth": truth})

taken, kept = [], []
for put in (outputs, texts, refused, feedback):
    served = object.__new__(Served)  # without a model
    served.journal = Journal(Path(sys.argv[1]) / "gone" / "log", {}, queue_bytes=16 << 20)
    before = memory()
    while served.journal._received < 5000 and not served.journal._dropped:
        put(served)
    kept.append(served)
    taken.append(memory() - before)
print(json.dumps([taken, [served.journal._dropped for served in kept]]))
"""


def test_what_waits_for_the_disk_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-B", "-c", WITHOUT_A_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    taken, dropped = json.loads(process.stdout)
    assert max(taken) < 3 * 16  # MiB, with what the writer has in hand
    assert all(dropped)


def test_the_log_outlives_a_moment_in_which_no_thread_is_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    journal = Journal(tmp_path, HEAD)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        journal.put(entry(0))
    journal.put(entry(1))
    assert wait_for(tmp_path, 2).height == 2
    journal.close()


def test_of_a_project_that_is_removed_nothing_comes_back(tmp_path: Path) -> None:
    home = tmp_path / "payloads"
    home.mkdir()
    journal = Journal(home / "flights", HEAD)
    journal.put(entry(0))
    wait_for(home / "flights", 1)
    shutil.rmtree(home)
    journal.put(entry(1))
    journal.close()
    assert not home.exists()


def test_files_are_closed_at_their_size_and_none_of_it_is_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD, segment_bytes=2000)
    for number in range(100):
        journal.put(entry(number))
        if number % 10 == 0:
            journal._flush()
    journal.close()
    assert len(list(tmp_path.glob("*.jsonl"))) > 2
    assert not list(tmp_path.glob("*.open"))
    assert reading.scan(tmp_path)["request_id"].n_unique() == 100


def test_an_end_waits_for_what_is_being_written_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1))
    wait_for(tmp_path, 1)  # its file is open
    writing, disk, write = threading.Event(), threading.Event(), os.write

    def slow_write(handle: int, block: bytes) -> int:
        writing.set()
        assert disk.wait(30)
        return write(handle, block)

    monkeypatch.setattr("jupyter_mlinfra.deployments.runtime.journal.os.write", slow_write)
    journal.put(entry(2))
    assert writing.wait(30)
    journal.put(entry(3))
    end = threading.Thread(target=journal.close)
    end.start()
    end.join(0.5)  # an end that did not wait would be over
    disk.set()
    end.join(30)
    frame = wait_for(tmp_path, 3)
    assert frame["request_id"].to_list() == ["r1", "r2", "r3"]
    assert reading.dropped(tmp_path) == 0
    assert not list(tmp_path.glob("*.open"))


def test_compacting_changes_nothing_of_what_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD, segment_bytes=2000)
    for number in range(60):
        journal.put(entry(number, rows=2))
        journal.put(
            {"k": "f", "id": f"r{number}", "ts": 1_700_000_000.0, "reward": 1.0, "truth": None}
        )
        journal._flush()
    journal.put({"k": "d", "ts": 1_700_000_000.0, "n": 5})
    journal.close()
    before = reading.scan(tmp_path), reading.feedback(tmp_path), reading.dropped(tmp_path)
    assert compacting.compact(tmp_path) > 2
    assert not list(tmp_path.glob("*.jsonl"))
    after = reading.scan(tmp_path), reading.feedback(tmp_path), reading.dropped(tmp_path)
    assert before[0].equals(after[0])
    assert before[1].equals(after[1])
    assert before[2] == after[2] == 5


def test_a_compaction_that_died_before_it_removed_the_journal_counts_nothing_twice(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1))
    journal.put({"k": "d", "ts": 1_700_000_000.0, "n": 3})
    journal.close()
    (file,) = tmp_path.glob("*.jsonl")
    text = file.read_bytes()
    compacting.compact(tmp_path)
    file.write_bytes(text)
    assert reading.scan(tmp_path).height == 1
    assert reading.dropped(tmp_path) == 3


WRITER = """
import json, sys, time
from pathlib import Path
from typing import Any
import numpy as np
from jupyter_mlinfra.deployments.runtime.journal import ENTRY_BYTES, Journal
journal = Journal(Path(sys.argv[1]), json.loads(sys.argv[2]), segment_bytes=20_000)
for number in range(1_000_000):
    record = {"k": "p", "id": f"r{number}", "ts": 1.7e9 + number, "ms": 1.0, "st": 200}
    journal.put({**record, "x": np.ones((1, 2)), "y": np.ones(1)})
    print(number, flush=True)
    time.sleep(0.0005)
"""


def test_a_killed_process_loses_only_its_last_moment_and_what_it_loses_is_counted(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), json.dumps(HEAD)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 800:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    put = 1 + max([800, *(int(line) for line in process.stdout.read().split(b"\n")[:-1])])
    process.stdout.close()
    found = reading.scan(tmp_path)["request_id"].to_list()
    numbers = sorted(int(name.removeprefix("r")) for name in found)
    assert numbers == list(range(len(numbers)))  # no gap
    assert len(numbers) >= 300  # what was written in the last 0.1 s may be missing
    # Put, and killed before it was printed.
    assert 0 <= len(numbers) + reading.dropped(tmp_path) - put <= 1
    lost = reading.dropped(tmp_path, datetime.fromtimestamp(time.time() - 60, UTC))
    assert lost == reading.dropped(tmp_path)
    assert reading.dropped(tmp_path, datetime.fromtimestamp(time.time() + 60, UTC)) == 0
    for file in tmp_path.glob("*.open"):
        os.utime(file, (1, 1))
    compacting.compact(tmp_path)
    assert not list(tmp_path.glob("*.open"))  # its open file is closed for it
    assert reading.scan(tmp_path)["request_id"].to_list() == found
    assert reading.dropped(tmp_path) == lost


def test_an_orderly_end_leaves_no_count(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1))
    wait_for(tmp_path, 1)
    assert len(list(tmp_path.glob("*.count"))) == 1
    journal.close()
    assert [file.suffix for file in tmp_path.iterdir()] == [".jsonl"]


ON_A_FULL_DISK = """
import json, resource, sys
from pathlib import Path
from typing import Any
import numpy as np
from jupyter_mlinfra.deployments.payload_log import compacting, reading
from jupyter_mlinfra.deployments.runtime import journal as module
module.RETRY_SECONDS = module.FLUSH_SECONDS = 0.01
folder = Path(sys.argv[1])
journal = module.Journal(folder, json.loads(sys.argv[2]), queue_bytes=500 * module.ENTRY_BYTES)

def until(happened):
    import time
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)

def put(numbers):
    for number in numbers:
        record = {"k": "p", "id": f"r{number}", "ts": 1.7e9 + number, "ms": 1.0, "st": 200}
        journal.put({**record, "x": np.ones((1, 2)), "y": np.ones(1)})

put(range(5))
until(lambda: reading.scan(folder).height == 5)
(log,) = folder.glob("*.open")
room = log.stat().st_size + 20  # less than one record
resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
put(range(5, 1005))  # 500 fit into the queue
until(lambda: reading.dropped(folder) == 500)
tries = []
append = journal._append
journal._append = lambda block: (tries.append(1), append(block))
until(lambda: len(tries) > 20)
files = sorted(file.suffix for file in folder.iterdir())
full = files, reading.scan(folder).height, log.stat().st_size < room
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
until(lambda: reading.scan(folder).height == 505)
print(json.dumps([*full, reading.dropped(folder)]))
"""


def test_on_a_full_disk_what_is_lost_is_counted_at_once_and_no_files_pile_up(
    tmp_path: Path,
) -> None:
    process = subprocess.run(
        [sys.executable, "-B", "-c", ON_A_FULL_DISK, str(tmp_path), json.dumps(HEAD)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    suffixes, rows, whole, dropped = json.loads(process.stdout)
    assert suffixes == [".count", ".open"]
    assert rows == 5
    assert whole  # no torn line is left at the end
    assert dropped == 500


def test_a_file_that_cannot_be_begun_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.deployments.runtime.journal.RETRY_SECONDS", 0.01)
    tries: list[int] = []

    def full(handle: int, data: bytes) -> int:
        tries.append(handle)
        raise OSError(errno.ENOSPC, "No space left on device")

    journal = Journal(tmp_path, HEAD)
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_mlinfra.deployments.runtime.journal.os.write", full)
        journal.put(entry(1))
        end = time.monotonic() + 10
        while len(tries) < 5 and time.monotonic() < end:
            time.sleep(0.01)
        assert len(tries) >= 5
        assert [file.suffix for file in tmp_path.iterdir()] == [".count"]
    assert wait_for(tmp_path, 1)["request_id"].to_list() == ["r1"]  # it waited
    assert reading.dropped(tmp_path) == 0


def test_an_entry_without_a_json_form_costs_itself_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    for number in range(3):
        journal.put({**entry(number), "x": object()} if number == 1 else entry(number))
    journal.close()
    assert reading.scan(tmp_path)["request_id"].to_list() == ["r0", "r2"]
    assert reading.dropped(tmp_path) == 1


@pytest.mark.parametrize("compacted", [False, True])
def test_refused_and_failed_requests_are_read_with_their_reason_and_body(
    tmp_path: Path, compacted: bool
) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1))
    journal.put(
        {
            "k": "e",
            "id": "a",
            "u": "1",
            "ts": 1.7e9,
            "ms": 0.2,
            "st": 400,
            "what": "Column b has an unknown category in row 1.",
            "b": '{"data": 1}',
        }
    )
    # Of an earlier version.
    journal.put(
        {
            "k": "e",
            "id": "b",
            "u": "2",
            "ts": 1.7e9 + 1,
            "ms": 0.2,
            "st": 500,
            "what": "the model failed",
        }
    )
    journal.close()
    if compacted:
        compacting.compact(tmp_path)
    assert reading.refused(tmp_path).drop("ts", "latency_ms").rows() == [
        ("a", "v1", 400, "Column b has an unknown category in row 1.", '{"data": 1}'),
        ("b", "v1", 500, "the model failed", ""),
    ]
    assert reading.refused(tmp_path, datetime.fromtimestamp(1.7e9 + 1, UTC))[
        "request_id"
    ].to_list() == ["b"]
    assert reading.refused(tmp_path / "nothing").height == 0


def test_of_compacted_files_only_the_refused_rows_and_their_columns_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor asks at each evaluation. A file of an earlier version has neither the gateway's id
    nor the request's body.
    """
    journal = Journal(tmp_path, HEAD)
    journal.put(entry(1))
    journal.put(
        {
            "k": "e",
            "id": "a",
            "u": "1",
            "ts": 1.7e9,
            "ms": 0.2,
            "st": 400,
            "what": "Column b has an unknown category in row 1.",
            "b": "{}",
        }
    )
    journal.close()
    compacting.compact(tmp_path)
    (file,) = (tmp_path / "parquet").iterdir()
    pl.read_parquet(file).drop(".unique", "what", "request").with_columns(
        request_id=pl.lit("old")
    ).write_parquet(file.with_name("v0-1-1.parquet"))
    (tmp_path / "parquet" / "v0-1-1.parquet").touch()
    monkeypatch.delattr(pl, "read_parquet")
    found = reading.refused(tmp_path).sort("request_id")
    assert found.select("request_id", "status", "what", "request").rows() == [
        ("a", 400, "Column b has an unknown category in row 1.", "{}"),
        ("old", 400, None, None),
    ]


def closed(folder: Path, number: int) -> Path:
    """A closed file with one row of day `number` before now."""
    at = time.time() - number * 86_400
    journal = Journal(folder, {**HEAD, "version": f"v{number}"})
    journal.put(entry(number, at=at - number))
    journal.close()
    (file,) = folder.glob(f"v{number}-*.jsonl")
    os.utime(file, (at, at))
    return file


@pytest.mark.parametrize("compacted", [False, True])
def test_what_is_older_than_the_days_kept_goes_and_the_rest_is_read_as_before(
    tmp_path: Path, compacted: bool
) -> None:
    for number in range(5):
        closed(tmp_path, number)
    if compacted:
        compacting.compact(tmp_path)
    assert compacting.prune(tmp_path, days=2.5, gib=1) == 2
    assert sorted(reading.scan(tmp_path)["version"]) == ["v0", "v1", "v2"]
    assert compacting.prune(tmp_path, days=2.5, gib=1) == 0


def test_beyond_its_size_the_oldest_files_go_and_never_the_one_that_is_open(tmp_path: Path) -> None:
    sizes = [closed(tmp_path, number).stat().st_size for number in range(5)]
    journal = Journal(tmp_path, {**HEAD, "version": "open"})
    journal.put(entry(1, unique="open"))
    journal._flush()
    assert compacting.prune(tmp_path, days=90, gib=(sum(sizes[:2]) + 1) / (1 << 30)) == 3
    assert sorted(reading.scan(tmp_path)["version"]) == ["open", "v0", "v1"]
    assert compacting.prune(tmp_path, days=90, gib=1e-9) == 2
    assert reading.scan(tmp_path)["version"].to_list() == ["open"]
    journal.close()


def test_nothing_is_removed_from_under_a_compaction(tmp_path: Path) -> None:
    closed(tmp_path, 5)
    with file_lock(tmp_path / ".compact.lock"):
        assert compacting.prune(tmp_path, days=1, gib=1) == 0
    assert reading.scan(tmp_path).height == 1
    assert compacting.prune(tmp_path / "no such folder", days=1, gib=1) == 0
