"""A log that grows without end fills no disk: its middle is dropped, that is said, and readers
notice nothing but the gap.
"""

from __future__ import annotations

import os
import random
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.attempt.log import cut_log, read_log, search_log
from jupyter_mlinfra.jobs.attempt.log_cap import cap_log, size_of
from jupyter_mlinfra.jobs.spec import LogChunk

MIB = 1 << 20
SAID = re.compile(r"\[([\d,]+) bytes were dropped here: [^\n]*log_gib[^\n]*\]\n")


class Log:
    """The log of a job of one attempt, and what was written to it, kept apart."""

    def __init__(self, home: Path) -> None:
        self.home, self.attempt, self.written = home, Attempt.of(home, "j", 1), b""
        self.attempt.folder.mkdir(parents=True)

    def write(self, data: bytes) -> None:
        with open(self.attempt.log, "ab") as file:
            file.write(data)
        self.written += data

    def lines(self, first: int, count: int) -> None:
        self.write(b"".join(b"line %d\n" % number for number in range(first, first + count)))

    def read(self, **options: Any) -> LogChunk:
        given = {"offset": 0, "limit": 4_000_000, "tail": None, "ended": True, **options}
        return read_log(self.home, "j", 1, **given)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty one."""
    return Log(tmp_path)


def test_the_beginning_and_the_end_stay_and_the_line_between_counts_what_is_gone(log: Log) -> None:
    log.lines(0, 200_000)
    dropped = cap_log(log.attempt, MIB)
    found = log.attempt.log.read_text()
    said = SAID.search(found)
    assert said is not None
    assert int(said[1].replace(",", "")) == dropped
    head, tail = found[: said.start()], found[said.end() :]
    text = log.written.decode()
    assert text.startswith(head)
    assert text.endswith(tail)
    assert head.endswith("\n")
    assert len(head) + len(tail) + dropped == len(text)
    assert MIB * 0.45 < len(found) < MIB * 0.8
    assert cap_log(log.attempt, MIB) == 0


def test_offsets_count_what_the_job_wrote_whatever_was_dropped(log: Log) -> None:
    log.lines(0, 100_000)
    before = log.read(offset=len(log.written) - 40)
    for turn in range(1, 4):
        cap_log(log.attempt, MIB)
        log.lines(turn * 100_000, 100_000)
        assert log.read(offset=0, limit=1).size == len(log.written)
    cap_log(log.attempt, MIB)
    assert log.read(tail=1).text == "line 399999\n"
    behind = len(log.written) - 40
    assert log.read(offset=behind).text == log.written[behind:].decode()
    assert log.read(offset=0, limit=60).text == log.written[:60].decode().rpartition("\n")[0] + "\n"
    # Whoever had read on to the middle gets the line that says what is missing, then what comes
    # after.
    onward = log.read(offset=before.next, limit=4_000_000)
    assert SAID.match(onward.text)
    assert onward.text.endswith("line 399999\n")
    assert onward.ended
    said = SAID.search(onward.text)
    assert said is not None
    gap, size = size_of(log.attempt)
    assert gap is not None
    assert (int(said[1].replace(",", "")), size) == (gap.dropped, len(log.written))


def test_a_reader_that_goes_on_from_next_comes_to_the_end_and_misses_no_kept_line(log: Log) -> None:
    log.lines(0, 300_000)
    cap_log(log.attempt, MIB)
    text, place = "", 0
    while True:
        part = log.read(offset=place, limit=50_000)
        text, place = text + part.text, part.next
        if part.ended:
            break
    assert text == log.attempt.log.read_text()


def test_a_tail_reads_back_to_the_gap_and_not_beyond(log: Log) -> None:
    log.lines(0, 300_000)
    cap_log(log.attempt, MIB)
    lines = log.read(tail=1_000_000).text.splitlines(keepends=True)
    assert SAID.fullmatch(lines[0])
    assert lines[-1] == "line 299999\n"
    assert log.read(tail=2).text == "line 299998\nline 299999\n"


def test_a_search_finds_on_both_sides_of_the_gap(log: Log) -> None:
    log.write(b"needle one\n")
    log.lines(0, 300_000)
    cap_log(log.attempt, MIB)
    log.write(b"needle two\n")
    found = search_log(log.home, "j", 1, text="needle", limit=10, cursor=None)
    assert [hit.text for hit in found.items] == ["needle one", "needle two"]
    assert not found.more
    place = found.items[1].offset
    assert log.written[place : place + 10] == b"needle two"
    assert log.read(offset=place).text == "needle two\n"


def test_the_log_of_a_next_attempt_begins_where_all_of_the_first_ended(log: Log) -> None:
    log.lines(0, 300_000)
    cap_log(log.attempt, MIB)
    second = Attempt.of(log.home, "j", 2)
    second.folder.mkdir()
    second.log.write_text("second\n")
    found = read_log(log.home, "j", 2, offset=len(log.written), limit=100, tail=None, ended=True)
    assert (found.text, found.size) == ("second\n", len(log.written) + 7)


def test_lines_longer_than_all_that_is_kept_are_cut_within(log: Log) -> None:
    log.write(os.urandom(2 * MIB).replace(b"\n", b"x"))
    cap_log(log.attempt, MIB // 4)
    assert log.attempt.log.stat().st_size < MIB // 4
    assert b"bytes were dropped here" in log.attempt.log.read_bytes()
    assert log.read(offset=0, limit=1).size == len(log.written)


def test_what_is_cleared_away_after_the_job_has_ended_counts_anew(log: Log) -> None:
    log.lines(0, 300_000)
    cap_log(log.attempt, MIB)
    cut_log(log.attempt.log, keep=1000)
    assert size_of(log.attempt)[1] == log.attempt.log.stat().st_size
    assert log.read().text == log.attempt.log.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"at": -1, "dropped": 5, "marker": 1}',
        '{"at": 1, "dropped": 0, "marker": 9}',
        '{"at": "x"}',
    ],
)
def test_a_damaged_note_of_what_is_missing_hides_nothing(text: str, log: Log) -> None:
    log.lines(0, 10)
    log.attempt.gap.write_text(text)
    assert log.read().text == log.written.decode()


def test_a_job_that_writes_all_the_while_goes_on_writing(log: Log) -> None:
    done = threading.Event()

    def flood() -> None:
        handle = os.open(log.attempt.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in range(60_000):
            os.write(handle, b"%08d %s\n" % (number, b"x" * random.randrange(80)))
        os.close(handle)
        done.set()

    writer = threading.Thread(target=flood)
    writer.start()
    while not done.is_set():
        cap_log(log.attempt, MIB // 8)
    writer.join()
    kept = log.attempt.log.read_bytes()
    assert len(kept) < MIB
    numbers = [int(line[:8]) for line in kept.splitlines() if line[:8].isdigit()]
    assert numbers[0] == 0
    assert max(numbers) > 59_900, "the end is kept, but for what was written in the moment of a cut"
    assert len(numbers) == len(set(numbers)), "no line is there twice"


def test_the_log_of_a_running_job_stays_below_its_cap_and_its_last_words_are_kept(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    settings = project.root / "mlinfra.toml"
    settings.write_text(settings.read_text() + "log_gib = 0.002\n")
    jobs = Jobs(Project.open(project.root))
    code = (
        "import os, sys\nfor number in range(200): print('y' * 99, flush=True)\nwhile not"
        " os.path.exists('go'): sys.stdout.write(('y' * 99 + '\\n') * 1000)\nprint('the last"
        " word'); sys.exit(3)"
    )
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", code]))
    log = project.home / "jobs" / job.id / "1" / "log"
    tools.until(lambda: "bytes were dropped here" in jobs.logs(job.id, tail=1000).text)
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert ended.state == "failed"
    assert "the last word" in ended.reason
    assert jobs.attempts(job.id).items[0].log_bytes > log.stat().st_size
    assert jobs.logs(job.id, tail=1).text == "the last word\n"
