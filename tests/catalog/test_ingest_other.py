"""Parquet and JSON files, and frames, into a dataset."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable


@pytest.fixture
def everything():
    """One column of every type that Iceberg keeps."""
    return pl.DataFrame(
        {
            "small": pl.Series([1, None], dtype=pl.Int8),
            "whole": pl.Series([2**40, None]),
            "unsigned": pl.Series([7, None], dtype=pl.UInt32),
            "single": pl.Series([1.5, None], dtype=pl.Float32),
            "double": [0.1, None],
            "flag": [True, None],
            "word": ["ä", None],
            "day": [date(2013, 1, 1), None],
            "at": [datetime(2013, 1, 1, 5), None],
            "zoned": pl.Series([datetime(2013, 1, 1, tzinfo=UTC), None]),
            "blob": [b"\0\1", None],
            "money": pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(10, 2)),
            "kind": pl.Series(["a", None], dtype=pl.Categorical),
            "list": [[1, 2], None],
            "struct": [{"x": 1, "y": "z"}, None],
            "nothing": [None, None],
        }
    )


def test_every_type_comes_back_as_duckdb_reads_it_from_the_file(catalog, tmp_path, everything):
    everything.write_parquet(tmp_path / "a.parquet")
    catalog.ingest([tmp_path / "a.parquet"], into="t.a")
    expected = duckdb.sql(
        f"SELECT * EXCLUDE (zoned), epoch_us(zoned) AS zoned FROM '{tmp_path}/a.parquet'"
    ).fetchall()
    result = (
        catalog.dataset("t.a")
        .scan()
        .with_columns(pl.col("zoned").dt.epoch("us"))
        .select(pl.exclude("zoned"), "zoned")
        .collect()
        .rows()
    )
    assert result == expected
    types = {column.name: column.type for column in catalog.show("t.a").schema}
    assert types["zoned"] == "ts[us, tz]"
    assert (types["list"], types["struct"], types["money"], types["small"], types["nothing"]) == (
        "list[i64]",
        "struct[x: i64, y: str]",
        "dec[10,2]",
        "i32",
        "str",
    )


def test_a_narrower_file_fits_a_wider_column_and_whole_floats_fit_whole_numbers(catalog, rows):
    catalog.write(pl.DataFrame({"n": [1], "x": [1.0]}), into="t.a")
    catalog.write(
        pl.DataFrame({"n": pl.Series([2], dtype=pl.Int16), "x": pl.Series([2], dtype=pl.Int32)}),
        into="t.a",
    )
    catalog.write(pl.DataFrame({"n": [3.0, float("nan")], "x": [3.0, None]}), into="t.a")
    assert rows("t.a") == sorted(
        [{"n": 1, "x": 1.0}, {"n": 2, "x": 2.0}, {"n": 3, "x": 3.0}, {"n": None, "x": None}],
        key=repr,
    )


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (pl.DataFrame({"n": [2.5]}), "2.5"),
        (pl.DataFrame({"n": [[1]]}), "does not fit"),
        (pl.DataFrame({"n": ["1"]}), "does not fit"),
        (pl.DataFrame({"n": pl.Series([2**63], dtype=pl.UInt64)}), "9223372036854775808"),
        (pl.DataFrame({"m": [1]}), "no column 'n'"),
        (pl.DataFrame(), "no columns"),
        (pl.DataFrame({"n": [1], "t": [timedelta(1)]}), "cannot be stored"),
        (pl.DataFrame({"n": [1], "a\nb": [1]}), "a line break within"),
        (pl.DataFrame({"n": [1], "a\x1bb": [1]}), "cannot be named"),
    ],
)
def test_a_frame_that_does_not_fit_changes_nothing(catalog, rows, stored, frame, word):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    before = stored()
    with pytest.raises(Unprocessable, match=word) as caught:
        catalog.write(frame, into="t.a")
    assert caught.value.fix
    assert rows("t.a") == [{"n": 1}]
    assert stored() == before


def test_times_with_and_without_zone_are_not_mixed(catalog):
    catalog.write(pl.DataFrame({"at": [datetime(2013, 1, 1, tzinfo=UTC)]}), into="t.zoned")
    catalog.write(pl.DataFrame({"at": [datetime(2013, 1, 1)]}), into="t.plain")
    with pytest.raises(Unprocessable, match="no zone"):
        catalog.write(pl.DataFrame({"at": [datetime(2013, 1, 1)]}), into="t.zoned")
    with pytest.raises(Unprocessable, match="have a zone"):
        catalog.write(pl.DataFrame({"at": [datetime(2013, 1, 1, tzinfo=UTC)]}), into="t.plain")


def test_a_lazy_frame_is_written_in_order_and_in_parts(catalog):
    catalog.write(
        pl.LazyFrame({"n": range(400_000)}).with_columns(pl.col("n").cast(pl.String).alias("word")),
        into="t.a",
    )
    result = catalog.dataset("t.a").scan().collect()
    assert result["n"].to_list() == list(range(400_000))
    assert result["word"][399_999] == "399999"


def test_an_empty_frame_is_a_commit_of_no_rows(catalog, rows):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    catalog.write(pl.DataFrame({"n": []}, schema={"n": pl.Int64}), into="t.a", mode="replace")
    assert rows("t.a") == []
    assert catalog.show("t.a").dataset.rows.value == 0
    catalog.write(pl.DataFrame({"n": []}, schema={"n": pl.Int64}), into="t.b")
    assert catalog.preview("t.b").data == [[]]


def test_json_lines_come_in_with_their_types_and_broken_lines_are_set_aside(catalog, file, rows):
    lines = [
        '{"id": 1, "x": 2, "at": "2013-01-01T10:00:00Z", "tags": ["a"]}',
        "",
        '{"id": 2, "x": 2.5, "at": "2013-01-01T11:00:00Z"}',
        "{broken",
        "[1]",
    ]
    report = catalog.ingest([file("a.jsonl", "\n".join(lines))], into="t.a")
    assert rows("t.a") == [
        {"id": 1, "x": 2.0, "at": datetime(2013, 1, 1, 10, tzinfo=UTC), "tags": ["a"]},
        {"id": 2, "x": 2.5, "at": datetime(2013, 1, 1, 11, tzinfo=UTC), "tags": None},
    ]
    assert [
        (row["line"], row["text"])
        for row in catalog.dataset(report.quarantine).scan().collect().to_dicts()
    ] == [(4, "{broken"), (5, "[1]")]


def test_json_that_does_not_fit_the_table_is_set_aside_with_its_line(catalog, file):
    catalog.ingest([file("a.json", '{"id": 1}\n{"id": 2}\n')], into="t.a")
    report = catalog.ingest(
        [file("b.json", '\n{"id": 3}\n{bad\n{"id": 4.5}\n{"id": 5}\n')], into="t.a"
    )
    assert (report.rows_written, report.quarantined) == (2, 2)
    assert catalog.dataset(report.quarantine).scan().collect()["line"].to_list() == [3, 4]


def test_digits_in_json_text_stay_text(catalog, file, rows):
    catalog.ingest([file("a.json", json.dumps([{"zip": "10001"}, {"zip": "10002"}]))], into="t.a")
    assert rows("t.a") == [{"zip": "10001"}, {"zip": "10002"}]


def test_json_numbers_that_a_text_makes_text_are_pointed_out_once(catalog, file, rows):
    lines = [{"id": number, "zip": "02134", "score": number / 2} for number in range(9)]
    lines[5]["score"] = "n/a"
    path = file("a.jsonl", "\n".join(map(json.dumps, lines)))
    [note] = catalog.ingest([path], into="t.a").notes
    assert "'score' is text: 1 of its 9 values are texts, the first 'n/a'" in note
    assert catalog.ingest([path], into="t.a", again=True).notes == []  # the dataset has it so
    report = catalog.ingest([path], into="t.b", types={"score": "f64"})
    assert (report.notes, report.quarantined) == ([], 0)
    assert [row["score"] for row in rows("t.b")] == [0, 0.5, 1, 1.5, 2, None, 3, 3.5, 4]


def test_types_that_differ_from_block_to_block_meet(catalog, file):
    lines = [json.dumps({"n": i}) for i in range(25_000)] + [json.dumps({"n": 0.5, "late": "x"})]
    catalog.ingest([file("a.ndjson", "\n".join(lines))], into="t.a")
    result = catalog.dataset("t.a").scan().collect()
    assert (result.height, result["n"].sum(), result["late"].drop_nulls().to_list()) == (
        25_001,
        sum(range(25_000)) + 0.5,
        ["x"],
    )


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{\n  'a': 1\n}", "No row of a.json can be read"),
        ('[{"a": 1}', "not JSON"),
        ('{"a": 1}\n{"a": [1]}', "mixes types"),
        ("[]", "no columns"),
    ],
)
def test_json_that_cannot_be_rows_is_refused(catalog, file, content, word):
    with pytest.raises(Unprocessable, match=word):
        catalog.ingest([file("a.json", content)], into="t.a")
    assert catalog.list().total == 0


def test_files_of_several_kinds_make_one_commit(catalog, file, tmp_path, rows):
    pl.DataFrame({"id": [1], "word": ["a"]}).write_parquet(tmp_path / "a.parquet")
    catalog.ingest(
        [
            tmp_path / "a.parquet",
            file("b.csv", "id,word\n2,b\n"),
            file("c.json", '{"word": "c", "id": 3}'),
        ],
        into="t.a",
    )
    assert [row["word"] for row in rows("t.a")] == ["a", "b", "c"]


def test_an_unknown_kind_or_mode_is_refused_with_the_known_ones(catalog, file):
    with pytest.raises(BadRequest, match=r"\.parquet"):
        catalog.ingest([file("a.pdf", "x")], into="t.a")
    with pytest.raises(BadRequest, match="append, replace"):
        catalog.write(pl.DataFrame({"n": [1]}), into="t.a", mode="merge")
    with pytest.raises(BadRequest, match="No file was given"):
        catalog.ingest([], into="t.a")


@pytest.mark.parametrize("name", ["a.ndjson", "a.json"])
def test_a_whole_number_of_too_many_digits_is_set_aside_and_not_rounded(catalog, file, rows, name):
    long, most = "12345678901234567890123", "9223372036854775807"
    objects = [f'{{"id": {number}}}' for number in (long, most, 1)]
    text = "\n".join(objects) if name == "a.ndjson" else f"[{','.join(objects)}]"
    report = catalog.ingest([file(name, text)], into="t.a", max_bad=0.5)
    assert (report.rows_written, report.quarantined) == (2, 1)
    assert rows("t.a") == [{"id": 1}, {"id": int(most)}]
    assert long in catalog.dataset(report.quarantine).scan().collect()["text"][0]


def test_half_a_sign_in_an_array_of_long_numbers_costs_its_row(catalog, file):
    report = catalog.ingest(
        [file("a.json", '[{"a": "\\ud800", "n": 1234567890123456789}, {"a": "b", "n": 2}]')],
        into="t.a",
    )
    assert (report.rows_written, report.quarantined) == (1, 1)


def test_objects_without_fields_are_the_file_s_fault(catalog, file):
    with pytest.raises(Unprocessable, match=r"a\.ndjson has no columns"):
        catalog.ingest([file("a.ndjson", "{}\n{}\n")], into="t.a")


def test_the_encoding_of_json_is_named_and_can_be_said(catalog, file, rows):
    path = file("a.json", '[{"city": "Köln"}]'.encode("cp1252"))
    with pytest.raises(Unprocessable, match="--encoding cp1252"):
        catalog.ingest([path], into="t.a")
    assert catalog.inspect([path], encoding="cp1252").data == [["Köln"]]
    catalog.ingest([path], into="t.a", encoding="cp1252")
    assert rows("t.a") == [{"city": "Köln"}]


def test_what_is_no_json_is_not_told_to_look_at_separators(catalog, file):
    with pytest.raises(Unprocessable, match="one object per line") as caught:
        catalog.ingest([file("a.json", '{"a": 1,\n"b" 2}')], into="t.a")
    assert "--separator" not in str(caught.value)


def test_given_words_for_missing_are_missing_in_json_too(catalog, file, rows):
    path = file(
        "a.ndjson",
        '{"word": "NA", "day": "2020-01-01", "n": 1}\n{"word": "b", "day": "later", "n": 2}\n',
    )
    catalog.ingest([path], into="t.a", null_values=["NA", "later"])
    assert rows("t.a") == sorted(
        [{"word": None, "day": date(2020, 1, 1), "n": 1}, {"word": "b", "day": None, "n": 2}],
        key=repr,
    )
