"""Taking a dataset out of the catalog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unavailable


@pytest.fixture
def table(catalog):
    catalog.write(pl.DataFrame({"id": [1, 2]}), into="t.a")


def test_a_deleted_dataset_is_gone_and_its_name_is_free(catalog, table, rows, project):
    deleted = catalog.delete("t.a")
    assert deleted.files.endswith("t/a")
    with pytest.raises(NotFound, match=r"It was deleted on .* and is in the trash") as caught:
        catalog.show("t.a")
    assert caught.value.fix == deleted.undo
    assert catalog.search("t.a").total == 0
    assert project.events.after(0)[-1].data == {"deleted": True}
    catalog.write(pl.DataFrame({"word": ["x"]}), into="t.a")
    assert rows("t.a") == [{"word": "x"}]


def test_what_is_done_is_done_though_nobody_can_be_told(
    catalog, table, project, monkeypatch, caplog
):
    def busy(*_, **__):
        raise Unavailable("state.db is busy.")

    monkeypatch.setattr(project.events, "emit", busy)
    assert catalog.tag("t.a", add=["gold"]).tags == ["gold"]
    assert catalog.describe("t.a", owner="bo").owner == "bo"
    catalog.delete("t.a")
    assert catalog.list().total == 0
    assert caplog.text.count("not recorded: state.db is busy.") == 3


@pytest.mark.parametrize("user", ["view:clicks", "run:9c1e", "dataset:t.b@1"])
def test_what_something_was_made_from_stays_unless_it_is_forced(catalog, table, project, user):
    catalog.write(pl.DataFrame({"id": [1]}), into="t.b", inputs=["dataset:t.c"])
    project.lineage.record("step", inputs=["dataset:t.a@1"], outputs=[user])
    with pytest.raises(Conflict, match=user.partition("@")[0]):
        catalog.delete("t.a")
    assert catalog.show("t.a").dataset.rows.value == 2
    catalog.delete("t.a", force=True)
    assert [item.name for item in catalog.list().items] == ["t.b"]


def test_an_earlier_state_of_itself_and_a_dataset_that_is_gone_hold_nothing(
    catalog, table, project
):
    project.lineage.record(
        "step", inputs=["dataset:t.a"], outputs=["dataset:t.a@2", "dataset:t.gone@1"]
    )
    catalog.delete("t.a")
    assert catalog.list().total == 0


def test_a_name_that_is_none_is_refused(catalog, table):
    with pytest.raises(NotFound):
        catalog.delete("t.b")
    with pytest.raises(BadRequest, match="one snapshot"):
        catalog.delete("t.a@1")


def test_a_deleted_dataset_is_restored_with_its_history_though_another_has_its_name(
    catalog, table, rows
):
    first = catalog.show("t.a").dataset.snapshot
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
    catalog.tag("t.a", add=["gold"])
    deleted = catalog.delete("t.a")
    (item,) = catalog.trash().items
    assert (item.name, item.rows, item.user, item.until) == ("t.a", 3, "ana", deleted.until)
    assert deleted.undo == f"mlinfra catalog trash restore {item.id}"
    catalog.write(pl.DataFrame({"word": ["x"]}), into="t.a")
    with pytest.raises(Conflict, match=r"t\.a already"):
        catalog.restore_deleted("t.a")
    assert catalog.restore_deleted(item.id, into="t.back") == replace(item, name="t.back")
    assert catalog.trash().total == 0
    assert [row["id"] for row in rows("t.back")] == [1, 2, 3]
    assert [row["id"] for row in rows(f"t.back@{first}")] == [1, 2]
    assert catalog.show("t.back").dataset.tags == ["gold"]
    assert rows("t.a") == [{"word": "x"}]
    with pytest.raises(NotFound, match="It has nothing"):
        catalog.restore_deleted("t.a")


def test_purging_deletes_its_files_but_none_of_the_table_that_has_its_name_and_folder_now(
    catalog, table, rows, project, stored
):
    old = stored()
    catalog.delete("t.a")
    catalog.write(pl.DataFrame({"word": ["x"]}), into="t.a")
    new = stored() - old
    # a clean-up of the new table leaves the trash alone
    assert catalog.clean("t.a", hours=1).orphans == []
    assert catalog.purge().total == 0
    assert old < stored()
    with project.database.write() as connection:
        connection.execute("UPDATE catalog_trash SET ends_at = ends_at - 8 * 86400")
    assert [item.name for item in catalog.purge().items] == ["t.a"]
    assert stored() == new
    assert rows("t.a") == [{"word": "x"}]
    assert catalog.trash().total == 0


def test_what_is_there_all_the_same_is_not_in_the_trash(catalog, table, rows, project):
    """The process was killed before the table was dropped, or after it was restored."""
    deleted = catalog.delete("t.a")
    with project.database.read() as connection:
        line = tuple(connection.execute("SELECT * FROM catalog_trash").fetchone())
    catalog.restore_deleted(deleted.trash)
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
    with project.database.write() as connection:
        connection.execute(f"INSERT INTO catalog_trash VALUES ({', '.join('?' * 8)})", line)
    assert catalog.purge(deleted.trash).total == 0
    assert catalog.trash().total == 0
    assert [row["id"] for row in rows("t.a")] == [1, 2, 3]


def test_how_a_dataset_is_kept_and_the_one_thing_that_could_be_done(
    catalog, project, file, monkeypatch
):
    from jupyter_mlinfra.catalog import Catalog
    from jupyter_mlinfra.catalog.care import uses
    from jupyter_mlinfra.core.project import Project

    (project.root / "mlinfra.toml").write_text('[catalog.tiers.cold]\nwarehouse = "cold"\n')
    catalog = Catalog(Project.open(project.root))
    path = file("a.csv", "id\n1\n2\n")
    catalog.ingest([path], into="t.a")
    catalog.ingest([path], into="t.b")
    care = catalog.care("t.a")
    assert (care.tier, care.tiers, care.files, care.small) == ("hot", ["hot", "cold"], 1, 1)
    assert [(item.dataset, item.files) for item in care.duplicates] == [("t.b", 1)]
    catalog.ingest([path], into="t.damaged")
    Path(catalog._store.load(catalog.own("t.damaged")).metadata_location).write_text("{")
    care = Catalog(Project.open(project.root)).care("t.a")
    assert [item.dataset for item in care.duplicates] == ["t.b"]  # one bad table hides no other
    assert (care.reads, care.read_at, care.suggestion) == (0, None, None)
    for _ in range(3):
        catalog.preview("t.a")
    catalog.dataset("t.b").scan().collect()
    assert catalog.care("t.a").reads == 1
    # a month later, in which it was neither read nor written
    uses_today = uses.today()
    monkeypatch.setattr("time.time", lambda: uses.moment(uses_today + 45).timestamp())
    assert catalog.care("t.a").suggestion.command == "mlinfra catalog move t.a --tier cold"
    catalog.move("t.a", tier="cold")
    for day in range(46, 52):
        monkeypatch.setattr("time.time", lambda day=day: uses.moment(uses_today + day).timestamp())
        Catalog(Project.open(project.root)).preview("t.a")
    assert catalog.care("t.a").suggestion.command == "mlinfra catalog move t.a --tier hot"
    for _ in range(9):
        catalog.write(pl.DataFrame({"id": [1]}), into="t.b")
    found = catalog.care("t.b")
    assert found.suggestion.command == "mlinfra catalog compact t.b --yes"
    assert "10 files 9 are more than it needs" in found.suggestion.why
    assert Path(found.location).name == "b"


def test_a_purge_that_fails_is_done_by_the_next_one_and_its_line_is_not_restored(
    catalog, table, project, stored, monkeypatch
):
    from jupyter_mlinfra.catalog.care.orphans import Orphans

    number = catalog.delete("t.a").trash
    real, files = Orphans._delete, len(stored())

    def fails(self, gone, on_progress):
        real(self, gone[:-2], on_progress)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Orphans, "_delete", fails)
    with pytest.raises((OSError, MLInfraError), match="Input/output error"):
        catalog.purge(number)
    assert 0 < len(stored()) < files
    assert any(path.endswith(".metadata.json") for path in stored())
    assert catalog.trash().total == 0
    with pytest.raises(Conflict, match="are being deleted"):
        catalog.restore_deleted(number)
    monkeypatch.setattr(Orphans, "_delete", real)
    assert [item.name for item in catalog.purge().items] == ["t.a"]
    assert stored() == set()
    with pytest.raises(NotFound):
        catalog.purge(number)


def test_a_line_whose_metadata_is_gone_blocks_no_other_and_is_purged(
    catalog, table, project, stored
):
    catalog.write(pl.DataFrame({"id": [1]}), into="t.b")
    number = catalog.delete("t.a").trash
    catalog.delete("t.b")
    for path in (project.home / "warehouse" / "t" / "a").rglob("*.metadata.json"):
        path.unlink()
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    assert catalog.trash().total == 2
    assert catalog.clean("t.a", really=False).dataset == "t.a"
    with project.database.write() as connection:
        connection.execute("UPDATE catalog_trash SET ends_at = 1")
    catalog.clean_all()
    assert catalog.trash().total == 0
    assert not any("/b/" in path for path in stored())
    with pytest.raises(NotFound):
        catalog.purge(number)


def test_a_dataset_that_is_there_under_another_name_is_not_restored_twice(
    catalog, table, rows, monkeypatch
):
    """The process was killed between the two steps of a restore."""
    from jupyter_mlinfra.catalog.care.trash import Trash

    number = catalog.delete("t.a").trash
    monkeypatch.setattr(Trash, "take", lambda *_: None)
    catalog.restore_deleted(number, into="t.b")
    catalog.write(pl.DataFrame({"id": [3]}), into="t.b")
    assert catalog.trash().total == 0
    with pytest.raises(NotFound, match="not in the trash any more"):
        catalog.restore_deleted(number, into="t.c")
    assert catalog.purge(number).total == 0
    assert [row["id"] for row in rows("t.b")] == [1, 2, 3]


def test_what_others_commit_while_a_dataset_is_deleted_comes_back_with_it(
    catalog, table, rows, monkeypatch
):
    from jupyter_mlinfra.catalog.care.trash import Trash

    real = Trash.put

    def put(self, *arguments):
        monkeypatch.setattr(Trash, "put", real)
        line = real(self, *arguments)
        catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
        return line

    monkeypatch.setattr(Trash, "put", put)
    catalog.restore_deleted(catalog.delete("t.a").trash)
    assert [row["id"] for row in rows("t.a")] == [1, 2, 3]
    assert catalog.trash().total == 0


@pytest.mark.parametrize("hours", [0, -5])
def test_files_of_no_age_are_never_asked_for(catalog, table, hours):
    for clean in (
        lambda: catalog.clean("t.a", hours=hours),
        lambda: catalog.clean_all(hours=hours),
    ):
        with pytest.raises(BadRequest, match="out of range"):
            clean()


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_text("{"),
        lambda file: file.write_text('{"format-version": 2}'),
        lambda file: file.unlink(),
    ],
    ids=["torn", "empty", "gone"],
)
def test_a_dataset_whose_metadata_is_damaged_can_be_deleted_when_forced(catalog, file, rows, harm):
    """Otherwise nothing could ever be written under its name again."""
    path = file("a.csv", "id\n1\n2\n")
    catalog.ingest([path], into="t.a")
    metadata = Path(catalog._store.load(catalog.own("t.a")).metadata_location)
    whole = metadata.read_bytes()
    harm(metadata)
    with pytest.raises(MLInfraError, match=r"t\.a was not deleted.*delete t\.a --force"):
        catalog.delete("t.a")
    deleted = catalog.delete("t.a", force=True)
    assert Path(deleted.files) == metadata.parent.parent
    catalog.ingest([path], into="t.a")
    assert rows("t.a") == [{"id": 1}, {"id": 2}]
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_bytes(whole)  # from a backup
    catalog.restore_deleted(deleted.trash, into="t.back")
    assert rows("t.back") == [{"id": 1}, {"id": 2}]


def test_a_dataset_with_damaged_metadata_is_deleted_with_what_was_tagged_before(catalog, file):
    path = file("a.csv", "id,mail\n1,a@b.c\n")
    catalog.ingest([path], into="t.a")
    catalog.tag("column:t.a.mail", add=["pii"])
    catalog.ingest([path], into="t.a")
    Path(catalog._store.load(catalog.own("t.a")).metadata_location).write_text("{")
    catalog.delete("t.a", force=True)
    assert catalog.personal("t.a") == {"mail"}
    catalog.ingest([path], into="t.a")
    assert catalog.personal("t.a") == {"mail"}
