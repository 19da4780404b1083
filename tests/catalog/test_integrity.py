"""Data files that are no longer what was written are noticed wherever they are read whole."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Unprocessable


@pytest.fixture
def files(catalog, project):
    """The two data files of a dataset of 2,000 rows."""
    for start in (0, 1000):
        frame = pl.DataFrame(
            {"id": range(start, start + 1000), "word": [f"w{n % 37}" for n in range(1000)]}
        )
        catalog.write(frame, into="t.a")
    found = sorted(project.home.glob("warehouse/**/*.parquet"))
    assert len(found) == 2
    return found


def flip(file: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def test_files_as_they_were_written_pass(catalog, files):
    found = catalog.verify("t.a")
    assert (found.files, found.checked, list(found.damaged), list(found.unchecked), found.note) == (
        2,
        2,
        [],
        [],
        "",
    )
    assert catalog.verify(f"t.a@{catalog.snapshots('t.a').items[1].id}").files == 1
    assert catalog.dataset("t.a").verify() == found


def test_the_checksum_is_that_of_the_file(catalog, files):
    table = catalog._store.load(_name())
    noted = {}
    for snapshot in table.metadata.snapshots:
        noted |= json.loads(snapshot.summary.additional_properties["mlinfra.sha256"])
    assert noted == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_any_flipped_bit_is_found(catalog, files):
    chance = random.Random(7)
    content = files[1].read_bytes()
    for _ in range(60):
        flip(files[1], chance)
        assert [Path(damage.file).name for damage in catalog.verify("t.a").damaged] == [
            files[1].name
        ]
        files[1].write_bytes(content)
    assert not catalog.verify("t.a").damaged


def test_a_profile_of_all_rows_is_refused_over_a_damaged_file(catalog, files):
    flip(files[0], random.Random(3))
    with pytest.raises(
        Unprocessable,
        match=rf"t\.a has a damaged data file.*{files[0].name}.*mlinfra catalog verify t\.a",
    ):
        catalog.profile("t.a", tier="exact")


def test_a_file_that_is_gone_or_cut_is_damaged_and_the_others_are_checked_all_the_same(
    catalog, files
):
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-10])
    found = catalog.verify("t.a")
    assert {Path(damage.file).name for damage in found.damaged} == {file.name for file in files}
    assert found.checked == 2


def test_a_file_of_another_writer_is_named_as_unchecked(catalog, files):
    catalog._store.iceberg.load_table(("t", "a")).append(
        pl.DataFrame({"id": [1], "word": ["x"]}).to_arrow()
    )
    found = catalog.verify("t.a")
    assert (found.files, found.checked, len(found.unchecked)) == (3, 2, 1)
    assert "other writers" in found.note
    assert catalog.profile("t.a", tier="exact").rows == 2001


def _name():
    from jupyter_mlinfra.catalog.names import DatasetName

    return DatasetName.parse("t.a")


def test_a_damaged_file_is_set_aside_and_the_rest_is_read(catalog, project, files, rows):
    whole = files[1].read_bytes()
    before = catalog.dataset("t.a").snapshot
    expected = [row for row in rows("t.a") if row["id"] < 1000]
    other = files[0] if pl.read_parquet(files[0])["id"][0] == 0 else files[1]
    damaged = next(file for file in files if file != other)
    whole = damaged.read_bytes()
    flip(damaged, random.Random(5))
    found = catalog.set_aside("t.a")
    assert [Path(path).name for path in found.set_aside] == [damaged.name]
    assert (found.rows_lost, catalog.dataset("t.a").snapshot) == (1000, found.now)
    assert rows("t.a") == expected
    assert catalog.profile("t.a", tier="exact").rows == 1000
    assert not catalog.verify("t.a").damaged
    kept = project.home / "quarantine" / "files" / "t.a" / damaged.name
    assert kept.read_bytes() == damaged.read_bytes()
    assert catalog.verify(f"t.a@{before}").damaged
    # Nothing comes back before the file is what was written.
    again = catalog.put_back("t.a")
    assert (list(again.put_back), len(again.still_out), again.now) == ([], 1, None)
    damaged.write_bytes(whole)
    back = catalog.put_back("t.a")
    assert ([Path(path).name for path in back.put_back], list(back.still_out)) == (
        [damaged.name],
        [],
    )
    assert sorted(row["id"] for row in rows("t.a")) == list(range(2000))
    assert not kept.exists()
    assert list(catalog.put_back("t.a").put_back) == []
    assert len(rows("t.a")) == 2000


def test_what_was_ingested_counts_as_in_it_after_a_file_is_set_aside(catalog, project, file, rows):
    path = file("a.csv", "id\n1\n")
    catalog.ingest([path], into="t.a")
    catalog.ingest([file("b.csv", "id\n2\n")], into="t.a")
    (second,) = [
        found
        for found in project.home.glob("warehouse/**/*.parquet")
        if pl.read_parquet(found)["id"].to_list() == [2]
    ]
    second.unlink()
    assert catalog.set_aside("t.a").rows_lost == 1
    assert catalog.ingest([path], into="t.a").rows_written == 0
    assert [row["id"] for row in rows("t.a")] == [1]


def test_a_file_whose_commit_was_killed_is_not_told_as_out(catalog, files, monkeypatch):
    flip(files[0], random.Random(7))

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("jupyter_mlinfra.catalog.set_aside.commit", killed)
        with pytest.raises(KeyboardInterrupt):
            catalog.set_aside("t.a")
    assert list(catalog.verified("t.a").still_out) == []


def test_nothing_is_set_aside_where_nothing_is_damaged(catalog, files):
    before = catalog.dataset("t.a").snapshot
    assert list(catalog.set_aside("t.a").set_aside) == []
    assert catalog.dataset("t.a").snapshot == before


@pytest.mark.parametrize("verb", ["compact", "upsert", "widen"])
def test_a_damaged_file_is_named_before_its_rows_are_written_again_with_a_right_checksum(
    catalog: Catalog, files: list[Path], rows: Any, file: Any, verb: str
) -> None:
    """The flipped byte is where no reader minds it, as most are."""
    content = files[0].read_bytes()
    files[0].write_bytes(content.replace(b"cpp-arrow", b"cpp-arrov"))
    assert files[0].read_bytes() != content
    first = pl.read_parquet(files[0])["id"][0]
    before, state = rows("t.a"), catalog.dataset("t.a").snapshot

    def changed() -> None:
        if verb == "compact":
            catalog.compact("t.a")
        elif verb == "upsert":
            new = pl.DataFrame({"id": [first], "word": ["new"]})
            catalog.write(new, into="t.a", mode="upsert", key="id")
        else:
            catalog.ingest([file("wide.csv", "id,word\n0.5,new\n")], into="t.a")

    with pytest.raises(Unprocessable, match=rf"damaged data file.*{files[0].name}.*--quarantine"):
        changed()
    assert (rows("t.a"), catalog.dataset("t.a").snapshot) == (before, state)
    assert [Path(item.file) for item in catalog.verify("t.a").damaged] == [files[0]]
    catalog.set_aside("t.a")
    if verb == "compact":  # one file is left
        catalog.write(pl.DataFrame({"id": [5], "word": ["x"]}), into="t.a")
    changed()
    assert not catalog.verify("t.a").damaged


@pytest.mark.parametrize("place", [5, -6])
def test_whoever_reads_a_file_that_cannot_be_unpacked_is_told_how_to_read_the_rest(
    catalog: Catalog, files: list[Path], rows: Any, place: int
) -> None:
    """A flipped byte in the head of a page, and in the length of the footer."""
    first = catalog.preview("t.a").data[0][0]
    damaged = next(file for file in files if pl.read_parquet(file)["id"][0] == first)
    data = bytearray(damaged.read_bytes())
    data[place] ^= 0x41
    damaged.write_bytes(data)
    new = pl.DataFrame({"id": [1, 1001], "word": ["new", "new"]})
    earlier = catalog.snapshots("t.a").items[1].id
    for verb in (
        lambda: catalog.preview("t.a"),
        lambda: catalog.sql("SELECT sum(id), max(word) FROM t.a"),
        lambda: catalog.diff("t.a", earlier, key="id"),
        lambda: catalog.write(new, into="t.a", mode="upsert", key="id"),
        lambda: catalog.compact("t.a"),
    ):
        with pytest.raises(Unprocessable, match=r"damaged.*catalog verify (t\.a|\S+) --quarantine"):
            verb()
    assert catalog.set_aside("t.a").rows_lost == 1000
    assert catalog.preview("t.a").shown == 100
    assert catalog.compact("t.a").done is False
