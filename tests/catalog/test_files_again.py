"""Files that are in a dataset already, and files that change while they are read."""

from __future__ import annotations

import gzip
import os
import shutil
import time

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog import sources as reading
from jupyter_mlinfra.core.errors import Conflict


def ids(rows, name="t.a"):
    return sorted(row["id"] for row in rows(name))


def test_the_same_file_again_does_nothing_and_says_so(catalog, project, file, rows, tmp_path):
    path = file("a.csv", "id\n1\n2\n")
    first = catalog.ingest([path], into="t.a")
    event = project.events.last_id()
    moved = tmp_path / "folder" / "copy.csv"
    moved.parent.mkdir()
    shutil.copy(path, moved)
    for again in (path, moved):
        report = catalog.ingest([again], into="t.a")
        assert (report.rows_written, report.snapshot, report.skipped) == (
            0,
            first.snapshot,
            [str(again)],
        )
        assert f"is already in it (snapshot {first.snapshot})" in report.summary
        assert report.summary.startswith("Nothing was written")
        assert "--again" in report.summary
    assert ids(rows) == [1, 2]
    assert catalog.snapshots("t.a").total == 1
    assert project.events.last_id() == event


def test_the_same_file_is_added_once_more_when_that_is_said(catalog, file, rows):
    path = file("a.csv", "id\n1\n")
    catalog.ingest([path], into="t.a")
    catalog.ingest([path], into="t.a", again=True)
    assert ids(rows) == [1, 1]
    catalog.ingest([path], into="t.b")
    assert ids(rows, "t.b") == [1]


def test_of_several_files_only_the_new_ones_come_in(catalog, file, rows):
    catalog.ingest([file("a.csv", "id\n1\n"), file("b.csv", "id\n2\n")], into="t.a")
    report = catalog.ingest(
        [file("a.csv", "id\n1\n"), file("c.csv", "id\n3\n"), file("b.csv", "id\n2\n")], into="t.a"
    )
    assert ids(rows) == [1, 2, 3]
    assert (report.rows_written, len(report.skipped)) == (1, 2)
    assert "2 files are already in it" in report.summary


def test_two_files_of_the_same_content_in_one_ingest_are_both_meant(catalog, file, rows):
    catalog.ingest([file("monday.csv", "id\n1\n"), file("tuesday.csv", "id\n1\n")], into="t.a")
    assert ids(rows) == [1, 1]


def test_a_file_whose_rows_were_replaced_or_deleted_is_new(catalog, file, rows):
    path, other = file("a.csv", "id\n1\n"), file("b.csv", "id\n2\n")
    catalog.ingest([path], into="t.a")
    catalog.ingest([other], into="t.a", mode="replace")
    assert catalog.ingest([other], into="t.a").rows_written == 0
    assert catalog.ingest([path], into="t.a").rows_written == 1
    assert ids(rows) == [1, 2]
    catalog._store.load(reading_name("t.a")).delete("id = 1")
    assert catalog.ingest([path], into="t.a").rows_written == 1
    catalog.ingest([path], into="t.a", mode="replace")
    assert ids(rows) == [1]


def reading_name(text):
    from jupyter_mlinfra.catalog.names import DatasetName

    return DatasetName.parse(text)


def test_a_write_in_between_does_not_hide_what_is_in_it(catalog, file, rows):
    path = file("a.csv", "id\n1\n")
    catalog.ingest([path], into="t.a")
    catalog.write(pl.DataFrame({"id": [7]}), into="t.a")
    assert catalog.ingest([path], into="t.a").rows_written == 0
    assert ids(rows) == [1, 7]


def test_two_ingests_of_one_file_at_once_bring_it_in_once(
    catalog, project, file, rows, monkeypatch
):
    """The second one is done while the first one reads."""
    path, other, real = file("a.csv", "id\n1\n"), Catalog(project), reading._open
    catalog.ingest([file("first.csv", "id\n0\n")], into="t.a")

    def read(*given):
        monkeypatch.setattr(reading, "_open", real)
        other.ingest([path], into="t.a")
        return real(*given)

    monkeypatch.setattr(reading, "_open", read)
    assert catalog.ingest([path], into="t.a").rows_written == 0
    assert ids(rows) == [0, 1]


def test_two_ingests_of_one_file_that_commit_at_once_bring_it_in_once(
    catalog, project, file, rows, stored, meanwhile
):
    """The second one is done when the first one has read and checked everything."""
    path, other = file("a.csv", "id\n1\n"), Catalog(project)
    catalog.ingest([file("first.csv", "id\n0\n")], into="t.a")
    meanwhile(lambda: other.ingest([path], into="t.a"))
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, report.skipped) == (0, [str(path)])
    assert ids(rows) == [0, 1]
    assert len([name for name in stored() if name.endswith(".parquet")]) == 2


def test_the_same_file_twice_at_once_is_there_twice_when_that_is_said(
    catalog, project, file, rows, meanwhile
):
    path = file("a.csv", "id\n1\n")
    catalog.ingest([path], into="t.a")
    meanwhile(lambda: Catalog(project).ingest([path], into="t.a", again=True))
    catalog.ingest([path], into="t.a", again=True)
    assert ids(rows) == [1, 1, 1]


def test_an_ingest_whose_commit_landed_without_an_answer_is_in(catalog, file, rows, monkeypatch):
    """A transport that sends a request twice: the second one is refused."""
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.exceptions import CommitFailedException

    catalog.ingest([file("first.csv", "id\n0\n")], into="t.a")
    real = SqlCatalog.commit_table

    def twice(self, *given):
        monkeypatch.setattr(SqlCatalog, "commit_table", real)
        real(self, *given)
        raise CommitFailedException("the branch has changed")

    monkeypatch.setattr(SqlCatalog, "commit_table", twice)
    assert catalog.ingest([file("a.csv", "id\n1\n")], into="t.a").rows_written == 1
    assert ids(rows) == [0, 1]


def append(path):
    with path.open("ab") as handle:
        handle.write(b"4,d\n")


def cut(path):
    os.truncate(path, path.stat().st_size - 3)


def replace(path):
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def overwrite(path):
    data, before = path.read_bytes(), path.stat()
    path.write_bytes(data.replace(b"1,a", b"1,z"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def overwrite_unseen(path):
    """As a tool does that sets the time of the content back."""
    data, before = path.read_bytes(), path.stat()
    time.sleep(0.02)  # a file system counts in steps of some milliseconds
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = {
    "append": append,
    "cut": cut,
    "replace": replace,
    "overwrite": overwrite,
    "overwrite unseen": overwrite_unseen,
    "delete": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("kind", ["a.csv", "a.csv.gz", "a.jsonl", "a.parquet"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    catalog, rows, stored, tmp_path, change, kind, monkeypatch
):
    catalog.write(pl.DataFrame({"id": [0], "word": ["x"]}), into="t.a")
    before, path = stored(), tmp_path / kind
    frame = pl.DataFrame({"id": [1, 2, 3], "word": ["a", "b", "c"]})
    contents = {
        "a.csv": frame.write_csv().encode(),
        "a.csv.gz": gzip.compress(frame.write_csv().encode()),
        "a.jsonl": frame.write_ndjson().encode(),
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    else:
        frame.write_parquet(path)
    of_kind = {
        "csv": reading._Csv,
        "gz": reading._Csv,
        "jsonl": reading._Json,
        "parquet": reading._Typed,
    }[kind.rpartition(".")[2]]
    real = of_kind.frames

    def frames(self):
        for block in real(self):
            yield block
            if path.exists():
                change(path)

    monkeypatch.setattr(of_kind, "frames", frames)
    with pytest.raises(Conflict, match="changed while it was read") as caught:
        catalog.ingest([path], into="t.a")
    assert caught.value.fix
    assert stored() == before
    assert rows("t.a") == [{"id": 0, "word": "x"}]
    monkeypatch.undo()


def test_an_error_in_a_file_that_changed_is_told_as_the_change(catalog, file, monkeypatch):
    """A writer that cuts a file short makes it look damaged."""
    path = file("a.csv.gz", gzip.compress(b"id\n" + b"1\n" * 1000))
    real = reading.open_text

    def opened(*given, **options):
        os.truncate(path, 30)
        return real(*given, **options)

    monkeypatch.setattr(reading, "open_text", opened)
    with pytest.raises(Conflict, match="changed while it was read"):
        catalog.ingest([path], into="t.a")
    assert catalog.list().total == 0
