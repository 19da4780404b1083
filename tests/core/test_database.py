"""`state.db`: transactions, migrations, and what a user reads when the disk will not have it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core import database
from jupyter_mlinfra.core.database import Database, newest_revision
from jupyter_mlinfra.core.errors import MLInfraError, Unavailable
from jupyter_mlinfra.core.project import Project


def _emit(root: str, count: int) -> None:
    project = Project.open(root)
    for number in range(count):
        project.events.emit("job", f"job:{os.getpid()}-{number}")


def test_a_folder_with_signs_of_addresses_in_its_name_is_a_project(tmp_path: Path) -> None:
    root = tmp_path / "ü 100%20 #1?x=1"
    root.mkdir()
    (root / "mlinfra.toml").write_text('[project]\nname = "p"\n')
    project = Project.open(root)
    project.events.emit("job", "job:1")
    assert Project.open(root).events.last_id() == 1
    assert [path.name for path in project.home.glob("state.db")] == ["state.db"]


def test_a_block_that_raises_leaves_nothing(project: Project) -> None:
    with pytest.raises(RuntimeError), project.database.write() as connection:
        connection.execute(
            "INSERT INTO event (at, topic, ref, data) VALUES ('', 'job', 'job:1', '{}')"
        )
        raise RuntimeError("in the middle")
    assert project.events.last_id() == 0


def test_a_busy_database_says_how_long_it_was_waited_for(project: Project) -> None:
    _ = project.events.last_id()
    other = sqlite3.connect(project.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        pytest.raises(Unavailable, match=r"is busy.*over 0\.05 s"),
        project.database.write(busy_seconds=0.05),
    ):
        pass
    other.execute("ROLLBACK")
    other.close()
    project.events.emit("job", "job:1")
    assert project.events.last_id() == 1


def test_a_commit_that_fails_leaves_nothing_and_frees_the_lock(project: Project) -> None:
    with project.database.write() as connection:
        connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    with pytest.raises(sqlite3.IntegrityError), project.database.write() as connection:
        # Refused at COMMIT alone, which leaves the transaction open.
        connection.execute("INSERT INTO child VALUES (1)")
    other = sqlite3.connect(project.database.path, timeout=0.1)
    other.execute("INSERT INTO parent VALUES (2)")
    other.commit()
    other.close()
    with project.database.write() as connection:
        connection.execute("INSERT INTO parent VALUES (3)")
    with project.database.read() as connection:
        assert [row[0] for row in connection.execute("SELECT id FROM parent ORDER BY id")] == [2, 3]
        assert connection.execute("SELECT count(*) FROM child").fetchone()[0] == 0


def test_four_processes_that_open_a_new_project_at_once_lose_no_write(project: Project) -> None:
    workers = [
        multiprocessing.get_context("spawn").Process(target=_emit, args=(str(project.root), 25))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(project.events.after(0)) == 100


def test_neither_a_new_nor_an_open_database_needs_sqlalchemy(project: Project) -> None:
    code = (
        "import sys; from jupyter_mlinfra.core.project import Project; p ="
        f" Project.open({str(project.root)!r}); p.events.last_id(); print(*sys.modules)"
    )
    for _ in range(2):
        loaded = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        assert not {"sqlalchemy", "alembic", "polars", "pandas", "mlflow", "feast"} & set(loaded)


def test_another_connection_s_commit_changes_the_data_version(project: Project) -> None:
    before = project.database.data_version()
    other = Database(project.database.path)
    with other.write() as connection:
        connection.execute(
            "INSERT INTO event (at, topic, ref, data) VALUES ('', 'job', 'job:1', '{}')"
        )
    other.close()
    assert project.database.data_version() != before


def test_a_database_of_a_newer_version_is_left_alone(project: Project) -> None:
    with project.database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="newer version"), Database(project.database.path).read():
        pass


def test_a_damaged_database_is_named_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(Unavailable) as caught, Database(path).read():
        pass
    assert caught.value.fix


def test_a_write_that_does_not_fit_on_the_disk_says_so_and_keeps_what_was_there(
    project: Project,
) -> None:
    """SQLite is held to the size it has: the same answer as from a full disk."""
    project.events.emit("job", "job:before")
    with project.database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable) as caught:
        for number in range(1000):
            project.events.emit("job", f"job:{number}", {"text": "x" * 500})
    assert "cannot grow" in caught.value.what
    kept = [event.ref for event in project.events.after(0)]
    assert kept[0] == "job:before"


@pytest.mark.parametrize("there", [True, False], ids=["that is there", "that is not made yet"])
def test_a_database_on_a_disk_without_a_page_left_asks_for_space_and_nothing_else(
    there: bool, small_disk: Any, project: Project
) -> None:
    disk = small_disk(2)
    if there:
        subprocess.run(
            [
                sys.executable,
                "-c",
                (
                    "from jupyter_mlinfra.core.project import"
                    " Project\nProject.open().events.emit('job', 'job:1')"
                ),
            ],
            check=True,
        )
    disk.fill()
    with pytest.raises(Unavailable) as caught:
        project.events.last_id()
    assert "cannot grow" in caught.value.what
    assert "Free some space" in caught.value.fix
    assert "away" not in caught.value.fix
    disk.free()
    assert project.events.last_id() == int(there)


def test_a_statement_that_is_at_fault_is_not_taken_for_a_damaged_file(project: Project) -> None:
    project.events.last_id()
    with pytest.raises(MLInfraError) as caught, project.database.read() as connection:
        connection.execute("SELECT ?", ())
    assert "bug" in caught.value.fix
    assert "away" not in str(caught.value)


def test_the_schema_is_that_of_the_newest_migration(project: Project) -> None:
    project.events.last_id()
    connection = sqlite3.connect(project.database.path)
    assert (
        connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        == newest_revision()
    )
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


def test_an_empty_file_is_damage_and_no_new_database(project: Project) -> None:
    project.events.emit("job", "job:1")
    project.database.close()
    for end in ("-wal", "-shm"):
        Path(f"{project.database.path}{end}").unlink(missing_ok=True)
    os.truncate(project.database.path, 0)
    with pytest.raises(Unavailable) as caught:
        Project.open(project.root).events.last_id()
    assert "it is empty" in caught.value.what
    assert "move it away" in caught.value.fix
    assert project.database.path.stat().st_size == 0
    project.database.path.unlink()  # as the fix says
    assert Project.open(project.root).events.last_id() == 0


def test_a_state_that_was_deleted_under_an_open_project_begins_anew_and_swallows_no_write(
    project: Project,
) -> None:
    project.events.emit("job", "job:1")
    shutil.rmtree(project.home)
    project.home.mkdir(mode=0o700)
    project.events.emit("job", "job:2")
    assert [event.ref for event in Project.open(project.root).events.after(0)] == ["job:2"]


def test_who_works_for_a_project_does_not_bring_its_deleted_state_back(project: Project) -> None:
    path = project.database.path
    with pytest.raises(Unavailable, match="is gone"):  # it was started just before
        Database(path, anew=False).data_version()
    assert not path.exists()
    project.events.emit("job", "job:1")
    database = Database(path, anew=False)
    assert database.data_version()
    shutil.rmtree(project.home)
    for _ in range(2):
        with pytest.raises(Unavailable, match="is gone"):
            database.data_version()
    assert not project.home.exists()


@pytest.mark.parametrize("log", [True, False], ids=["with a log of commits", "without one"])
def test_a_read_only_disk_is_read_and_a_write_is_told_that_it_is(
    log: bool, small_disk: Any, project: Project
) -> None:
    disk = small_disk(8)
    for number in range(3):
        project.events.emit("job", f"job:{number}")
    files = {
        path: path.read_bytes()
        for path in project.home.glob("state.db*")
        if not path.name.endswith("lock")
    }
    project.database.close()
    if log:  # as a machine leaves it that was switched off
        for path, data in files.items():
            path.write_bytes(data)
    assert Path(f"{project.database.path}-wal").exists() is log
    disk.lock()
    reader = Project.open(project.root)
    assert [event.ref for event in reader.events.after(0)] == ["job:0", "job:1", "job:2"]
    with pytest.raises(Unavailable, match=r"state\.db cannot be written") as caught:
        reader.events.emit("job", "job:3")
    assert "writable" in caught.value.fix


def test_an_older_database_on_a_read_only_disk_says_that_it_cannot_be_read_and_why(
    small_disk: Any, project: Project
) -> None:
    disk = small_disk(8)
    with project.database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    project.database.close()
    disk.lock()
    with pytest.raises(Unavailable, match=r"state\.db cannot be read") as caught:
        Project.open(project.root).events.last_id()
    assert "cannot be upgraded" in caught.value.why


def test_a_new_state_is_what_the_migrations_make(project: Project, tmp_path: Path) -> None:
    """When there is a new migration: python scripts/state_schema.py writes the new file."""

    def contents(path: Path) -> list[str]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return list(connection.iterdump())

    database.migrate_file(tmp_path / "migrated.db")
    project.events.last_id()
    assert contents(project.database.path) == contents(tmp_path / "migrated.db")


def test_a_migration_that_is_newer_than_the_file_for_new_states_is_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "NEWEST", Path(__file__).parent / "state_0011.sql")
    assert project.events.last_id() > 0
    assert revision(project) == newest_revision()


KILLED = """
import os, sys
from jupyter_mlinfra.core.project import Project
os.replace = lambda *paths: os.kill(os.getpid(), 9)
Project.open().database.data_version()
"""


def test_a_state_whose_maker_was_killed_is_made_again(project: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=project.root, capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    assert not project.database.path.exists()
    assert project.events.last_id() == 0
    assert revision(project) == newest_revision()
    assert not list(project.home.glob("*.draft*"))


def revision(project: Project) -> str:
    with project.database.read() as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_a_state_folder_that_cannot_be_made_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlinfra.toml").write_text('home = "/proc/nowhere/state"\n')
    with pytest.raises(MLInfraError) as caught:
        Project.open(tmp_path).events.last_id()
    assert "state folder" in caught.value.what
    assert caught.value.fix
