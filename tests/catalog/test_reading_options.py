"""How a CSV is read: guessed, said, and refused where a guess would be wrong data."""

from __future__ import annotations

import gzip
import random
from datetime import date, datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable

EUROPEAN = "Datum;Kunde;Umsatz (€);Menge\n" + "".join(
    f"{day:02d}.{day % 12 + 1:02d}.1962;Müller {day};{day * 1001},{day:02d};{day}.000\n"
    for day in range(1, 29)
)


def types(catalog, name="t.a"):
    return {column.name: column.type for column in catalog.show(name).schema}


def test_a_european_file_comes_in_as_dates_and_numbers(catalog, file, rows):
    catalog.ingest([file("a.csv", EUROPEAN)], into="t.a")
    assert types(catalog) == {"Datum": "date", "Kunde": "str", "Umsatz (€)": "f64", "Menge": "i64"}
    first = next(row for row in rows("t.a") if row["Kunde"] == "Müller 20")
    assert first == {
        "Datum": date(1962, 9, 20),
        "Kunde": "Müller 20",
        "Umsatz (€)": 20020.20,
        "Menge": 20_000,
    }


@pytest.mark.parametrize(
    ("words", "kind", "values"),
    [
        (["1.234.567,89", "12,5", "-7"], "f64", [1234567.89, 12.5, -7.0]),
        (["1 234,5", "12\u00a0345,25", "7"], "f64", [1234.5, 12345.25, 7.0]),
        (["1'234.50", "12\u2019345.25", "7"], "f64", [1234.5, 12345.25, 7.0]),
        (["1,234.50", "12,345,678", "7"], "f64", [1234.5, 12345678.0, 7.0]),
        (["12,34,567", "1,00,000", "7"], "i64", [1234567, 100000, 7]),
        (
            ["20.01.1962", "1.2.1963", "31.12.1999"],
            "date",
            [date(1962, 1, 20), date(1963, 2, 1), date(1999, 12, 31)],
        ),
        (["20/01/1962", "01/02/1963"], "date", [date(1962, 1, 20), date(1963, 2, 1)]),
        (["01/20/1962", "02/01/1963"], "date", [date(1962, 1, 20), date(1963, 2, 1)]),
        (
            ["20.01.1962 13:45", "01.02.1963 00:00:10"],
            "ts[us]",
            [datetime(1962, 1, 20, 13, 45), datetime(1963, 2, 1, 0, 0, 10)],
        ),
        (
            ["01/20/1962 01:45 PM", "02/01/1963 12:00 AM"],
            "ts[us]",
            [datetime(1962, 1, 20, 13, 45), datetime(1963, 2, 1)],
        ),
        (["20-Jan-1962", "01-Feb-1963"], "date", [date(1962, 1, 20), date(1963, 2, 1)]),
        (["192.168.178.100", "192.168.178.101"], "str", ["192.168.178.100", "192.168.178.101"]),
        (["1.2.3", "1.10.0"], "str", ["1.2.3", "1.10.0"]),
        (["12-01-05", "13-02-06"], "str", ["12-01-05", "13-02-06"]),
        (["0800-12-25", "1962-01-20"], "date", [date(800, 12, 25), date(1962, 1, 20)]),
        (["030.123.456", "040.123.456"], "str", ["030.123.456", "040.123.456"]),
    ],
)
def test_numbers_and_dates_are_read_as_they_are_written(catalog, file, words, kind, values):
    catalog.ingest(
        [
            file(
                "a.csv",
                "\n".join(["id\tx", *(f"{index}\t{word}" for index, word in enumerate(words))]),
            )
        ],
        into="t.a",
    )
    assert types(catalog)["x"] == kind
    assert catalog.dataset("t.a").head()["x"].to_list() == values


def test_an_append_reads_the_words_of_another_country_into_the_same_columns(catalog, file):
    catalog.ingest([file("a.csv", "day,x\n2024-01-20,649.37\n")], into="t.a")
    report = catalog.ingest(
        [file("b.csv", "day;x\n21.01.2024;1.649,38\n22.01.2024;0,5\n")], into="t.a"
    )
    assert (report.quarantined, report.rows_written) == (0, 2)
    assert catalog.dataset("t.a").scan().sort("day").collect().rows() == [
        (date(2024, 1, 20), 649.37),
        (date(2024, 1, 21), 1649.38),
        (date(2024, 1, 22), 0.5),
    ]


def test_a_column_that_reads_in_two_ways_follows_the_others_or_stays_text_and_says_so(
    catalog, file, rows
):
    clear = catalog.ingest(
        [file("a.csv", "id;weight;price\n1;1.234;649,37\n2;5.678;1,50\n")], into="t.clear"
    )
    assert {(row["weight"], row["price"]) for row in rows("t.clear")} == {
        (1234, 649.37),
        (5678, 1.5),
    }
    assert clear.notes == []
    assert clear.spelled == ["decimal comma, thousands point: weight, price"]
    unclear = catalog.ingest(
        [file("b.csv", "id;day;price\n1;01/02/2024;1,234\n2;03/04/2024;5,678\n")], into="t.unclear"
    )
    assert types(catalog, "t.unclear") == {"id": "i64", "day": "str", "price": "str"}
    assert any("--date-format %d/%m/%Y" in note for note in unclear.notes)
    assert any("--decimal" in note for note in unclear.notes)
    catalog.ingest(
        [file("c.csv", "id;day;price\n1;01/02/2024;1,234\n")],
        into="t.said",
        date_format="%m/%d/%Y",
        decimal=",",
        thousands="",
    )
    assert rows("t.said") == [{"id": 1, "day": date(2024, 1, 2), "price": 1.234}]


def test_an_ambiguous_date_is_not_bent_into_a_column_of_dates(catalog, file):
    catalog.ingest([file("a.csv", "id,day\n1,2024-01-20\n")], into="t.a")
    with pytest.raises(Unprocessable, match="begin with the day or with the month") as caught:
        catalog.ingest([file("b.csv", "id,day\n1,01/02/2024\n")], into="t.a")
    assert "--date-format" in caught.value.fix
    assert catalog.snapshots("t.a").total == 1


def test_a_column_that_is_nearly_numbers_says_which_word_makes_it_text(catalog, file):
    text = "id,x\n" + "".join(
        f"{index},{'k.A.' if index % 10 == 0 else index}\n" for index in range(100)
    )
    report = catalog.ingest([file("a.csv", text)], into="t.a")
    assert types(catalog)["x"] == "str"
    assert "10 of 100 values are not numbers, such as 'k.A.'" in report.notes[0]
    assert "--null k.A." in report.notes[0]


def test_codes_among_numbers_stay_text_and_are_not_offered_as_missing_values(catalog, file, rows):
    path = file("a.csv", "plz\n" + "".join(f"{index * 700 + 400:05d}\n" for index in range(100)))
    note = catalog.ingest([path], into="t.a").notes[0]
    assert "14 of 100 values are not plain numbers, such as '0" in note
    assert "--null" not in note
    assert "--schema plz=i64" in note
    catalog.ingest([path], into="t.b", types={"plz": "i64"})
    assert sorted(row["plz"] for row in rows("t.b"))[:2] == [400, 1100]


def test_a_file_without_a_header_is_refused_until_it_is_said(catalog, file, rows):
    path = file("iris.csv", "5.1,3.5,setosa\n4.9,3.0,setosa\n6.0,2.2,virginica\n")
    with pytest.raises(Unprocessable, match="may be a row and not a header") as caught:
        catalog.ingest([path], into="t.a")
    assert "--no-header" in caught.value.fix
    catalog.ingest([path], into="t.a", header=False)
    assert rows("t.a")[0] == {"column_1": 4.9, "column_2": 3.0, "column_3": "setosa"}
    assert len(rows("t.a")) == 3
    catalog.ingest([path], into="t.b", header=True)
    assert [column.name for column in catalog.show("t.b").schema] == ["5.1", "3.5", "setosa"]


def test_the_lines_of_a_file_without_a_header_are_counted_from_its_first_row(catalog, file):
    text = "".join(f"{index},w\n" for index in range(20)) + "20\n" + "x,w\n" + "22,w\n"
    report = catalog.ingest(
        [file("a.csv", text)], into="t.a", header=False, types={"column_1": "i64"}
    )
    assert catalog.dataset(report.quarantine).scan().collect()["line"].to_list() == [21, 22]


@pytest.mark.parametrize(
    "header", ["country,1960,1961,1962", "id,2019,2020", ",a,b", 'id,"1,5",x', "name,Q1,Q2"]
)
def test_a_header_with_years_or_above_numbers_is_a_header(catalog, file, header):
    catalog.ingest(
        [
            file(
                "a.csv",
                header
                + "\n7,1,2"
                + (",3" if "country" in header and header.count(",") == 3 else "")
                + "\n",
            )
        ],
        into="t.a",
    )
    assert catalog.show("t.a").dataset.rows.value == 1


def test_excels_first_line_names_the_separator_and_is_no_header(catalog, file, rows):
    catalog.ingest([file("a.csv", "sep=;\r\nid;x\r\n1;2,5\r\n")], into="t.a")
    assert rows("t.a") == [{"id": 1, "x": 2.5}]


def test_comments_above_and_between_are_left_out_and_lines_keep_their_numbers(catalog, file, rows):
    text = "# made by hand\n#\nid,x\n1,a\n# between\n2,b\nthree\n" + "".join(
        f"{index},c\n" for index in range(3, 20)
    )
    report = catalog.ingest([file("a.csv", text)], into="t.a")
    assert sorted(row["id"] for row in rows("t.a")) == list(range(1, 20))
    assert catalog.dataset(report.quarantine).scan().collect()["line"].to_list() == [7]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"# made by x\ra;b\r1;x\r2;y\r", [("1", "x"), ("2", "y")]),
        (b"sep=;\ra;b\r1;x\r2;y", [("1", "x"), ("2", "y")]),
        (
            b'# made by x\ra;b\r1;"x\ny"\r2;z\r',
            [("1", "x\ny"), ("2", "z")],
        ),  # the only newline stands within a field
        (b'# one\na;b\n1;"x\ry"\n# two\n2;z\n', [("1", "x\ry"), ("2", "z")]),
        (b'a;"b"\r1;"x"\r2;"y"\r', [("1", "x"), ("2", "y")]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_lines_that_end_as_on_old_macs_lose_no_row(catalog, file, rows, data, expected, packed):
    path = file("a.csv.gz", gzip.compress(data)) if packed else file("a.csv", data)
    assert catalog.inspect([path]).columns[0].name == "a"
    catalog.ingest([path], into="t.a", types={"a": "str"})
    assert [(row["a"], row["b"]) for row in rows("t.a")] == expected


def test_a_line_break_in_a_name_is_a_blank(catalog, file):
    catalog.ingest([file("a.csv", 'id,"net\nsales"\n1,2\n')], into="t.a")
    assert [column.name for column in catalog.show("t.a").schema] == ["id", "net sales"]


def test_years_of_two_digits_are_pointed_out(catalog, file):
    lines = [f"{day:02}.03.24;1.2.{day};{day:02}.03.24 10:00" for day in range(1, 21)]
    report = catalog.ingest([file("a.csv", "\n".join(["day;version;at", *lines]))], into="t.a")
    assert [column.type for column in catalog.show("t.a").schema] == ["str", "str", "str"]
    assert [
        "'day' is text" in report.notes[0],
        "'at' is text" in report.notes[1],
        len(report.notes),
    ] == [True, True, 2]
    assert "--date-format %d.%m.%y" in report.notes[0]
    catalog.ingest(
        [file("b.csv", "\n".join(["day;version;at", *lines]))], into="t.b", date_format="%d.%m.%y"
    )
    assert [column.type for column in catalog.show("t.b").schema][::2] == ["date", "ts[us]"]
    with pytest.raises(Unprocessable, match=r"--date-format %d\.%m\.%y"):
        catalog.ingest([file("c.csv", "\n".join(["day;version;at", *lines, lines[0]]))], into="t.b")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("%d.%m.%y", ["'day' is text", "--date-format %d.%m.%Y"]),
        ("%d.%m.%Y", ["'short' is text", "--date-format %d.%m.%y"]),
    ],
)
def test_dates_of_another_form_than_the_one_that_is_asked_for_are_pointed_out(
    catalog, file, asked, told
):
    lines = [f"{day:02}.03.2024,{day:02}.03.24,1.2.{day}" for day in range(1, 21)]
    path = file("a.csv", "\n".join(["day,short,version", *lines]))
    [note] = catalog.ingest([path], into="t.a", date_format=asked).notes
    assert [word for word in told if word not in note] == []


def test_a_header_that_begins_with_the_sign_of_a_comment_is_a_header(catalog, file, rows):
    catalog.ingest([file("a.csv", "##source=x\n#CHROM\tPOS\nchr1\t5\n")], into="t.a")
    assert rows("t.a") == [{"#CHROM": "chr1", "POS": 5}]


def test_a_comment_sign_inside_of_a_quoted_field_is_text(catalog, file, rows):
    catalog.ingest([file("a.csv", 'id,x\n1,"two\n# lines"\n#2,gone\n')], into="t.a", comment="#")
    assert rows("t.a") == [{"id": 1, "x": "two\n# lines"}]


def test_a_title_above_the_header_is_refused_until_it_is_said(catalog, file, rows):
    path = file("a.csv", 'Report of 5" pipes\n\nid,x,y\n1,a,2\n2,b,3\n')
    with pytest.raises(Unprocessable, match="line 3 has 3 names") as caught:
        catalog.ingest([path], into="t.a")
    assert "--skip 2" in caught.value.fix
    catalog.ingest([path], into="t.a", skip=2)
    assert rows("t.a") == [{"id": 1, "x": "a", "y": 2}, {"id": 2, "x": "b", "y": 3}]
    with pytest.raises(Unprocessable, match="line 2 has 3 names"):
        catalog.ingest([file("b.csv", "Report,,\nid,x,y\n1,a,2\n")], into="t.b")


def test_a_header_with_one_name_less_than_fields_is_told(catalog, file):
    with pytest.raises(Unprocessable, match="has 2 names, the others have 3 fields"):
        catalog.ingest([file("a.csv", "x,y\nr1,1,2\nr2,3,4\n")], into="t.a")


def test_single_quotes_and_no_quotes(catalog, file, rows):
    catalog.ingest([file("a.csv", "id,x\n1,'a,b'\n2,'it''s'\n")], into="t.a")
    assert rows("t.a") == [{"id": 1, "x": "a,b"}, {"id": 2, "x": "it's"}]
    catalog.ingest([file("b.csv", 'id,x\n1,"open\n2,b\n')], into="t.b", quote="none")
    assert rows("t.b") == [{"id": 1, "x": '"open'}, {"id": 2, "x": "b"}]


def test_any_sign_can_be_the_separator(catalog, file, rows):
    catalog.ingest([file("a.csv", "id^x\n1^a,b;c\n")], into="t.a", separator="^")
    assert rows("t.a") == [{"id": 1, "x": "a,b;c"}]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("seed", range(5))
def test_the_separator_is_the_one_that_duckdb_finds(catalog, tmp_path, separator, seed):
    """Tables of words, numbers and quoted texts full of the other signs; DuckDB is told the
    separator and is the oracle of the rows.
    """
    chance = random.Random(seed)
    others = "".join(set(",;|\t") - {separator})
    decimal = "," if separator == ";" else "."
    lines = [
        separator.join(["id", "price", "some, words"[: 4 if separator == "," else 11], "code"])
    ]
    for index in range(60):
        text = "".join(chance.choice(f"ab {others}") for _ in range(chance.randint(1, 12)))
        lines.append(
            separator.join(
                [
                    str(index),
                    f"{chance.randint(0, 999)}{decimal}{chance.randint(10, 99)}",
                    f'"{text}"',
                    f"c{index}",
                ]
            )
        )
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    catalog.ingest([path], into="t.a")
    expected = duckdb.read_csv(
        str(path), sep=separator, quotechar='"', decimal=decimal, header=True, strict_mode=True
    ).fetchall()
    assert catalog.dataset("t.a").scan().sort("id").collect().rows() == expected


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"separator": ";;"}, "separator"),
        ({"separator": "ä"}, "separator"),
        ({"separator": '"', "quote": '"'}, "both"),
        ({"decimal": ";"}, "decimal"),
        ({"thousands": "x"}, "thousands"),
        ({"decimal": ",", "thousands": ","}, "both"),
        ({"skip": -1}, "out of range"),
        ({"max_bad": 2}, "out of range"),
        ({"date_format": "%d.%m"}, "not a date format"),
        ({"date_format": "DD.MM"}, "not a date format"),
        ({"comment": "\n"}, "comment"),
        ({"nope": 1}, "not a reading option"),
    ],
)
def test_an_option_that_cannot_be_is_refused(catalog, file, options, word):
    with pytest.raises(BadRequest, match=word) as caught:
        catalog.ingest([file("a.csv", "a,b\n1,2\n")], into="t.a", **options)
    assert caught.value.fix


def test_a_file_of_which_most_rows_do_not_fit_is_refused_with_the_option_to_use(
    catalog, file, stored
):
    catalog.ingest([file("a.csv", "id;x\n1;2.5\n")], into="t.a")
    before = stored()
    cases = [
        ({"separator": ","}, EUROPEAN, "t.new", r"--separator ';'"),
        ({"separator": ",", "skip": 0}, EUROPEAN, "t.new", r"--separator ';'"),
        ({"decimal": ".", "types": {"Umsatz (€)": "f64"}}, EUROPEAN, "t.new", "--decimal ,"),
        ({"types": {"Kunde": "i64"}}, EUROPEAN, "t.new", "--schema Kunde=str"),
        ({}, "id;x\n" + "1;k.A.\n" * 40 + "2;3.5\n" * 30, "t.a", "--null k.A."),
        ({}, "id;x\n" + "".join(f"{index};w{index}\n" for index in range(40)), "t.a", "--replace"),
    ]
    for options, text, into, fix in cases:
        with pytest.raises(Unprocessable) as caught:
            catalog.ingest([file("b.csv", text)], into=into, **options)
        assert fix.replace("'", "") in caught.value.fix.replace("'", ""), caught.value
    assert stored() == before
    assert [item.name for item in catalog.list().items] == ["t.a"]


def test_a_few_rows_are_set_aside_and_the_reports_first_line_says_so(catalog, file):
    text = "id,x\n" + "".join(f"{index},{index}\n" for index in range(222)) + "222,oops\n"
    report = catalog.ingest([file("a.csv", text)], into="t.a")
    assert (report.rows_written, report.quarantined) == (222, 1)
    assert report.summary.startswith(
        "1 of 223 rows do not fit and are in quarantine, the first in line 224 of a.csv: 'oops' in"
        " column 'x'"
    )


def test_how_many_rows_may_be_set_aside_can_be_said(catalog, file):
    text = "id,x\n" + "".join(f"{index},{index}\n" for index in range(60)) + "torn\n" * 40
    path = file("a.csv", text)
    with pytest.raises(Unprocessable, match="40 of 100 rows"):
        catalog.ingest([path], into="t.a")
    assert catalog.ingest([path], into="t.a", max_bad=0.4).quarantined == 40
    with pytest.raises(Unprocessable, match="1 of 3 rows"):
        catalog.ingest([file("b.csv", "id,x\n1,2\n2,3\ntorn\n")], into="t.b", max_bad=0)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("name;ort\nMüller;Köln\n", "cp1252"),
        ("имя;город\nИван;Москва\n", "cp1251"),
        ("jméno;město\nDvořák;Plzeň\nŽák;Děčín\n", "cp1250"),
    ],
)
def test_the_error_of_a_foreign_encoding_names_the_likely_one(catalog, file, text, encoding):
    with pytest.raises(Unprocessable) as caught:
        catalog.ingest([file("a.csv", text.encode(encoding))], into="t.a")
    assert f"--encoding {encoding}" in caught.value.fix


def test_decimal_numbers_are_compared_digit_by_digit(catalog, file, rows):
    """As floats, the first two would be what their column can hold."""
    wrong = ["9007199254740993.014", "0.120000000000000000001", "1e-3", "0.125"]
    right = ["1", "9007199254740993.01", "2.50000", "12e-1", "1.20e1", "-0.000", "100e-2"]
    lines = [*wrong, *right, *(f"{n}.5" for n in range(60))]
    report = catalog.ingest(
        [file("a.csv", "n\n" + "\n".join(lines) + "\n")], into="t.a", types={"n": "dec[20,2]"}
    )
    bad = catalog.dataset("quarantine.t__a").scan().collect()
    assert bad["text"].to_list() == wrong
    found = {row["n"] for row in rows("t.a")}
    assert {Decimal(text).quantize(Decimal("0.01")) for text in right} <= found
    assert report.rows_written == len(lines) - len(wrong)
    number = "12.340000000000000001"
    frame = pl.DataFrame({"n": [number]}).cast(pl.Decimal(38, 18))
    with pytest.raises(Unprocessable, match="does not fit"):
        catalog.write(frame, into="t.a")
