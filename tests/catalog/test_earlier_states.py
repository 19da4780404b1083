"""A dataset at a time, a tag or a branch; back to an earlier state; old snapshots that expire."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyiceberg.table import Table

from jupyter_mlinfra.catalog import Advance, Catalog, DatasetName
from jupyter_mlinfra.catalog.integrity import checksums_of
from jupyter_mlinfra.catalog.metadata import files_in
from jupyter_mlinfra.catalog.time.travel import snapshot_named
from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features.training_sets import PROPERTY, Recipe

NAME = "t.a"
NOW = timedelta(0)


def write(catalog: Catalog, *ids: int, mode: Any = "append", **columns: list[Any]) -> str:
    """The snapshot."""
    frame = pl.DataFrame({"id": [*ids], **columns}, schema_overrides={"id": pl.Int64})
    report = catalog.write(frame, into=NAME, mode=mode, key="id" if mode == "upsert" else ())
    assert report.snapshot is not None
    return report.snapshot


def table(catalog: Catalog) -> Table:
    return catalog._store.load(DatasetName.parse(NAME))


def ids(catalog: Catalog, at: str | None = None) -> list[int]:
    dataset = catalog.dataset(NAME if at is None else f"{NAME}@{at}")
    return sorted(dataset.scan().collect()["id"].to_list())


def moment(catalog: Catalog, snapshot: str, *, after: float = 0) -> str:
    (at,) = [item.at for item in catalog.snapshots(NAME).items if item.id == snapshot]
    return (at + timedelta(seconds=after)).isoformat().replace("+00:00", "Z")


def test_the_first_digits_of_a_snapshot_as_pages_show_them_lead_to_all_of_them(
    catalog: Catalog,
) -> None:
    first = write(catalog, 1)
    for ask in (lambda at: catalog.preview(f"{NAME}@{at}"), lambda at: ids(catalog, at)):
        with pytest.raises(NotFound, match=f"no snapshot {first[:8]}.*{NAME}@{first}"):
            ask(first[:8])
        with pytest.raises(NotFound, match=f"has expired.*catalog snapshots {NAME}"):
            ask(f"{first[:8]}x".replace("x", str(9 - int(first[8]))))


def test_a_time_a_tag_and_a_branch_mean_a_snapshot_wherever_a_dataset_is_read(
    catalog: Catalog,
) -> None:
    first, second = write(catalog, 1), write(catalog, 2)
    catalog.tag(f"{NAME}@{first}", add=["gold"])
    made = catalog.tag(f"{NAME}@{second}", add=["exp"], branch=True)
    assert made.refs == {"gold": first, "exp": second}
    dataset = catalog.dataset(NAME)
    for word, known in (("gold", [1]), ("exp", [1, 2]), (moment(catalog, first), [1])):
        assert ids(catalog, word) == known
        assert catalog.preview(f"{NAME}@{word}").total == len(known)
        assert catalog.preview(NAME, snapshot=word).total == len(known)
        assert catalog.profile(f"{NAME}@{word}", tier="exact").rows == len(known)
        assert catalog.show(f"dataset:{NAME}@{word.replace(':', '%3A')}").dataset.snapshot
        assert dataset.scan(snapshot=word).collect().height == len(known)
    assert ids(catalog, moment(catalog, second)) == [1, 2]
    assert ids(catalog, "2999-01-01") == [1, 2]
    assert catalog.diff(NAME, "gold", "exp").added == 1
    (later, earlier) = catalog.snapshots(NAME).items
    assert (dict(earlier.refs), dict(later.refs)) == ({"gold": "tag"}, {"exp": "branch"})
    # Iceberg's own, for every client.
    assert table(catalog).refs()["gold"].snapshot_id == int(first)
    with pytest.raises(NotFound, match="no tag or branch 'silver'"):
        catalog.dataset(f"{NAME}@silver")
    with pytest.raises(NotFound, match="The earliest that is kept is of"):
        catalog.dataset(f"{NAME}@2001-01-01")
    with pytest.raises(BadRequest, match="is not a time"):
        catalog.dataset(f"{NAME}@2026-02-30")


def test_a_tag_is_moved_and_removed_only_when_asked_and_undone(catalog: Catalog) -> None:
    first, second = write(catalog, 1), write(catalog, 2)
    catalog.tag(f"{NAME}@{first}", add=["gold"])
    with pytest.raises(Conflict, match="has a tag 'gold' already"):
        catalog.tag(f"{NAME}@{second}", add=["gold"])
    moved = catalog.tag(f"{NAME}@{second}", add=["gold"], remove=["gold"])
    assert moved.refs == {"gold": second}
    assert catalog.tag(f"{NAME}@{second}", add=["gold"]).undo == ""
    gone = catalog.tag(f"{NAME}@gold", remove=["gold"])
    assert gone.refs == {}
    assert gone.undo == f"mlinfra catalog tag {NAME}@{second} gold"
    for word in ("main", "1a", "a b", "a@b"):
        with pytest.raises(BadRequest, match="cannot name a snapshot"):
            catalog.tag(f"{NAME}@{second}", add=[word])
    with pytest.raises(NotFound, match="that can be removed"):
        catalog.tag(f"{NAME}@{second}", remove=["main"])


@pytest.fixture
def undo(project: Project) -> Callable[[str], None]:
    """Run the commands of an undo."""

    def run(commands: str) -> None:
        for command in commands.split(" && "):
            program, *words = shlex.split(command)
            assert program == "mlinfra"
            with pytest.raises(SystemExit) as ended:
                main(["--project", str(project.root), *words])
            assert ended.value.code == 0

    return run


def test_an_undo_gives_every_tag_and_branch_its_snapshot_and_its_kind_again(
    catalog: Catalog, undo: Callable[[str], None]
) -> None:
    first, second = write(catalog, 1), write(catalog, 2)
    catalog.tag(f"{NAME}@{first}", add=["a", "gold"])
    catalog.tag(f"{NAME}@{second}", add=["b"])
    catalog.tag(f"{NAME}@{second}", add=["dev"], branch=True)
    before = metadata(catalog)["refs"]
    changes: list[dict[str, Any]] = [
        {"remove": ["a", "b", "dev"]},
        {"add": ["gold"], "remove": ["gold"]},
        {"add": ["new", "dev", "gold"], "remove": ["gold", "a"]},
        {"add": ["dev", "a"], "remove": ["dev", "a"], "branch": True},
    ]
    for change in changes:
        changed = catalog.tag(f"{NAME}@{second}", **change)
        assert metadata(catalog)["refs"] != before
        undo(changed.undo)
        assert metadata(catalog)["refs"] == before


def test_the_undo_of_a_restore_brings_columns_back_that_another_client_has_renamed(
    catalog: Catalog, undo: Callable[[str], None]
) -> None:
    first = write(catalog, 1)
    write(catalog, 2)
    with table(catalog).update_schema() as update:
        update.rename_column("id", "key")
    later = catalog.dataset(NAME).scan().collect()
    restored = catalog.restore(NAME, first)
    assert catalog.dataset(NAME).scan().collect().columns == ["id"]
    undo(restored.undo)
    now = catalog.dataset(NAME).scan().collect()
    assert now.columns == ["key"]
    assert now.sort("key").equals(later.sort("key"))
    newest = catalog.snapshots(NAME).items[0].id
    with pytest.raises(NotFound, match="no columns of number 7"):
        catalog.restore(NAME, f"{newest}.7")


def test_restored_is_every_answer_as_it_was_and_so_is_its_undo(
    catalog: Catalog, file: Callable[..., Path]
) -> None:
    catalog.ingest([file("a.csv", "id,x\n1,1\n2,2\n")], into=NAME)
    then = catalog.dataset(NAME)
    before = then.scan().collect()
    write(catalog, 2, 3, mode="upsert", x=[20, 30], y=["a", "b"])
    table(catalog).delete("id = 1")
    catalog.ingest([file("b.csv", "id,x,y\n9,9,z\n")], into=NAME)
    later = catalog.dataset(NAME).scan().collect()
    assert then.snapshot is not None
    restored = catalog.restore(NAME, then.snapshot)
    now = catalog.dataset(NAME)
    assert now.scan().collect().equals(before)
    assert (now.snapshot, restored.rows) == (restored.snapshot, 2)
    assert (
        catalog.profile(NAME, tier="exact").columns
        == catalog.profile(f"{NAME}@{then.snapshot}", tier="exact").columns
    )
    assert catalog.verify(NAME).checked == 1
    difference = catalog.diff(NAME, then.snapshot)
    assert (difference.added, difference.removed, difference.files_read) == (0, 0, 0)
    newest = catalog.snapshots(NAME).items[0]
    assert (newest.restored_from, newest.parent) == (
        then.snapshot,
        catalog.snapshots(NAME).items[1].id,
    )
    # What is in it is known: the first file is, the second one is not.
    assert catalog.ingest([file("a.csv", "id,x\n1,1\n2,2\n")], into=NAME).rows_written == 0
    assert catalog.restore(NAME, then.snapshot).undo == ""  # again: nothing to do
    words = restored.undo.split()
    assert words[:4] == ["mlinfra", "catalog", "restore", NAME]
    catalog.restore(NAME, words[4])
    assert catalog.dataset(NAME).scan().collect().equals(later)
    assert catalog.ingest([file("b.csv", "id,x,y\n9,9,z\n")], into=NAME).rows_written == 0
    write(catalog, 50, x=[1], y=["c"])
    assert 50 in ids(catalog)


def test_a_stream_goes_on_from_where_the_restored_rows_end(catalog: Catalog) -> None:
    def advance(at: str) -> None:
        rows = pl.DataFrame({"id": [int(at)]})
        catalog.write(rows, into=NAME, once=at, advance=Advance("s", lambda _: at))

    advance("1")
    first = catalog.snapshots(NAME).items[0].id
    advance("2")
    catalog.restore(NAME, first)
    found = catalog.position(NAME, "s")
    assert (found.at, found.kept) == ("1", True)
    advance("2")  # its rows are gone, so they are written
    assert ids(catalog) == [1, 2]


def test_a_restore_that_others_overtake_begins_again(
    catalog: Catalog, meanwhile: Callable[..., None]
) -> None:
    first = write(catalog, 1, 2)
    write(catalog, 3)
    meanwhile(lambda: write(catalog, 4))
    catalog.restore(NAME, first)
    assert ids(catalog) == [1, 2]
    assert ids(catalog, catalog.snapshots(NAME).items[1].id) == [1, 2, 3, 4]  # not lost


def test_the_undo_of_a_restore_has_what_came_before_its_lock(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.catalog.time import restoring

    first = write(catalog, 1, 2)
    write(catalog, 3)
    real = restoring.commit
    monkeypatch.setattr(restoring, "commit", lambda *a, **k: (write(catalog, 4), real(*a, **k))[1])
    undo = catalog.restore(NAME, first).undo.split()[-1]
    assert ids(catalog, undo) == [1, 2, 3, 4]

    def not_by_files(*_: object, **__: object) -> None:
        write(catalog, 5)
        raise restoring._NotByFilesError

    monkeypatch.setattr(restoring, "commit", not_by_files)
    assert ids(catalog, catalog.restore(NAME, first).undo.split()[-1]) == [1, 2, 5]


def test_a_state_whose_files_are_gone_is_not_restored(catalog: Catalog) -> None:
    first = write(catalog, 1)
    (task,) = table(catalog).scan().plan_files()
    write(catalog, 2, mode="replace")
    Path(task.file.file_path.removeprefix("file://")).unlink()
    with pytest.raises(Conflict, match="1 of its data files are gone"):
        catalog.restore(NAME, first)
    assert ids(catalog) == [2]


def referenced(catalog: Catalog) -> set[str]:
    """All files that a walk over every snapshot finds, by pyiceberg alone."""
    found = set[str]()
    now = table(catalog)
    for snapshot in now.snapshots():
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(now.io):
            found.add(manifest.manifest_path)
            found |= {
                entry.data_file.file_path
                for entry in manifest.fetch_manifest_entry(now.io, discard_deleted=True)
            }
    return {path.removeprefix("file://") for path in found}


def on_disk(project: Project) -> set[str]:
    files = (project.home / "warehouse").glob("**/*")
    return {str(path) for path in files if path.suffix in (".parquet", ".avro")}


def history(catalog: Catalog, project: Project) -> list[str]:
    """Nine snapshots; the second is used by a run, the third has a tag, the fourth a branch."""
    found = [write(catalog, 1), write(catalog, 2)]
    found += [write(catalog, 3, mode="replace"), write(catalog, 4, 5)]
    found += [write(catalog, 4, mode="upsert", x=[1]), write(catalog, 6, mode="replace", x=[1])]
    found += [write(catalog, number, x=[1]) for number in (7, 8, 9)]
    ref = DatasetName.parse(NAME).ref
    project.lineage.record("train", inputs=[f"{ref}@{found[1]}"], outputs=["run:abc"])
    project.lineage.record("copy", inputs=[f"{ref}@{found[4]}"], outputs=["dataset:t.gone"])
    catalog.tag(f"{NAME}@{found[2]}", add=["gold"])
    catalog.tag(f"{NAME}@{found[3]}", add=["exp"], branch=True)
    return found


def test_expired_are_only_snapshots_that_nothing_needs_and_only_their_files(
    catalog: Catalog, project: Project
) -> None:
    snapshots = history(catalog, project)
    before = {at: ids(catalog, at) for at in snapshots}
    young = catalog.expire(NAME)
    assert (young.expires, young.done, young.lost) == (0, False, [])
    plan = catalog.expire(NAME, older_than=NOW, keep=2)
    reasons = {item.id: item.kept_because for item in plan.snapshots}
    assert reasons[snapshots[8]] == "It is the newest state."
    assert reasons[snapshots[7]] == "It is one of the newest 2."
    assert reasons[snapshots[1]] == "Used by run:abc."
    assert reasons[snapshots[2]] == "Tag gold names it."
    assert reasons[snapshots[3]] == "Branch exp names it."
    going = [at for at, why in reasons.items() if not why]
    assert set(going) == {snapshots[index] for index in (0, 4, 5, 6)}
    assert (plan.expires, plan.done) == (4, False)
    assert on_disk(project) == referenced(catalog)  # the preview has changed nothing
    known = {str(item["snapshot-id"]): item["summary"] for item in metadata(catalog)["snapshots"]}
    digests, checksums = files_in(metadata(catalog)), checksums_of(table(catalog))
    done = catalog.expire(NAME, older_than=NOW, keep=2, preview=False)
    assert (done.expires, done.files, done.bytes, done.done) == (4, plan.files, plan.bytes, True)
    assert on_disk(project) == referenced(catalog)  # no file too few, none too many
    for at in snapshots:
        if at in going:
            with pytest.raises(NotFound, match="no snapshot"):
                catalog.dataset(f"{NAME}@{at}")
        else:
            assert ids(catalog, at) == before[at]
    assert ids(catalog) == before[snapshots[-1]]
    assert files_in(metadata(catalog)) == digests
    assert catalog.verify(NAME).checked == catalog.verify(NAME).files
    assert checksums.items() >= checksums_of(table(catalog)).items()
    with project.database.read() as connection:
        rows = connection.execute("SELECT * FROM catalog_commit ORDER BY at").fetchall()
    assert [row["snapshot"] for row in rows] == [at for at in snapshots if at in going]
    assert [row["operation"] for row in rows] == ["append", "upsert", "overwrite", "append"]
    for row in rows:  # as Iceberg counts them, as of those that stay
        for ours, theirs in (("added", "added-records"), ("removed", "deleted-records")):
            assert row[ours] == int(known[row["snapshot"]].get(theirs, 0))
    again = catalog.expire(NAME, older_than=NOW, keep=2, preview=False)
    assert (again.expires, again.files) == (0, 0)


def metadata(catalog: Catalog) -> Any:
    name = DatasetName.parse(NAME)
    return catalog._store.metadata(catalog._store.entry(name))


def test_a_time_whose_snapshot_has_expired_is_refused_and_not_read_as_another_one(
    catalog: Catalog,
) -> None:
    first, second = write(catalog, 1), write(catalog, 2)
    write(catalog, 3)
    catalog.tag(f"{NAME}@{first}", add=["gold"])
    then = moment(catalog, second)
    assert ids(catalog, then) == [1, 2]
    catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    with pytest.raises(NotFound, match="any more"):
        catalog.dataset(f"{NAME}@{then}")
    assert ids(catalog, moment(catalog, first)) == [1]


def test_a_time_before_a_rollback_is_read_only_while_its_snapshot_is_kept(
    catalog: Catalog,
) -> None:
    first = write(catalog, 1)
    second, third = write(catalog, 2), write(catalog, 3)
    then = moment(catalog, third, after=0.002)
    time.sleep(0.01)
    with table(catalog).manage_snapshots() as manage:
        manage.set_current_snapshot(int(first))
    assert ids(catalog, then) == [1, 2, 3]
    catalog.tag(f"{NAME}@{second}", add=["kept"])
    catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    for at in (then, moment(catalog, second, after=0.001)):
        with pytest.raises(NotFound, match="any more"):
            catalog.dataset(f"{NAME}@{at}")
    assert ids(catalog, moment(catalog, second)) == [1, 2]
    assert ids(catalog) == [1]


def test_rolled_back_then_expired() -> None:
    log = [{"snapshot-id": 1, "timestamp-ms": at} for at in (1000, 9000)]
    kept = {"snapshots": [{"snapshot-id": 1, "timestamp-ms": 1000}], "snapshot-log": log}
    for second, known in ((1, True), (5, False), (9, True), (12, True)):
        name = DatasetName("t", "a", tag=f"1970-01-01T00:00:{second:02}Z")
        if known:
            assert snapshot_named(name, kept) == 1
        else:
            with pytest.raises(NotFound, match="any more"):
                snapshot_named(name, kept)


def test_files_are_not_brought_in_again_after_their_snapshots_have_expired(
    catalog: Catalog, file: Callable[..., Path]
) -> None:
    files = [file(f"{number}.csv", f"id\n{number}\n") for number in range(5)]
    for path in files:
        catalog.ingest([path], into=NAME)
        catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    assert len(catalog.snapshots(NAME).items) == 1
    assert catalog.ingest(files, into=NAME).rows_written == 0
    assert ids(catalog) == [0, 1, 2, 3, 4]
    write(catalog, 9, mode="replace")
    catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    assert catalog.ingest(files[:2], into=NAME).rows_written == 2


def test_what_a_training_set_was_made_from_stays(catalog: Catalog, project: Project) -> None:
    first = write(catalog, 1)
    write(catalog, 2)
    recipe = Recipe(
        requested={"v": ["x"]},
        entities=["id"],
        at="at",
        full_names=False,
        pins={NAME: f"{first}.0", f"elsewhere#{NAME}": "7"},
        files={},
        definitions={},
        rows=1,
        first=None,
        last=None,
    )
    made = {PROPERTY: json.dumps(asdict(recipe))}
    catalog.write(pl.DataFrame({"x": [1]}), into="t.train", properties=made)
    catalog.write(pl.DataFrame({"x": [2]}), into="t.train", mode="append")
    plan = catalog.expire(NAME, older_than=NOW, keep=1)
    assert {item.id: item.kept_because for item in plan.snapshots}[
        first
    ] == "Used by dataset:t.train."


def test_an_expiry_that_others_overtake_looks_again(
    catalog: Catalog, project: Project, meanwhile: Callable[..., None]
) -> None:
    snapshots = [write(catalog, number) for number in (1, 2, 3)]
    meanwhile(lambda: write(catalog, 4))
    done = catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    assert done.expires == 3
    assert ids(catalog) == [1, 2, 3, 4]
    assert on_disk(project) == referenced(catalog)
    assert snapshots[0] not in {item.id for item in catalog.snapshots(NAME).items}


_EXPIRE = """
import sys
from datetime import timedelta
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
catalog = Catalog(Project.open(sys.argv[1]))
if sys.argv[2] == "restore":
    catalog.restore("t.a", sys.argv[3])
else:
    catalog.expire("t.a", older_than=timedelta(0), keep=1, preview=False)
"""


def kill(project: Project, point: str, *words: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _EXPIRE, str(project.root), *words],
        env={**os.environ, "MLINFRA_FAIL": point},
        timeout=120,
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.parametrize(
    ("point", "landed"),
    [
        pytest.param("catalog-expiring", False, marks=pytest.mark.slow),
        pytest.param("catalog-expired", True, marks=pytest.mark.slow),
        ("catalog-deleting", True),
    ],
)
def test_a_killed_expiry_loses_nothing_and_is_finished_by_the_next_write(
    catalog: Catalog, project: Project, point: str, landed: bool
) -> None:
    for number in (1, 2, 3):
        write(catalog, number, mode="replace")
    kill(project, point, "expire")
    assert len(catalog.snapshots(NAME).items) == (1 if landed else 3)
    assert referenced(catalog) <= on_disk(project)
    write(catalog, 4)
    assert ids(catalog) == [3, 4]
    assert referenced(catalog) <= on_disk(project)
    catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    assert on_disk(project) == referenced(catalog)


@pytest.mark.parametrize(
    "point", ["catalog-sent", pytest.param("catalog-committed", marks=pytest.mark.slow)]
)
def test_a_killed_restore_done_again_is_there_and_deletes_no_file_of_the_history(
    catalog: Catalog, project: Project, point: str
) -> None:
    first = write(catalog, 1, 2)
    second = write(catalog, 3, mode="replace")
    kill(project, point, "restore", first)
    assert ids(catalog) == ([3] if point == "catalog-sent" else [1, 2])
    catalog.restore(NAME, first)
    assert ids(catalog) == [1, 2]
    write(catalog, 5)
    assert (ids(catalog, first), ids(catalog, second)) == ([1, 2], [3])
    assert referenced(catalog) <= on_disk(project)


def test_now(catalog: Catalog) -> None:
    """A time with a zone is the same moment."""
    write(catalog, 1)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert ids(catalog, ahead.isoformat(timespec="seconds")) == [1]


def foreign(catalog: Catalog, path: Path, *names: str, **properties: str) -> None:
    """Tables of another client, all with the same file, which then is in the earlier state alone
    of the first.
    """
    import pyarrow as pa
    from pyarrow import parquet

    iceberg = catalog._store.iceberg
    parquet.write_table(pa.table({"id": pa.array([1, 2], pa.int64())}), path)
    iceberg.create_namespace_if_not_exists("t")
    for name in names:
        schema = pa.schema([("id", pa.int64())])
        made = iceberg.create_table(f"t.{name}", schema, properties=properties)
        made.add_files([str(path)])
    iceberg.load_table("t.a").overwrite(pa.table({"id": pa.array([9], pa.int64())}))


@pytest.mark.parametrize("own", ["", "false"])
def test_an_expiry_deletes_no_file_that_another_client_brought_in(
    catalog: Catalog, project: Project, tmp_path: Path, own: str
) -> None:
    mine = tmp_path / "mine.parquet"
    foreign(catalog, mine, "a", "b", **({"gc.enabled": own} if own else {}))
    before = on_disk(project)
    plan = catalog.expire(NAME, older_than=NOW, keep=1)
    assert ("no file is deleted" if own else "1 files outside of its folder stay") in plan.note
    done = catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    assert done.expires > 0
    assert (done.files, done.note) == (plan.files, plan.note)
    assert mine.exists()
    assert (on_disk(project) == before) == bool(own)
    assert catalog.dataset("t.b").scan().collect()["id"].to_list() == [1, 2]


def test_an_expiry_deletes_no_file_that_another_table_has(catalog: Catalog) -> None:
    write(catalog, 1)
    there = table(catalog)
    catalog._store.iceberg.register_table("t.b", there.metadata_location)
    write(catalog, 2, mode="replace")
    assert catalog.expire(NAME, older_than=NOW, keep=1, preview=False).expires > 0
    assert catalog.dataset("t.b").scan().collect()["id"].to_list() == [1]


@pytest.mark.parametrize("branch", [False, True])
def test_an_expiry_leaves_the_tag_that_another_client_makes_meanwhile(
    catalog: Catalog, meanwhile: Callable[..., None], branch: bool
) -> None:
    first = write(catalog, 1)
    write(catalog, 2)
    write(catalog, 3)
    elsewhere = catalog._store.iceberg.load_table(NAME).manage_snapshots()
    make = elsewhere.create_branch if branch else elsewhere.create_tag
    meanwhile(lambda: make(int(first), "audit").commit())
    assert catalog.expire(NAME, older_than=NOW, keep=1, preview=False).expires == 1
    assert ids(catalog, "audit") == [1]


def test_files_that_cannot_be_deleted_after_an_expiry_are_told_of(
    catalog: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.catalog.care.orphans import Orphans

    write(catalog, 1)
    write(catalog, 2, mode="replace")
    before = on_disk(project)

    def full(*_: object) -> set[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Orphans, "needed", full)
    done = catalog.expire(NAME, older_than=NOW, keep=1, preview=False)
    assert (done.done, done.files) == (True, 0)
    assert "have expired, but" in done.note
    assert "mlinfra catalog clean t.a" in done.note
    assert on_disk(project) == before
