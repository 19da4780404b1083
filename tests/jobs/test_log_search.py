"""Looking through the whole of a log: every line is found, where it is, and pages fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.jobs.attempt import log as logs
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.spec import LogHits


def write(home: Path, *attempts: bytes) -> None:
    for number, data in enumerate(attempts, 1):
        folder = Attempt.of(home, "7f3a", number).folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").write_bytes(data)


def pages(home: Path, attempts: int, text: str, limit: int) -> Iterator[LogHits]:
    cursor: str | None = None
    while True:
        page = logs.search_log(home, "7f3a", attempts, text=text, limit=limit, cursor=cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


WORDS = st.sampled_from(
    [b"loss", b"LOSS 0.1", b"other", b"\xff\xfe", "ÄRGER".encode(), b"", b"a loss of loss"]
)


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.lists(WORDS, max_size=30), min_size=1, max_size=3),
    st.sampled_from(["loss", "Loss 0", "ärger", "missing"]),
    st.integers(1, 7),
)
def test_all_lines_that_hold_a_text_are_found_at_their_bytes(
    tmp_path: Path, parts: list[list[bytes]], text: str, limit: int
) -> None:
    attempts = [b"".join(line + b"\n" for line in part) for part in parts]
    write(tmp_path, *attempts)
    whole = b"".join(attempts)
    expected, offset = [], 0
    for number, line in enumerate(whole.split(b"\n"), 1):
        if text.lower() in line.decode("utf-8", "replace").lower():
            expected.append((number, offset))
        offset += len(line) + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "_BLOCK", 64)
        found = list(pages(tmp_path, len(attempts), text, limit))
    assert [(hit.line, hit.offset) for page in found for hit in page.items] == expected
    assert {page.total for page in found} == {len(expected)}
    assert not any(page.more for page in found)
    assert all(text.lower() in hit.text.lower() for page in found for hit in page.items)


def test_a_log_that_is_too_long_for_one_look_says_at_least_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_BLOCK", 1_000)
    monkeypatch.setattr(logs, "SCANNED_BYTES", 10_000)
    write(
        tmp_path,
        b"".join(
            f"{number} {'needle' if number % 500 == 0 else 'hay'}\n".encode()
            for number in range(1, 10_001)
        ),
    )
    found = list(pages(tmp_path, 1, "needle", 50))
    assert [hit.line for page in found for hit in page.items] == list(range(500, 10_001, 500))
    assert found[0].more
    assert found[0].total < 20
    assert (found[-1].total, found[-1].more) == (20, False)


def test_only_the_surroundings_of_a_long_line_are_given(tmp_path: Path) -> None:
    write(tmp_path, b"x" * 5_000 + b"Needle" + b"y" * 5_000)
    (hit,) = logs.search_log(tmp_path, "7f3a", 1, text="needle", limit=5, cursor=None).items
    assert len(hit.text) < 300
    assert "Needle" in hit.text


@pytest.mark.parametrize("cursor", ["1", "a.b.c", "-1.1.1", "1.1.1.1", f"1.1.{'9' * 40}"])
def test_a_cursor_that_is_none_of_ours_is_refused(tmp_path: Path, cursor: str) -> None:
    with pytest.raises(BadRequest):
        logs.search_log(tmp_path, "7f3a", 1, text="x", limit=5, cursor=cursor)
