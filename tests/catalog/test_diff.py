"""What differs between two snapshots, against DuckDB (`EXCEPT ALL`) and a plain loop over keys, on
a random history of appends, upserts, deletes, rewritten files and changed columns.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import duckdb
import polars as pl
import pytest
from pyiceberg.types import StringType

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.time.columns import Pair, schema_diff
from jupyter_mlinfra.core.errors import BadRequest, NotFound

NAME = "t.a"
Row = tuple[Any, ...]


def some(random: random.Random, ids: list[int], **more: list[Any]) -> pl.DataFrame:
    """Rows with these ids and odd values: nulls, NaN, texts that look equal."""
    return pl.DataFrame(
        {
            "id": pl.Series(ids, dtype=pl.Int64),
            "word": [random.choice(["", "a", "A", None, "a "]) for _ in ids],
            "number": [random.choice([0.0, 1.5, float("nan"), None]) for _ in ids],
            "list": [random.choice([[1], [1, 2], [], None]) for _ in ids],
            **more,
        },
        schema_overrides={"list": pl.List(pl.Int64)},
    )


def grow(catalog: Catalog, seed: int) -> list[str]:
    """Eleven snapshots, oldest first."""
    chance = random.Random(seed)
    catalog.write(some(chance, [*range(100)]), into=NAME)
    catalog.write(some(chance, [*range(100, 150)]), into=NAME)
    catalog.write(some(chance, chance.sample(range(200), 40)), into=NAME, mode="upsert", key="id")
    table = catalog._store.load(catalog.own(NAME))
    table.delete("id < 20")  # rewrites a file
    catalog.write(
        some(chance, [*range(300, 320)], extra=[None] * 20).cast({"extra": pl.Int32}), into=NAME
    )
    catalog.write(
        some(chance, [5, 110, 301], extra=[1, 2, 3]).cast({"extra": pl.Int32}),
        into=NAME,
        mode="upsert",
        key="id",
    )
    with (table := catalog._store.load(catalog.own(NAME))).update_schema() as update:
        update.rename_column("word", "text")
        update.delete_column("number")
    wider = some(chance, [400, 401]).rename({"word": "text"}).drop("number")
    catalog.write(wider.with_columns(extra=pl.lit(2**40)), into=NAME)  # i32 → i64, in place
    table.refresh()
    everything = pl.scan_iceberg(table).collect()
    table.overwrite(everything.to_arrow().cast(table.schema().as_arrow()))  # the same rows
    catalog.write(wider.with_columns(id=pl.lit(400), extra=pl.lit(1)), into=NAME)  # the key again
    now = catalog.dataset(NAME).scan().with_columns(pl.col("extra").cast(pl.Float64))
    catalog.write(now.filter(pl.col("id") != 120), into=NAME, mode="replace")  # i64 → f64, by name
    return [item.id for item in catalog.snapshots(NAME).items][::-1]


def frame(catalog: Catalog, snapshot: str) -> pl.DataFrame:
    return catalog.dataset(NAME).scan(snapshot=snapshot).collect()


def aligned(before: pl.DataFrame, after: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both in the later columns; `text` was `word`, and `extra` was of three types."""
    names = {"word": "text"} if "text" in after.columns else {"text": "word"}
    before = before.rename(names, strict=False)
    missing = [name for name in after.columns if name not in before.columns]
    before = before.with_columns(pl.lit(None).alias(name) for name in missing)
    types = after.schema | ({"extra": pl.Float64} if "extra" in after.columns else {})
    return before.select(pl.col(name).cast(types[name]) for name in after.columns), after.cast(
        types
    )


def by_rows(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int]:
    """DuckDB's answer: rows that only the later, and only the earlier state has."""
    with duckdb.connect() as connection:
        connection.register("b", before.to_arrow())
        connection.register("a", after.to_arrow())

        def only(one: str, other: str) -> int:
            query = f"SELECT count(*) FROM (FROM {one} EXCEPT ALL FROM {other})"
            (count,) = connection.execute(query).fetchall()[0]
            return int(count)

        return only("a", "b"), only("b", "a")


def by_key(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int, int]:
    """By a loop: equal rows cancel out; then a key that both have left is a change."""

    def counted(rows: pl.DataFrame) -> dict[int, Counter[str]]:
        found = dict[int, Counter[str]]()
        for row in rows.to_dicts():
            values = [(0.0 if value == 0 else value) for value in row.values()]
            found.setdefault(row["id"], Counter())[repr(values)] += 1
        return found

    added = removed = changed = 0
    old, new = counted(before), counted(after)
    for key in old.keys() | new.keys():
        gone = (old.get(key, Counter()) - new.get(key, Counter())).total()
        come = (new.get(key, Counter()) - old.get(key, Counter())).total()
        both = min(gone, come)
        added, removed, changed = added + come - both, removed + gone - both, changed + both
    return added, removed, changed


def test_counts_are_those_of_duckdb_and_of_a_plain_loop_for_any_two_states(
    catalog: Catalog,
) -> None:
    snapshots = grow(catalog, seed=7)
    frames = {snapshot: frame(catalog, snapshot) for snapshot in snapshots}
    assert len(snapshots) >= 10
    pairs = random.Random(1).sample([(a, b) for a in snapshots for b in snapshots], 20)
    told = Counter[str]()
    for a, b in pairs:
        before, after = aligned(frames[a], frames[b])
        found = catalog.diff(NAME, a, b)
        assert (found.added, found.removed) == by_rows(before, after), (a, b)
        assert found.changed is None
        keyed = catalog.diff(NAME, a, b, key="id")
        assert (keyed.added, keyed.removed, keyed.changed) == by_key(before, after), (a, b)
        told.update(added=keyed.added, removed=keyed.removed, changed=keyed.changed or 0)
    assert min(told.values()) > 50  # all three kinds were met


def test_a_compaction_is_no_difference_and_an_append_reads_only_its_file(catalog: Catalog) -> None:
    chance = random.Random(1)
    for start in (0, 10, 20):
        catalog.write(some(chance, [*range(start, start + 10)]), into=NAME)
    snapshots = [item.id for item in catalog.snapshots(NAME).items][::-1]
    appended = catalog.diff(NAME, snapshots[1], snapshots[2])
    assert (appended.added, appended.removed, appended.files_read) == (10, 0, 1)
    table = catalog._store.load(catalog.own(NAME))
    table.overwrite(pl.scan_iceberg(table).collect().to_arrow().cast(table.schema().as_arrow()))
    compacted = catalog.diff(NAME, snapshots[2])
    assert (compacted.added, compacted.removed, compacted.files_read) == (0, 0, 4)
    same = catalog.diff(NAME, snapshots[0], snapshots[0])
    assert (same.added, same.removed, same.files_read) == (0, 0, 0)


def test_its_examples_are_in_the_order_of_the_key(catalog: Catalog) -> None:
    rows = pl.DataFrame({"id": [*range(40)], "shop": ["b", "a"] * 20, "x": [0] * 40})
    catalog.write(rows, into=NAME)
    catalog.write(rows.with_columns(x=1), into=NAME, mode="replace")
    before, after = (item.id for item in catalog.snapshots(NAME).items[::-1])
    for key in (["id"], ["shop", "id"]):
        changed = catalog.diff(NAME, before, after, key=key).examples.changed
        found = pl.DataFrame(dict(zip(changed.columns, changed.data, strict=True)))
        assert found.height == 5
        assert found.rows() == found.sort(key).rows()


def test_it_tells_columns_statistics_and_rows(catalog: Catalog) -> None:
    catalog.write(pl.DataFrame({"id": [1, 2, 3], "x": [1, 2, 3]}), into=NAME)
    table = catalog._store.load(catalog.own(NAME))
    with table.update_schema() as update:
        update.rename_column("x", "y")
    rows = pl.DataFrame({"id": [2, 4], "y": [20, None], "z": ["a", "b"]})
    catalog.write(rows, into=NAME, mode="upsert", key="id")
    first = catalog.snapshots(NAME).items[-1].id
    found = catalog.dataset(NAME).diff(first, key="id")
    assert (found.added, found.removed, found.changed) == (1, 0, 1)
    assert found.schema.renamed == {"x": "y"}
    assert found.schema.added == {"z": "str"}
    assert not found.schema.removed
    assert not found.schema.retyped
    assert found.statistics["y"]["max"] == (3, 20)
    assert found.statistics["y"]["nulls"] == (0, 1)
    assert found.statistics["id"]["max"] == (3, 4)
    assert found.examples.added.columns == ["id", "y", "z"]
    assert found.examples.added.data == [[4], [None], ["b"]]
    assert found.examples.changed.data == [[2], [20], ["a"]]
    assert found.examples.changed.before == [[2], [2], [None]]
    assert found.examples.removed.data == [[], [], []]
    back = catalog.diff(NAME, catalog.snapshots(NAME).items[0].id, first, key="id")
    assert (back.added, back.removed, back.changed) == (0, 1, 1)
    assert back.schema.removed == {"z": "str"}
    with pytest.raises(BadRequest, match="no column 'z' for the key in both"):
        catalog.diff(NAME, first, key="z")
    with pytest.raises(NotFound, match="no snapshot 12"):
        catalog.diff(NAME, 12)


def test_it_tells_only_the_columns_whose_figures_differ(catalog: Catalog) -> None:
    """The sums of large values in another order leave other last digits of a mean near zero."""
    rows = pl.DataFrame({"id": range(6), "x": [1e9, 0.1, -1e9, 0.3, 7e8, -7e8], "n": [1] * 6})
    empty = rows.with_columns(hole=pl.lit(float("nan")))
    catalog.write(empty, into=NAME)
    catalog.write(empty.reverse(), into=NAME, mode="replace")
    first = catalog.snapshots(NAME).items[-1].id
    same = catalog.diff(NAME, first, key="id")
    assert (same.changed, same.statistics, same.alike) == (0, {}, 4)
    more = empty.with_columns(n=pl.when(pl.col("id") == 3).then(2).otherwise("n"))
    catalog.write(more, into=NAME, mode="upsert", key="id")
    found = catalog.diff(NAME, first, key="id")
    assert found.statistics == {"n": {"distinct": (1, 2), "max": (1, 2), "mean": (1, 7 / 6)}}
    assert found.alike == 3


def test_a_column_that_took_another_s_name_is_a_new_one(catalog: Catalog) -> None:
    catalog.write(pl.DataFrame({"id": [1, 2], "v": [1.5, 2.5]}), into=NAME)
    first = catalog.snapshots(NAME).items[0].id
    table = catalog._store.load(catalog.own(NAME))
    with table.update_schema() as update:
        update.delete_column("v")
    with table.update_schema() as update:
        update.add_column("v", StringType())
    catalog.write(pl.DataFrame({"id": [3], "v": ["a"]}), into=NAME)
    schema = catalog.diff(NAME, first, key="id").schema
    assert (schema.removed, schema.added, schema.retyped) == ({"v": "f64"}, {"v": "str"}, {})


def test_masked_columns_show_no_value(catalog: Catalog) -> None:
    catalog.write(pl.DataFrame({"id": [1], "mail": ["ana@example.org"]}), into=NAME)
    first = catalog.snapshots(NAME).items[0].id
    rows = pl.DataFrame({"id": [1, 2], "mail": ["bob@example.org", "eve@example.org"]})
    catalog.write(rows, into=NAME, mode="upsert", key="id")
    catalog.tag(f"column:{NAME}.mail", add=["pii"])
    found = catalog.diff(NAME, first, key="id")
    assert (found.added, found.changed) == (1, 1)
    assert "example.org" not in repr(found)
    assert "•" in repr(found.examples)
    revealed = catalog.diff(NAME, first, key="id", reveal=True)
    assert revealed.examples.added.data == [[2], ["eve@example.org"]]
    assert revealed.statistics["mail"]["max"] == ("ana@example.org", "eve@example.org")
    assert catalog.audit(NAME).items[0].columns == ["mail"]


def test_a_comparison_of_many_columns_looks_at_each_a_few_times() -> None:
    looks = 0

    class Name(str):
        __slots__ = ()

        def __hash__(self) -> int:
            nonlocal looks
            looks += 1
            return super().__hash__()

    names = [Name(f"c{number}") for number in range(200)]
    types = dict.fromkeys(names, "i64")
    pairs = [Pair(name, name, pl.Int64()) for name in names[1:]]
    found = schema_diff(dict.fromkeys(names[1:], "i64"), types, pairs)
    assert (found.added, found.removed) == ({"c0": found.added[names[0]]}, {})
    assert looks < 20 * len(names)
