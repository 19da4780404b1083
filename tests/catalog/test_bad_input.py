"""Files that cannot become rows: named with the reason, nothing committed, earlier data stands."""

from __future__ import annotations

import errno
import gzip
import random
import sys

import polars as pl
import pytest

from jupyter_mlinfra.catalog.watch import unreadable
from jupyter_mlinfra.core.errors import (
    BadRequest,
    MLInfraError,
    NotFound,
    TooLarge,
    Unavailable,
    Unprocessable,
)

GOOD = "id,word\n1,a\n2,b\n"


@pytest.fixture
def parquet(tmp_path):
    path = tmp_path / "good.parquet"
    pl.DataFrame({"id": range(5000), "word": [f"w{i % 100}" for i in range(5000)]}).write_parquet(
        path
    )
    return path


@pytest.fixture
def cases(file, parquet, tmp_path):
    half = tmp_path / "half.parquet"
    half.write_bytes(parquet.read_bytes()[: parquet.stat().st_size // 2])
    empty = tmp_path / "empty"
    empty.mkdir()
    orc = tmp_path / "orc"
    orc.mkdir()
    (orc / "part-0.orc").write_bytes(b"ORC")
    (orc / "_SUCCESS").touch()
    return {
        "encoding": (
            file("encoding.csv", b"id,word\n1,a\n2,Jos\xe9\n"),
            Unprocessable,
            "0xE9 in line 3",
        ),
        "cut letter": (
            file("cutletter.csv", "id,word\n1,é".encode()[:-1]),
            Unprocessable,
            "line 2",
        ),
        "utf-16": (file("utf16.csv", GOOD.encode("utf-16")[:-1]), Unprocessable, "is not utf-16"),
        "zero bytes": (
            file("zero.csv", "id,word\n1,a\n".encode("utf-16-le")),
            Unprocessable,
            "zero byte",
        ),
        "missing column": (file("missing.csv", "id\n3\n"), Unprocessable, "no column 'word'"),
        "empty": (file("empty.csv", ""), Unprocessable, "empty"),
        "blank": (file("blank.csv", "\n\n"), Unprocessable, "empty"),
        "empty parquet": (file("empty.parquet", b""), Unprocessable, "empty"),
        "half parquet": (half, Unprocessable, "not a whole Parquet file"),
        "text as parquet": (
            file("text.parquet", f"{GOOD}3,c\n"),
            Unprocessable,
            "not a whole Parquet file",
        ),
        "empty json": (file("empty.json", ""), Unprocessable, "empty"),
        "no row fits": (
            file("nofit.csv", "id,word\nx,a\ny,b\n"),
            Unprocessable,
            "No row of nofit.csv can be read",
        ),
        "all torn": (file("torn.csv", "id,word\n1\n2\n"), Unprocessable, "1 field instead of 2"),
        "missing": (tmp_path / "none.csv", NotFound, "no file"),
        "empty folder": (empty, NotFound, "no files that can be ingested"),
        "folder of ORC": (
            orc,
            NotFound,
            r"no files.* 1 of other kinds, such as part-0\.orc\. .*orc\.read_table.*write\.parquet",
        ),
        "LZ4 of Hadoop": (
            file("part-0.csv.lz4", b"\0\0\1\0\0"),
            Unprocessable,
            "Spark is of another",
        ),
        "no gzip": (file("bad.csv.gz", f"{GOOD}4,d\n"), Unprocessable, "damaged"),
        "cut gzip": (
            file("cut.csv.gz", gzip.compress(GOOD.encode() * 1000)[:60]),
            Unprocessable,
            "damaged",
        ),
    }


@pytest.mark.parametrize(
    "case",
    [
        "encoding",
        "cut letter",
        "utf-16",
        "zero bytes",
        "missing column",
        "empty",
        "blank",
        "empty parquet",
        "half parquet",
        "text as parquet",
        "empty json",
        "no row fits",
        "all torn",
        "missing",
        "empty folder",
        "folder of ORC",
        "LZ4 of Hadoop",
        "no gzip",
        "cut gzip",
    ],
)
def test_a_bad_file_is_named_and_earlier_data_stands(
    catalog, file, rows, stored, project, cases, case
):
    catalog.ingest([file("good.csv", GOOD)], into="t.a")
    before, files, event = rows("t.a"), stored(), project.events.last_id()
    path, error, words = cases[case]
    with pytest.raises(error, match=words) as caught:
        catalog.ingest([path], into="t.a")
    assert caught.value.fix
    with pytest.raises(error):  # a good file beside it does not help
        catalog.ingest([file("beside.csv", "id,word\n9,z\n"), path], into="t.a")
    assert rows("t.a") == before
    assert stored() == files
    assert catalog.snapshots("t.a").total == 1
    assert project.events.last_id() == event
    assert not list(project.home.glob("quarantine/**/*.parquet"))
    assert not list(project.home.glob("staging/*"))


@pytest.mark.parametrize(
    "case", ["encoding", "empty", "half parquet", "all torn", "missing", "cut gzip"]
)
def test_a_bad_file_makes_no_dataset(catalog, cases, stored, case):
    path, error, _ = cases[case]
    with pytest.raises(error):
        catalog.ingest([path], into="new.table")
    assert catalog.list().total == 0
    assert catalog.namespaces().items == []
    assert catalog.fingerprint("new.table") is None
    assert stored() == set()


def test_a_parquet_file_with_flipped_or_cut_bytes_is_refused_or_read_right(
    catalog, parquet, tmp_path
):
    """60 places: whatever is damaged, no error of ours is missing and no row of an accepted file is
    wrong in number.
    """
    content, chance = parquet.read_bytes(), random.Random(1)
    path = tmp_path / "damaged.parquet"
    fixes = []
    for _ in range(30):
        place = chance.randrange(len(content))
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
        ):
            path.write_bytes(damaged)
            try:
                assert catalog.ingest([path], into="t.damaged", mode="replace").rows_written == 5000
            except MLInfraError as error:
                fixes.append(error.fix)
    assert len(fixes) >= 30  # every cut one
    assert all(fixes)


def test_a_packed_file_that_unfolds_without_end_is_refused(catalog, file, monkeypatch):
    bomb = gzip.compress(b"id\n" + b"1\n" * 50_000_000)
    with pytest.raises(TooLarge, match="unfolds"):
        catalog.ingest([file("bomb.csv.gz", bomb)], into="t.a")


def test_more_broken_rows_than_can_be_an_accident_are_refused(catalog, file):
    with pytest.raises(Unprocessable, match="Over 100,000 rows"):
        catalog.ingest([file("a.csv", "a,b\n1,2\n" + "1\n" * 100_002)], into="t.a")
    with pytest.raises(Unprocessable, match="Over 100,000 rows"):
        catalog.ingest([file("b.json", '{"a": 1}\n' + "x\n" * 100_002)], into="t.a")
    assert catalog.list().total == 0


def test_an_unknown_encoding_is_refused(catalog, file):
    for name in ("klingon", "rot13", "base64"):
        with pytest.raises(BadRequest, match="encoding"):
            catalog.ingest([file("a.csv", GOOD)], into="t.a", encoding=name)


@pytest.mark.skipif(sys.platform != "linux", reason="reads a file that only Linux has")
def test_a_file_that_cannot_be_read_is_named_with_the_reason(catalog, tmp_path, stored):
    path = tmp_path / "a.csv"
    path.symlink_to("/proc/self/mem")  # its first byte is an error of the disk, even for root
    with pytest.raises(Unavailable, match=r"a\.csv cannot be read\. Input/output error") as caught:
        catalog.ingest([path], into="t.a")
    assert caught.value.fix
    assert stored() == set()


def test_who_may_not_read_a_file_is_told_which_right_is_missing():
    error = unreadable(PermissionError(errno.EACCES, "Permission denied"), "a.csv")
    assert str(error) == (
        "a.csv cannot be read. Permission denied. Give this user the right to read a.csv."
    )
