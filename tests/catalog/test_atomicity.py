"""One commit or nothing: failures between the data files and the catalog's pointer, full and
read-only disks, lost answers.
"""

from __future__ import annotations

import ctypes
import json
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import MLInfraError, Unavailable
from jupyter_mlinfra.core.project import Project


@pytest.fixture
def broken_commit(monkeypatch):
    """Lets every commit fail after the data files were written; `calls` counts them."""
    from pyiceberg.catalog.sql import SqlCatalog

    calls: list[str] = []
    real = SqlCatalog.commit_table

    def fail(self, table, *arguments):
        calls.append(str(table.name()))
        raise RuntimeError("power cut")

    monkeypatch.setattr(SqlCatalog, "commit_table", fail)
    return calls, lambda: monkeypatch.setattr(SqlCatalog, "commit_table", real)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_failure_between_files_and_commit_leaves_the_old_rows_and_no_file(
    project, rows, stored, mode, monkeypatch
):
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    before, reports = stored(), []
    from pyiceberg.catalog.sql import SqlCatalog

    with monkeypatch.context() as patch:

        def fail(self, table, *arguments):
            reports.append(stored() - before)
            raise RuntimeError("power cut")

        patch.setattr(SqlCatalog, "commit_table", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            catalog.write(pl.DataFrame({"n": [2], "new": ["x"]}), into="t.a", mode=mode)
    assert any(name.endswith(".parquet") for name in reports[0])  # the files were there
    assert rows("t.a") == [{"n": 1}]
    assert [column.name for column in catalog.show("t.a").schema] == ["n"]
    assert not any(name.endswith(".parquet") for name in stored() - before)
    catalog.write(pl.DataFrame({"n": [2], "new": ["x"]}), into="t.a")
    assert rows("t.a") == [{"n": 1, "new": None}, {"n": 2, "new": "x"}]


def test_a_first_write_that_fails_shows_no_half_table(catalog, broken_commit, project):
    calls, repair = broken_commit
    with pytest.raises(RuntimeError):
        catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    assert calls
    assert catalog.list().total == 0
    assert Catalog(project).fingerprint("t.a") is None
    repair()
    assert catalog.write(pl.DataFrame({"n": [1]}), into="t.a").rows_written == 1


def test_an_ingest_that_fails_at_the_commit_keeps_no_quarantine(
    catalog, broken_commit, project, file
):
    with pytest.raises(RuntimeError):
        catalog.ingest([file("a.csv", "id,word\n1,a\n2\n")], into="t.a")
    assert not list(project.home.glob("quarantine/**/*.parquet"))


def test_a_commit_whose_answer_got_lost_is_found_and_not_done_twice(catalog, rows, monkeypatch):
    from pyiceberg.catalog.sql import SqlCatalog

    real = SqlCatalog.commit_table

    def lose(self, *arguments):
        real(self, *arguments)
        raise ConnectionResetError("connection reset")

    monkeypatch.setattr(SqlCatalog, "commit_table", lose)
    first = catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    second = catalog.write(pl.DataFrame({"n": [2]}), into="t.a")
    monkeypatch.undo()
    assert rows("t.a") == [{"n": 1}, {"n": 2}]
    assert [item.id for item in catalog.snapshots("t.a").items] == [second.snapshot, first.snapshot]


def test_a_reader_sees_the_old_rows_until_the_commit(project, monkeypatch):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog, other, seen = Catalog(project), Catalog(project), []
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    real = SqlCatalog.commit_table

    def look(self, *arguments):
        seen.append(other.dataset("t.a").scan().collect()["n"].to_list())
        return real(self, *arguments)

    monkeypatch.setattr(SqlCatalog, "commit_table", look)
    catalog.write(pl.DataFrame({"n": [2]}), into="t.a", mode="replace")
    assert seen == [[1]]
    assert other.dataset("t.a").scan().collect()["n"].to_list() == [2]


def test_a_commit_stands_when_telling_of_it_fails(catalog, project, rows, monkeypatch, caplog):
    monkeypatch.setattr(
        type(project.lineage),
        "record",
        lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")),
    )
    assert catalog.write(pl.DataFrame({"n": [1]}), into="t.a").rows_written == 1
    assert rows("t.a") == [{"n": 1}]
    assert "not recorded" in caplog.text


_INGEST = """
import json, sys
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.core.project import Project
try:
    report = Catalog(Project.open(sys.argv[1])).ingest([sys.argv[2]], into="t.a")
    print(json.dumps({"rows": report.rows_written}))
except MLInfraError as error:
    print(json.dumps(error.to_json()))
"""


def _without_override() -> None:
    """Root may write anywhere; without these two rights it is a user like any other."""
    libc = ctypes.CDLL(None)
    for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, right, 0, 0, 0)


def _small_files() -> None:
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def _ingest(project: Project, path: Path, before_exec) -> dict[str, object]:
    # -B: Python leaves half a .pyc where a file may not grow, and every later import of it fails
    process = subprocess.run(
        [sys.executable, "-B", "-c", _INGEST, str(project.root), str(path)],
        capture_output=True,
        text=True,
        preexec_fn=before_exec,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


def test_a_full_disk_is_named_and_the_old_rows_stand(catalog, project, file, rows, stored):
    catalog.ingest([file("small.csv", "n,word\n1,a\n")], into="t.a")
    before = stored()
    big = file(
        "big.csv",
        "n,word\n" + "".join(f"{i},{hash(str(i)):x}{hash(i * 7919):x}\n" for i in range(60_000)),
    )
    answer = _ingest(project, big, _small_files)
    assert answer.get("code") == "unavailable", answer
    assert answer["fix"]
    assert rows("t.a") == [{"n": 1, "word": "a"}]
    assert stored() == before


def test_a_disk_without_a_page_left_is_named_and_nobody_is_told_to_move_the_catalog_away(
    small_disk, catalog, project, file, rows
):
    """SQLite cannot even make its log and its shared memory then, and says `disk I/O error`."""
    disk = small_disk(8)
    path = file("small.csv", "n\n1\n")
    # By a process of its own, which takes the log and the shared memory away when it ends.
    assert _ingest(project, path, None) == {"rows": 1}
    assert not list(project.home.glob("catalog.db-*"))
    disk.fill()
    said = [_ingest(project, path, None)]
    for verb in (catalog.list, lambda: catalog.show("t.a")):
        with pytest.raises(MLInfraError) as caught:
            verb()
        said.append(caught.value.to_json())
    assert "disk I/O error" in str(said)
    for answer in said:
        assert answer.get("code") == "unavailable", answer
        assert "catalog.db" in answer["why"]
        assert "Free some space" in answer["fix"]
        assert "away" not in answer["fix"]
    disk.free()
    assert rows("t.a") == [{"n": 1}]
    assert _ingest(project, file("next.csv", "n\n2\n"), None) == {"rows": 1}


def test_a_read_only_folder_is_named_and_the_old_rows_stand(catalog, project, file, rows):
    catalog.ingest([file("small.csv", "n\n1\n")], into="t.a")
    path = file("more.csv", "n\n2\n")
    locked = [folder for folder in (project.home, *project.home.glob("**/")) if folder.is_dir()]
    for folder in locked:
        folder.chmod(0o500)
    try:
        answer = _ingest(project, path, _without_override)
    finally:
        for folder in locked:
            folder.chmod(0o700)
    assert answer.get("code") == "unavailable", answer
    assert answer["fix"]
    assert rows("t.a") == [{"n": 1}]


def test_a_project_on_a_read_only_disk_is_read(small_disk, project, file):
    """Such as a colleague's, or one in an archive."""
    disk = small_disk(16)
    catalog = Catalog(project)
    first = catalog.ingest([file("a.csv", "n\n1\n2\n")], into="t.a").snapshot
    catalog.ingest([file("b.csv", "n\n3\n")], into="t.a")
    catalog.register(file("c.csv", "n\n4\n"), name="t.place")
    catalog._store.iceberg.engine.dispose()  # a file that is open for writing keeps the disk so
    catalog._store._listing._file.close()
    project.database.close()
    disk.lock()
    reader = Catalog(Project.open(project.root))
    assert [item.name for item in reader.list().items] == ["t.a", "t.place"]
    assert reader.show("t.a").dataset.rows.value == 3
    assert sorted(reader.preview("t.a").data[0]) == [1, 2, 3]
    assert reader.preview("t.place").data == [[4]]
    assert reader.preview("t.a", snapshot=first).total == 2
    assert reader.sql("SELECT sum(n) FROM t.a").item() == 6
    assert reader.profile("t.a", tier="exact").columns["n"].max == 3
    assert reader.diff("t.a", first).added == 1
    assert next(hit.ref for hit in reader.search("n").items) == "column:t.a.n"
    assert reader.verify("t.a").damaged == []
    with pytest.raises(Unavailable) as caught:
        reader.write(pl.DataFrame({"n": [1]}), into="t.a")
    assert caught.value.fix


def test_a_damaged_catalog_file_is_named(catalog, project):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    for path in project.home.glob("catalog.db*"):
        path.write_bytes(b"no database" * 1000)
    for verb in (
        Catalog(project).list,
        lambda: Catalog(project).show("t.a"),
        lambda: Catalog(project).write(pl.DataFrame({"n": [1]}), into="t.a"),
    ):
        with pytest.raises(MLInfraError) as caught:
            verb()
        assert caught.value.code == "unavailable"
        assert "catalog.db" in str(caught.value)
        assert "backup" in caught.value.fix


def test_a_table_whose_files_are_gone_does_not_hide_the_others(catalog, project):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    catalog.write(pl.DataFrame({"n": [1]}), into="t.b")
    for path in project.home.glob("warehouse/t/a/metadata/*.json"):
        path.unlink()
    fresh = Catalog(project)
    assert [(item.name, item.rows.value) for item in fresh.list().items] == [
        ("t.a", None),
        ("t.b", 1),
    ]
    assert {hit.name for hit in fresh.search("t.").items} >= {"t.a", "t.b"}
    with pytest.raises(MLInfraError, match=r"t\.a cannot be read"):
        fresh.show("t.a")
