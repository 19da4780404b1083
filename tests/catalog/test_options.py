"""An option of reading is used or refused, whatever the kind of file; it is never ignored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest

NAIVE = [datetime(2026, 1, 1, 12), datetime(2026, 7, 1, 12)]
IN_BERLIN = [datetime(2026, 1, 1, 11, tzinfo=UTC), datetime(2026, 7, 1, 10, tzinfo=UTC)]
OF_TEXT = {
    "encoding": "cp1252",
    "header": False,
    "separator": ";",
    "skip": 1,
    "comment": "#",
    "quote": "'",
    "decimal": ",",
    "thousands": ".",
    "date_format": "%d.%m.%Y",
    "row_names": True,
    "sheet": "Nope",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The same rows in each kind of file."""
    frame = pl.DataFrame({"at": NAIVE, "name": ["ana", "?"]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    book = openpyxl.Workbook()
    for row in [frame.columns, *frame.rows()]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    frame.write_ndjson(tmp_path / "a.jsonl")
    frame.write_csv(tmp_path / "a.csv")
    return tmp_path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "xlsx", "jsonl", "csv"])
def test_a_zone_and_words_for_missing_values_count_in_every_kind(
    catalog, files: Path, kind: str
) -> None:
    catalog.ingest([files / f"a.{kind}"], into="t.a", time_zone="Europe/Berlin", null_values=["?"])
    rows = catalog.dataset("t.a").scan().collect()
    assert rows["at"].to_list() == IN_BERLIN
    assert rows["name"].to_list() == ["ana", None]


@pytest.mark.parametrize("option", OF_TEXT)
def test_an_option_that_no_file_takes_is_refused(catalog, files: Path, option: str) -> None:
    given = {option: OF_TEXT[option]}
    for name in ("a.parquet", "a.csv" if option == "sheet" else "a.arrow"):
        with pytest.raises(BadRequest, match=f"--{option.replace('_', '-')}") as caught:
            catalog.ingest([files / name], into="t.a", **given)
        assert f"(in Python {option})" in caught.value.fix
    assert catalog.list().total == 0


@pytest.mark.parametrize("option", ["separator", "null_values", "types", "max_bad", "time_zone"])
def test_what_is_read_in_place_as_it_is_takes_no_option(catalog, files: Path, option: str) -> None:
    given = {"separator": ";", "null_values": ["?"], "types": {"zz": "i64"}, "max_bad": 0.5}
    with pytest.raises(BadRequest, match=option):
        catalog.register(files / "a.parquet", name="lake.a", **{option: given.get(option, "UTC")})
    assert catalog.list().total == 0


def test_an_option_counts_for_those_of_several_files_that_take_it(catalog, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n;name\n1,5;ana\n")
    pl.DataFrame({"n": [2.5], "name": ["bob"]}).write_parquet(tmp_path / "b.parquet")
    catalog.ingest(
        [tmp_path / "a.csv", tmp_path / "b.parquet"], into="t.b", separator=";", decimal=","
    )
    rows = catalog.dataset("t.b").scan().sort("n").collect()
    assert rows.rows() == [(1.5, "ana"), (2.5, "bob")]
