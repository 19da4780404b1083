"""Tables and facts for people."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.cli.text import facts, table

CELL = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    rows = [{"name": "a", "rows": "1,234"}, {"name": "weather", "rows": "5"}, {"name": "空港", "rows": "–"}]
    assert table(rows).splitlines() == ["name      rows", "a        1,234", "weather      5", "空港         –"]


@pytest.mark.parametrize("text", ["5", "-0.25", "1,234", "≈ 5", "~ 12.5", "n=5", "3.4 MB", "12.3 s", "4 min 05 s", "97.5 %", "0.5 est.", "1e-05", "–"])
def test_these_are_numbers(text: str) -> None:
    assert table([{"a": text}, {"a": "1" * 20}]).splitlines()[1].endswith(text)


@pytest.mark.parametrize("text", ["01_ingest.ipynb", "v1 90 %, v2 10 %", "6cc92be7", "3 of 5", "7 succeeded"])
def test_these_are_words(text: str) -> None:
    assert table([{"a": text}, {"a": "1" * 20}]).splitlines()[1] == text


def test_facts_stand_under_each_other() -> None:
    assert facts({"rows": "5", "owner": "ana"}) == "rows   5\nowner  ana"


def test_a_line_is_cut_to_the_terminal_and_says_so() -> None:
    assert table([{"a": "x" * 50}], width=20).splitlines()[1] == "x" * 19 + "…"


def display_width(line: str) -> int:
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


@given(st.lists(st.fixed_dictionaries({"one": CELL, "two": CELL, "three": CELL}), min_size=1, max_size=5), st.integers(10, 80))
def test_no_cell_breaks_the_table(rows: list[dict[str, str]], width: int) -> None:
    """Newlines, tabs, escape sequences, wide and combining characters: a row stays a line, and a line fits the terminal."""
    lines = table(rows, width=width).split("\n")
    assert len(lines) == len(rows) + 1
    for line in lines:
        assert all(char.isprintable() for char in line)
        assert display_width(line) <= width
