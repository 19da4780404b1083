"""CSV into a dataset: what comes in, as which type, and what is set aside."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.catalog import csvfile
from jupyter_mlinfra.catalog.csvfile import CsvFile
from jupyter_mlinfra.catalog.reading import Dialect
from jupyter_mlinfra.catalog.text import open_text
from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unprocessable


def quarantined(catalog, report):
    return catalog.dataset(report.quarantine).scan().collect().to_dicts()


def test_a_missing_column_gives_the_fix_of_both_faces(catalog, file):
    catalog.ingest([file("a.csv", "id,n\n1,2\n")], into="t.a")
    with pytest.raises(Unprocessable) as caught:
        catalog.ingest([file("b.csv", "id\n1\n")], into="t.a")
    assert "--replace (in Python mode='replace')" in caught.value.fix


def test_types_are_told_from_the_words(catalog, file):
    lines = [
        f"{i},{i}.5,{'true' if i % 2 else 'False'},2013-01-{i:02d},2013-01-{i:02d}"
        f" 05:00:00,2013-01-{i:02d}T10:00:00Z,00{i},w{i}"
        for i in range(1, 13)
    ]
    text = "\n".join(["n,x,flag,day,at,zoned,code,word", *lines])
    catalog.ingest([file("a.csv", text)], into="t.a")
    assert [(column.name, column.type) for column in catalog.show("t.a").schema] == [
        ("n", "i64"),
        ("x", "f64"),
        ("flag", "bool"),
        ("day", "date"),
        ("at", "ts[us]"),
        ("zoned", "ts[us, tz]"),
        ("code", "str"),
        ("word", "str"),
    ]
    first = (
        1,
        1.5,
        True,
        date(2013, 1, 1),
        datetime(2013, 1, 1, 5),
        datetime(2013, 1, 1, 10, tzinfo=UTC),
        "001",
        "w1",
    )
    assert catalog.dataset("t.a").head(1).rows() == [first]


def test_identifiers_of_many_digits_keep_every_digit(catalog, file, rows):
    long = "123456789012345678901234567890"
    catalog.ingest([file("a.csv", f"id\n{long}\n{long[:-1]}1\n")], into="t.a")
    assert {row["id"] for row in rows("t.a")} == {long, long[:-1] + "1"}


def test_words_for_missing_are_missing_in_numbers_and_text_in_text(catalog, file, rows):
    catalog.ingest([file("a.csv", "n,word\n1,NA\nNA,b\n,\n")], into="t.a")
    assert rows("t.a") == sorted(
        [{"n": 1, "word": "NA"}, {"n": None, "word": "b"}, {"n": None, "word": None}], key=repr
    )


def test_given_words_for_missing_are_missing_everywhere(catalog, file, rows):
    catalog.ingest(
        [file("a.csv", "n,word\n1,NA\n-999,b\n")], into="t.a", null_values=["NA", "-999"]
    )
    assert rows("t.a") == sorted([{"n": 1, "word": None}, {"n": None, "word": "b"}], key=repr)


def test_a_type_can_be_given(catalog, file):
    catalog.ingest(
        [file("a.csv", "flight,n\n12,1\n13,2\n")], into="t.a", types={"flight": "str", "n": "f64"}
    )
    assert [column.type for column in catalog.show("t.a").schema] == ["str", "f64"]
    with pytest.raises(BadRequest, match="no file has"):
        catalog.ingest([file("b.csv", "flight,n\n1,2\n")], into="t.a", types={"nope": "str"})
    with pytest.raises(BadRequest, match="Types: bool"):
        catalog.ingest([file("b.csv", "n\n1\n")], into="t.b", types={"n": "number"})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_header(catalog, file, rows, separator):
    others = " ".join(set(",;\t|") - {separator})
    catalog.ingest([file("a.csv", f"a{separator}b\n1{separator}x{others}y\n")], into="t.a")
    assert rows("t.a") == [{"a": 1, "b": f"x{others}y"}]


def test_packed_and_marked_files_are_read(catalog, file, rows):
    catalog.ingest(
        [
            file("a.csv.gz", gzip.compress(b"\xef\xbb\xbfid,word\n1,a\n")),
            file("b.csv", b"\xef\xbb\xbfid,word\r\n2,b\r\n"),
        ],
        into="t.a",
    )
    assert rows("t.a") == [{"id": 1, "word": "a"}, {"id": 2, "word": "b"}]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1"])
def test_another_encoding_is_read_when_it_is_said(catalog, file, rows, encoding):
    catalog.ingest(
        [file("a.csv", "name\nJosé\nÅsa\n".encode(encoding))], into="t.a", encoding=encoding
    )
    assert {row["name"] for row in rows("t.a")} == {"José", "Åsa"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_file_that_begins_with_the_mark_of_its_encoding_needs_no_word(
    catalog, file, rows, encoding, pack, swapped
):
    """swapped: the other order of bytes, as written on a machine of the other kind."""
    text = "id,name\n1,José\n2,Åsa\n"
    content = (
        "\ufeff".encode(f"{encoding}-be") + text.encode(f"{encoding}-be")
        if swapped and encoding != "utf-8-sig"
        else text.encode(encoding)
    )
    name = "a.csv" if pack is bytes else "a.csv.gz"
    catalog.ingest([file(name, pack(content))], into="t.a")
    assert rows("t.a") == [{"id": 1, "name": "José"}, {"id": 2, "name": "Åsa"}]


def test_a_foreign_encoding_is_asked_for_in_words_of_both_faces(catalog, file):
    with pytest.raises(Unprocessable) as caught:
        catalog.ingest([file("a.csv", "name\nJosé\n".encode("cp1252"))], into="t.a")
    assert "--encoding cp1252" in caught.value.fix
    assert "encoding='cp1252'" in caught.value.fix


def test_times_without_zone_become_utc_when_their_zone_is_said(catalog, file):
    text = "at\n2013-03-10 01:30:00\n2013-07-01 12:00:00\n" + "2013-01-01 00:00:00\n" * 8
    catalog.ingest([file("a.csv", text)], into="t.a", time_zone="America/New_York")
    assert catalog.dataset("t.a").head(2)["at"].to_list() == [
        datetime(2013, 3, 10, 6, 30, tzinfo=UTC),
        datetime(2013, 7, 1, 16, tzinfo=UTC),
    ]
    with pytest.raises(BadRequest, match="is not a time zone"):
        catalog.ingest([file("b.csv", text)], into="t.b", time_zone="Mars/Olympus")


def test_an_hour_that_the_clock_change_left_out_goes_to_quarantine(catalog, file):
    good = "2013-01-01 00:00:00\n" * 20
    report = catalog.ingest(
        [file("a.csv", f"at\n{good}2013-03-10 02:30:00\n")],
        into="t.a",
        time_zone="America/New_York",
    )
    assert (report.rows_written, report.quarantined) == (20, 1)
    assert quarantined(catalog, report)[0]["line"] == 22


def test_rows_with_the_wrong_number_of_fields_are_set_aside_with_their_line(catalog, file, rows):
    text = 'id,word\n1,a\n\n2\n"3","two\nlines"\n4,x,y\n5,e\n'
    report = catalog.ingest([file("a.csv", text)], into="t.a")
    assert rows("t.a") == [
        {"id": 1, "word": "a"},
        {"id": 3, "word": "two\nlines"},
        {"id": 5, "word": "e"},
    ]
    assert report.quarantined == 2
    assert [
        (row["file"].rpartition("/")[2], row["line"], row["reason"], row["text"])
        for row in quarantined(catalog, report)
    ] == [
        ("a.csv", 4, "1 field instead of 2", "2"),
        ("a.csv", 7, "3 fields instead of 2", "4,x,y"),
    ]


def test_values_that_are_not_of_the_tables_type_are_set_aside_with_their_line(catalog, file, rows):
    catalog.ingest([file("a.csv", "id,at\n1,2013-01-01T00:00:00Z\n")], into="t.a")
    report = catalog.ingest(
        [
            file(
                "b.csv",
                "id,at\n2,2013-01-02T00:00:00Z\nthree,2013-01-03T00:00:00Z\n4,2013-01-04\n5.5,\n6,\n7,\n",
            )
        ],
        into="t.a",
    )
    assert [row["id"] for row in rows("t.a")] == [1, 2, 6, 7]
    found = quarantined(catalog, report)
    assert [row["line"] for row in found] == [3, 4, 5]
    assert "'three' in column 'id'" in found[0]["reason"]
    assert "'2013-01-04' in column 'at'" in found[1]["reason"]
    assert found[2]["text"] == "5.5,"


def test_one_odd_value_in_a_hundred_is_set_aside_and_more_make_the_column_text(catalog, file):
    numbers = [str(i) for i in range(300)]
    report = catalog.ingest([file("a.csv", "\n".join(["n", *numbers, "oops"]) + "\n")], into="t.a")
    assert (report.rows_written, report.quarantined, catalog.show("t.a").schema[0].type) == (
        300,
        1,
        "i64",
    )
    report = catalog.ingest(
        [file("b.csv", "\n".join(["n", *numbers, *["oops"] * 20]) + "\n")], into="t.b"
    )
    assert (report.rows_written, report.quarantined, catalog.show("t.b").schema[0].type) == (
        320,
        0,
        "str",
    )


def test_fractions_among_whole_numbers_are_no_broken_rows(catalog, file):
    report = catalog.ingest(
        [file("a.csv", "\n".join(["n", *map(str, range(500)), "2.5"]) + "\n")], into="t.a"
    )
    assert (report.quarantined, catalog.show("t.a").schema[0].type) == (0, "f64")


def test_new_columns_are_added_and_old_rows_have_no_value_there(catalog, file, rows):
    catalog.ingest([file("a.csv", "id\n1\n")], into="t.a")
    catalog.ingest([file("b.csv", "id,word\n2,b\n")], into="t.a")
    assert rows("t.a") == [{"id": 1, "word": None}, {"id": 2, "word": "b"}]
    assert [column.required for column in catalog.show("t.a").schema] == [False, False]


def test_columns_are_matched_by_name_not_by_place(catalog, file, rows):
    catalog.ingest([file("a.csv", "id,word\n1,a\n")], into="t.a")
    catalog.ingest([file("b.csv", "word,id\nb,2\n")], into="t.a")
    assert rows("t.a") == [{"id": 1, "word": "a"}, {"id": 2, "word": "b"}]


def test_several_files_make_one_commit(catalog, file, rows):
    catalog.ingest(
        [file("a.csv", "id\n1\n"), file("b.csv", "id,extra\n2,x\n")], into="t.a", union=True
    )
    assert rows("t.a") == [{"id": 1, "extra": None}, {"id": 2, "extra": "x"}]
    assert catalog.snapshots("t.a").total == 1


def test_a_pattern_names_files_of_the_project(catalog, project, rows):
    (project.root / "data").mkdir()
    for number in range(3):
        (project.root / "data" / f"{number}.csv").write_text(f"id\n{number}\n")
    catalog.ingest(["data/*.csv"], into="t.a")
    assert [row["id"] for row in rows("t.a")] == [0, 1, 2]
    (project.root / "odd[1].csv").write_text("id\n9\n")
    catalog.ingest(["odd[1].csv"], into="t.odd")
    assert [row["id"] for row in rows("t.odd")] == [9]
    with pytest.raises(NotFound, match=r"^There is no file"):
        catalog.ingest(["a" * 300 + ".csv"], into="t.a")


def test_names_with_dots_and_no_name_are_columns_too(catalog, file, rows):
    catalog.ingest([file("a.csv", ",Sepal.Length,größe\n1,5.1,x\n")], into="t.a")
    catalog.ingest([file("b.csv", ",Sepal.Length,größe,new.one\n2,5.2,y,z\n")], into="t.a")
    assert rows("t.a")[1] == {"column_1": 2, "Sepal.Length": 5.2, "größe": "y", "new.one": "z"}


def test_replacing_takes_the_columns_of_the_file_and_keeps_the_past_readable(catalog, file, rows):
    first = catalog.ingest([file("a.csv", "id,word,gone\n1,a,x\n2,b,y\n")], into="t.a")
    second = catalog.ingest([file("b.csv", "word,id\nc,three\n")], into="t.a", mode="replace")
    assert rows("t.a") == [{"word": "c", "id": "three"}]
    old = catalog.dataset("t.a").scan(snapshot=first.snapshot).collect().to_dicts()
    assert old == [{"id": 1, "word": "a", "gone": "x"}, {"id": 2, "word": "b", "gone": "y"}]
    newest = catalog.snapshots("t.a").items[0]
    assert (newest.id, newest.operation, newest.rows.value, newest.added, newest.removed) == (
        second.snapshot,
        "overwrite",
        1,
        1,
        2,
    )
    assert catalog.snapshots("t.a").total == 2


field = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\0"), max_size=8
) | st.sampled_from(['"', '5" pipe', "a\nb", "x,y", " z ", "'"])


def read(path):
    """The rows that the reader hands on, and the lines that it sets aside."""
    with open_text(path, encoding="utf-8", scratch=path.parent) as text:
        source = CsvFile(text)
        rows = [row for frame in source.frames() for row in frame.rows()]
        records = [number for number, _, _ in source.torn]
        lines = source.lines(records, rows=len(rows))
        return rows, sorted(lines[number] for number in records)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(field.filter(bool), field), min_size=1, max_size=20))
def test_any_text_that_the_csv_module_writes_comes_back(tmp_path, table):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["first", "second"], *table])
    path = tmp_path / "any.csv"
    path.write_bytes(out.getvalue().encode())
    assert read(path) == ([(first, second or None) for first, second in table], [])


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.sampled_from(["1,a", "2", "3,b,c", "", '4,"x\ny"', '5,"z"', ",", "6,d"]), max_size=30
    ),
    st.sampled_from(["", "\n", "\n\n"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_rows_and_lines_of_broken_rows_are_those_of_the_csv_module(tmp_path, lines, end, newline):
    path = tmp_path / "lines.csv"
    path.write_bytes((newline.join(["id,word", "0,good", *lines]) + end).encode())
    rows, broken, begin = [], [], 1
    with path.open(newline="") as handle:
        reader = csv.reader(handle)
        for fields in reader:
            if len(fields) == 2:
                rows.append(tuple(field or None for field in fields))
            elif fields:
                broken.append(begin)
            begin = reader.line_num + 1
    assert read(path) == (rows[1:], broken)


def test_a_quote_that_is_never_closed_is_named_and_nothing_is_committed(catalog, file):
    text = 'id,word\n1,"fine"\n2,"never closed\n' + "3,c\n" * 1000
    with pytest.raises(Unprocessable, match="line 3") as caught:
        catalog.ingest([file("a.csv", text)], into="t.a")
    assert caught.value.fix
    assert catalog.list().total == 0


@pytest.mark.parametrize("header", ['id,5" pipe', 'id,"never closed'])
def test_a_lone_quote_in_the_header_has_no_more_read_than_a_header_can_be(
    file, tmp_path, monkeypatch, header
):
    lines = [header, *(f"{number},{'x' * 50}" for number in range(100_000))]
    read, given = [], csvfile._lines
    monkeypatch.setattr(
        csvfile, "_lines", lambda *where: (read.append(len(line)) or line for line in given(*where))
    )
    outcome = (
        contextlib.nullcontext()
        if "pipe" in header
        else pytest.raises(Unprocessable, match="in its header that is never closed")
    )
    with (
        outcome,
        open_text(file("a.csv", "\n".join(lines)), encoding="utf-8", scratch=tmp_path) as text,
    ):
        assert csvfile._first_record(text, Dialect()) == ["id", '5" pipe']
    assert 1 << 20 <= sum(read) < 1.1 * (1 << 20)


def test_a_quote_inside_of_a_word_of_the_header_is_a_sign_like_any_other(catalog, file, rows):
    catalog.ingest([file("a.csv", 'id,5" pipe\n1,a\n2,b\n')], into="t.a")
    assert rows("t.a") == [{"id": 1, '5" pipe': "a"}, {"id": 2, '5" pipe': "b"}]


def test_one_quote_inside_of_a_word_is_a_sign_like_any_other(catalog, file, rows):
    catalog.ingest([file("a.csv", 'id,size\n1,5" pipe\n2,plain\n')], into="t.a")
    assert rows("t.a") == [{"id": 1, "size": '5" pipe'}, {"id": 2, "size": "plain"}]
