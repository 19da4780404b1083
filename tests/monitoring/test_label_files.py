"""Files of labels as people have them: what is read, and what is refused with a reason."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.monitoring.labels import files


def good(read: files.Labels) -> list[Any]:
    return read.rows.select("place", "request_id", "label", "text").rows()


def bad(read: files.Labels) -> list[Any]:
    return read.refused.select("place", "why").rows()


def test_a_line_of_a_csv_with_too_many_values_is_refused_and_loses_no_other(tmp_path: Path) -> None:
    """As of a decimal comma: before, its fraction was cut off."""
    file = tmp_path / "truth.csv"
    file.write_text('request_id,label\na,1232386,12\nb,"1\n"\n\nc,2.5,\nd,7,8,9\ne\n')
    read = files.read_file(file)
    assert good(read) == [(2, "b", 1.0, "1"), (4, "c", 2.5, "2.5")]
    reason = "values for 2 columns: quote values with a comma"
    assert bad(read) == [
        (1, f"line 2 has 3 {reason}"),
        (3, "no request_id"),
        (5, f"line 7 has 4 {reason}"),
        (6, "no label"),
    ]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", [date(2026, 1, 1)]),
        ("label", [datetime(2026, 1, 1)]),
        ("label", [time(1)]),
        ("label", [timedelta(1)]),
        ("label", [[1]]),
        ("reward", [{"a": 1}]),
        ("label.price", [date(2026, 1, 1)]),
        ("row", [[0]]),
        ("request_id", [["r"]]),
    ],
    ids=["date", "datetime", "time", "duration", "list", "struct", "output", "row", "id"],
)
def test_a_column_of_neither_numbers_nor_texts_is_refused_with_its_type(
    column: str, values: list[Any]
) -> None:
    with pytest.raises(BadRequest, match=f"The column {column} of the labels cannot be used"):
        files.read_frame(pl.DataFrame({"request_id": ["r"], "label": [1.0], column: values}))


def test_numbers_of_any_size_are_labels_and_have_their_own_name() -> None:
    large = pl.DataFrame({"request_id": ["a", "b", "c"], "label": [1e19, 5.0, -3e20]})
    assert files.read_frame(large).rows["label"].to_list() == [1e19, 5.0, -3e20]
    assert files.read_frame(large.cast({"label": pl.String})).rows["label"].to_list()[0] == 1e19
    exact = pl.DataFrame({"request_id": ["a", "b"], "label": [2**53 + 1, -1]})
    assert files.read_frame(exact).rows["text"].to_list() == ["9007199254740993", "-1"]
    said = files.frame_of(
        [{"request_id": "a", "label": label} for label in (1.0, True, 0.5, "1.0")]
    )
    assert files.read_frame(said).rows["text"].to_list() == ["1", "1", "0.5", "1.0"]


def test_categories_and_bytes_are_texts() -> None:
    ids = pl.Series("request_id", [b"a", "\u00e9".encode(), b"\xff\xfe"])
    label = pl.Series("label", ["5", "late", "late"], dtype=pl.Categorical)
    read = files.read_frame(pl.DataFrame([ids, label]))
    assert good(read) == [(1, "a", 5.0, "5"), (2, "\u00e9", None, "late")]
    assert bad(read) == [(3, "request_id is no text in UTF-8")]
    either = pl.Series("label", ["late", "5", "5"], dtype=pl.Enum(["5", "late"]))
    assert files.read_frame(pl.DataFrame([ids, either])).rows["text"].to_list() == ["late", "5"]


def test_json_with_a_mark_of_its_encoding_is_read_in_full(tmp_path: Path) -> None:
    rows = [{"request_id": name, "label": 1} for name in ("a", "b\u2028c", "d\x85e")]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    texts = {"l.json": f"[{','.join(lines)}]", "l.jsonl": "\n".join(lines) + "\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8-sig", newline="")
        read = files.read_file(tmp_path / name)
        assert read.rows["request_id"].to_list() == [row["request_id"] for row in rows]
        assert read.read == 3


def test_json_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    deep = "[" * 200_000
    (tmp_path / "l.json").write_text(deep)
    with pytest.raises(Unprocessable, match="nested too deeply"):
        files.read_file(tmp_path / "l.json")
    (tmp_path / "l.jsonl").write_text(deep + '\n{"request_id": "a", "label": 1}')
    read = files.read_file(tmp_path / "l.jsonl")
    assert (good(read), bad(read)) == ([(2, "a", 1.0, "1")], [(1, "no request_id")])
