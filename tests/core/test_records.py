"""Pages and JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.records import Number, page_of, parse_cursor, to_json


class Colour(StrEnum):
    RED = "red"


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    items, seen, cursor = list(range(103)), [], None
    while True:
        page = page_of(items, limit=25, cursor=cursor)
        assert page.total == 103
        assert page.shown == len(page.items)
        seen += page.items
        if (cursor := page.cursor) is None:
            break
    assert seen == items


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_without_bound_is_refused(limit: int) -> None:
    with pytest.raises(BadRequest):
        page_of([1], limit=limit)


@pytest.mark.parametrize(
    "cursor", ["²", "٣", "9" * 30, "9" * 5000, "-5", "+5", "1_0", " 1", "1.0", "x", str(2**62 + 1)]
)
def test_a_cursor_that_no_answer_gave_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest, match="cursor"):
        page_of(list(range(10)), limit=3, cursor=cursor)


def test_a_cursor_is_a_number_and_none_is_the_first_page() -> None:
    assert [parse_cursor(text) for text in (None, "", "0", "50", str(2**62))] == [
        0,
        0,
        0,
        50,
        2**62,
    ]


def test_json_is_plain_and_times_are_utc() -> None:
    value = {
        "when": datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        "naive": datetime(2026, 1, 1, tzinfo=UTC),
        "nan": float("nan"),
        "colour": Colour.RED,
        "number": Number(value=1.5, basis="sample", n=200),
    }
    plain = to_json(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["when"] == "2026-01-01T10:00:00Z"
    assert plain["nan"] == "NaN"
    assert to_json([float("inf"), float("-inf")]) == ["Infinity", "-Infinity"]
    assert plain["colour"] == "red"
    assert plain["number"] == {"value": 1.5, "basis": "sample", "n": 200, "error": None}
