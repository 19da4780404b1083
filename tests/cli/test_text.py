"""Tables and facts for people."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.catalog.spec import Column, RowBlock
from jupyter_mlinfra.cli.app import _report
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.cli.text import facts, table, text_of
from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.records import page_of
from jupyter_mlinfra.server.openapi import _records
from jupyter_mlinfra.widgets.reprs import bundle
from tests.server.noted import made_up

CELL = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    rows = [
        {"name": "a", "rows": "1,234"},
        {"name": "weather", "rows": "5"},
        {"name": "空港", "rows": "–"},
    ]
    assert table(rows).splitlines() == [
        "name      rows",
        "a        1,234",
        "weather      5",
        "空港         –",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "-0.25",
        "1,234",
        "≈ 5",
        "~ 12.5",
        "n=5",
        "3.4 MB",
        "12.3 s",
        "4 min 05 s",
        "97.5 %",
        "0.5 est.",
        "1e-05",
        "–",
    ],
)
def test_these_are_numbers(text: str) -> None:
    assert table([{"a": text}, {"a": "1" * 20}]).splitlines()[1].endswith(text)


@pytest.mark.parametrize("text", ["> 99.9 %", "< 0.1 %"])
def test_a_share_that_is_nearly_nothing_or_all_is_a_number(text: str) -> None:
    assert table([{"a": text}, {"a": "1" * 20}]).splitlines()[1].endswith(text)


@pytest.mark.parametrize(
    "text", ["01_ingest.ipynb", "v1 90 %, v2 10 %", "6cc92be7", "3 of 5", "7 succeeded"]
)
def test_these_are_words(text: str) -> None:
    assert table([{"a": text}, {"a": "1" * 20}]).splitlines()[1] == text


def test_facts_stand_under_each_other() -> None:
    assert facts({"rows": "5", "owner": "ana"}) == "rows   5\nowner  ana"


def test_a_long_text_is_cut_to_the_terminal_and_says_so() -> None:
    assert table([{"a": "x" * 50}], width=20).splitlines()[1] == "x" * 19 + "…"


def test_the_values_of_rows_are_not_rounded() -> None:
    prices = pl.DataFrame({"shop": ["a", "b"], "euros": [2361.25, 8607.0], "share": [1 / 3, None]})
    assert text_of(prices).splitlines() == [
        "shop    euros              share",
        "a     2361.25  0.333333333333333",
        "b        8607                  –",
    ]
    assert text_of(prices.head(0)) == "no rows"


def test_some_rows_of_a_dataset_say_how_many_there_are() -> None:
    columns = [Column(name="shop", type="str", required=False, doc="")]
    part = RowBlock(start=0, columns=columns, data=[["a", "b"]], shown=2, total=3_000, snapshot="7")
    assert text_of(part).splitlines()[-1] == "These are rows 1–2 of 3,000."
    assert "rows" not in text_of(replace(part, total=2))


def test_values_that_json_cannot_hold_are_shown_as_they_are() -> None:
    odd = pl.DataFrame(
        {
            "number": [float("nan"), float("-inf"), None],
            "day": pl.Series([2**31 - 2, 0, None]).cast(pl.Int32).cast(pl.Date),
            "bytes": [b"\x01", b"", None],
        }
    )
    assert [re.split("  +", line) for line in text_of(odd).splitlines()[1:]] == [
        ["nan", "a time beyond the years 1 to 9999", "0x01"],
        ["-inf", "1970-01-01", "0x"],
        ["–", "–", "–"],
    ]


def test_a_reason_is_whole_in_a_pipe_and_cut_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = f"Needs 2 GPUs, 1 is free; {'GPU 0 is held by a notebook. ' * 5}That is all."
    page = page_of([replace(made_up(_records()["Job"]), reason=reason)], limit=5)
    assert reason in text_of(page)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert reason not in text_of(page)
    assert "That is all." not in bundle(page)["text/plain"]


def test_the_card_of_a_job_shows_its_priority() -> None:
    assert ["priority", "90"] in [
        line.split()
        for line in text_of(replace(made_up(_records()["Job"]), priority=90)).splitlines()
    ]


def test_columns_without_room_are_named_and_those_before_them_are_whole() -> None:
    rows = [
        {
            "job": "851a6db9",
            "name": "features",
            "state": "done",
            "submitted": "2026-11-25 03:54",
            "cpus": "1",
        }
    ]
    assert table(rows, width=33).splitlines() == [
        "job       name      state  cpus",
        "851a6db9  features  done      1",
        "… 1 more column: submitted",
    ]
    assert table(rows, width=49).splitlines()[1:] == [
        "851a6db9  features  done   2026-11-25 03:54     1"
    ]
    rows[0]["submitted"] = "on the first of April, long ago"
    assert table(rows, width=44).splitlines()[1:] == [
        "851a6db9  features  done   on the first of …",
        "… 1 more column: cpus",
    ]
    rows[0]["submitted"] = "2026-11-25 03:54"
    assert (
        table(rows, width=None).splitlines()[1]
        == "851a6db9  features  done   2026-11-25 03:54     1"
    )


@pytest.mark.parametrize("width", [10, 40, 60, 80, 200])
def test_an_address_is_whole_or_left_out(width: int) -> None:
    url = "http://127.0.0.1:22596/seldon/flights/flights/api/v1.0/predictions"
    lines = table(
        [{"deployment": "flights", "state": "healthy", "url": url}], width=width
    ).splitlines()
    assert url in lines[1] or "http" not in lines[1]
    assert (url in lines[1]) != lines[-1].startswith("…")
    assert url in table([{"url": url}], width=width)


def test_a_name_from_outside_does_not_command_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    escape = "\x1b[2Jgone\x9b31m\rback"
    for kind in ("Run", "Job", "Deployment", "Comparison"):
        record = made_up(_records()[kind])
        object.__setattr__(
            record,
            "runs" if kind == "Comparison" else "name",
            [_named(escape)] if kind == "Comparison" else escape,
        )
        for text in (
            text_of(record),
            text_of([record]),
            text_of({escape: escape}),
            text_of(escape),
            bundle(record)["text/plain"],
        ):
            assert not set(text) & set("\x1b\x9b\r"), kind
    _report(NotFound(f"There is no run {escape}.", f"Runs: {escape}.\n  ^", escape), Session())
    assert not set(capsys.readouterr().err) & set("\x1b\x9b\r")


def _named(name: str) -> Any:
    run = made_up(_records()["Run"])
    object.__setattr__(run, "name", name)
    return run


def display_width(line: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in line
    )


@given(
    st.lists(
        st.fixed_dictionaries({"one": CELL, "two": CELL, "three": CELL}), min_size=1, max_size=5
    ),
    st.integers(10, 80),
)
def test_no_cell_breaks_the_table(rows: list[dict[str, str]], width: int) -> None:
    """Newlines, tabs, escape sequences, wide and combining characters: a row stays a line, and a
    line fits the terminal.
    """
    lines = table(rows, width=width).split("\n")
    assert len(lines) == len(rows) + 1 + lines[-1].startswith("…")
    for line in lines:
        assert all(char.isprintable() for char in line)
        assert display_width(line) <= width
