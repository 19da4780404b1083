"""Sketches of data files: what many files together tell is what one pass over all rows would."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from time import process_time
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.looking.describing import QUANTILES, profiles_of
from jupyter_mlinfra.catalog.looking.distinct import Distinct, hashes_of, merged
from jupyter_mlinfra.catalog.looking.merging import merge
from jupyter_mlinfra.catalog.looking.sketch import Sketch
from jupyter_mlinfra.catalog.looking.sketches import sketched
from jupyter_mlinfra.catalog.spec import ColumnProfile
from jupyter_mlinfra.core.project import Project

VALUES: dict[str, tuple[pl.DataType, st.SearchStrategy[Any]]] = {
    "few": (pl.Int32(), st.integers(0, 9)),
    "whole": (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    "number": (pl.Float64(), st.floats(width=64)),
    "word": (pl.String(), st.text(max_size=3)),
    "day": (pl.Date(), st.dates()),
    "at": (pl.Datetime("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    "clock": (pl.Time(), st.times()),
    "price": (pl.Decimal(9, 2), st.decimals(-999999, 999999, places=2)),
    "flag": (pl.Boolean(), st.booleans()),
    "blob": (pl.Binary(), st.binary(max_size=3)),
    "list": (pl.List(pl.Int64()), st.lists(st.integers(0, 3), max_size=2)),
}


def of(frame: pl.DataFrame, sizes: Sequence[int] = (), *, seed: int = 1, **options: Any) -> Sketch:
    """The sketch of a frame that comes in blocks of these sizes, the last of what is left."""

    def blocks(names: Sequence[str]) -> Iterator[pl.DataFrame]:
        start = 0
        for size in (*sizes, max(0, frame.height - sum(sizes))):
            yield frame.select(names).slice(start, size)
            start += size

    return sketched(blocks, frame.schema, rows=frame.height, seed=seed, **options)


def told(sketch: Sketch) -> dict[str, ColumnProfile]:
    return profiles_of(sketch, dict.fromkeys(sketch.columns, ""))


def same(one: ColumnProfile, other: ColumnProfile) -> None:
    """Equal, but for the last digits of mean and std."""
    for key in ("nulls", "distinct", "min", "max", "quantiles", "top", "shape", "basis"):
        assert repr(getattr(one, key)) == repr(getattr(other, key)), key
    for key in ("mean", "std"):
        a, b = getattr(one, key), getattr(other, key)
        assert (a is None) == (b is None)
        if a is not None and math.isfinite(a):
            assert a == pytest.approx(b, rel=1e-6, abs=1e-9), key


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    height = draw(st.integers(0, 30))
    return pl.DataFrame(
        {
            name: pl.Series(
                draw(st.lists(st.none() | values, min_size=height, max_size=height)), dtype=dtype
            )
            for name, (dtype, values) in VALUES.items()
        }
    )


@given(tables(), st.data())
def test_files_together_tell_what_one_file_of_all_rows_does(
    frame: pl.DataFrame, data: st.DataObject
) -> None:
    """However the rows are split into files, and each file into blocks."""
    whole = told(of(frame))
    ends = sorted(data.draw(st.lists(st.integers(0, frame.height), max_size=4)))
    parts = [
        frame.slice(start, end - start)
        for start, end in zip([0, *ends], [*ends, frame.height], strict=True)
    ]
    sketches = [of(part, [part.height // 2], seed=place) for place, part in enumerate(parts)]
    together = told(merge(sketches, frame.schema, rows=frame.height))
    for name, column in whole.items():
        same(column, together[name])


@pytest.mark.parametrize("kept", [1, 5])
def test_columns_of_many_distinct_values_merge_like_those_that_are_counted(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, moments, bounds and nulls stay exact whatever is counted; the sample has all rows."""
    monkeypatch.setattr("jupyter_mlinfra.catalog.looking.sketches.limits", lambda _: (kept, 65_536))
    monkeypatch.setattr("jupyter_mlinfra.catalog.looking.merging.limits", lambda _: (kept, 65_536))
    monkeypatch.setattr("jupyter_mlinfra.catalog.looking.merging._COUNTED", kept)
    chance = random.Random(4)
    frame = pl.DataFrame(
        {
            "number": [
                chance.choice([None, math.nan, math.inf, chance.gauss(1, 2)]) for _ in range(900)
            ],
            "whole": [chance.randrange(40) for _ in range(900)],
            "word": [chance.choice("abcdefgh") for _ in range(900)],
        }
    )
    sketches = [of(frame.slice(start, 300), [50, 100], seed=start) for start in (0, 300, 600)]
    found = told(merge(sketches, frame.schema, rows=900))
    monkeypatch.undo()
    exact = told(of(frame))
    for name in frame.columns:
        for key in ("nulls", "min", "max", "quantiles"):
            assert repr(getattr(found[name], key)) == repr(getattr(exact[name], key)), (name, key)
        assert found[name].basis["distinct"] == "approximate"
        for key in ("mean", "std"):
            assert getattr(found[name], key) == pytest.approx(getattr(exact[name], key))


def test_the_distinct_values_of_many_are_within_the_error_that_is_told() -> None:
    """4 standard errors, over 200 sets of values; no set is off on one side only."""
    off = []
    for seed in range(200):
        count = 20_000 + 137 * seed
        values = pl.Series(np.random.default_rng(seed).integers(0, 2**62, count))
        found = merged([Distinct(hashes_of(part)) for part in (values[::2], values[1::2])], 1024)
        error = found.error()
        assert error == pytest.approx(1 / 32, rel=0.01)
        off.append((found.count() / values.n_unique() - 1) / error)
    assert max(map(abs, off)) < 4
    assert abs(np.mean(off)) < 4 / math.sqrt(200)
    assert 0.8 < np.std(off) < 1.2


def test_few_distinct_values_of_equal_numbers_are_counted_once() -> None:
    assert len(set(hashes_of(pl.Series([0.0, -0.0])).tolist())) == 1
    for narrow, wide in ((pl.Int32, pl.Int64), (pl.Float32, pl.Float64)):
        values = pl.Series([1, 2, 70_000])
        assert (hashes_of(values.cast(narrow)) == hashes_of(values.cast(wide))).all()


def test_a_sample_of_files_is_a_uniform_sample_of_all_rows() -> None:
    """χ² over the rows of files of unequal size; each row is drawn at most once."""
    sizes, drawn, rounds = (20, 300, 680), np.zeros(1000), 200
    frame = pl.DataFrame({"row": range(1000)})
    for seed in range(rounds):
        parts = []
        start = 0
        for size in sizes:
            part = frame.slice(start, size)
            parts.append(of(part, [size // 3], seed=1000 * seed + start, sample_rows=100))
            start += size
        rows = merge_small(parts, frame, 100)
        assert rows.n_unique() == len(rows) == 100
        drawn[rows.to_numpy()] += 1
    expected = rounds * 100 / 1000
    # Each row is drawn with probability 0.1; 999 degrees of freedom, 5 standard deviations.
    squares = ((drawn - expected) ** 2 / (expected * 0.9)).sum()
    assert abs(squares - 999) < 5 * math.sqrt(2 * 999)


def merge_small(parts: Sequence[Sketch], frame: pl.DataFrame, size: int) -> pl.Series:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jupyter_mlinfra.catalog.looking.merging.limits", lambda _: (8192, size))
        return merge(parts, frame.schema, rows=frame.height).sample["row"]


@pytest.fixture(scope="module")
def many() -> pl.DataFrame:
    """More rows, and more distinct values, than a sketch keeps."""
    chance = np.random.default_rng(11)
    rows = 150_000
    number = chance.lognormal(2, 1, rows)
    number[::17] = np.nan
    number[5::5000] = np.inf
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "number": number,
            "few": chance.integers(-5, 60, rows),
            "price": pl.Series(chance.integers(0, 90_000, rows)).cast(pl.Decimal(12, 2)) / 100,
            "word": pl.Series(chance.integers(0, 30_000, rows)).cast(pl.String),
            "day": pl.Series(chance.integers(0, 9000, rows)).cast(pl.Date),
            "at": pl.Series(chance.integers(0, 10**15, rows)).cast(pl.Datetime("us", "UTC")),
            "flag": chance.random(rows) < 0.3,
            "list": pl.Series([[1], None] * (rows // 2)),
        }
    ).with_columns(
        pl.when(pl.col("id") % 9 == 0).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("number", "few", "price", "word", "day", "at", "flag")
    )


FLAT = ("id", "number", "few", "price", "word", "day", "at", "flag")


def test_a_profile_of_all_rows_equals_duckdb(
    catalog: Catalog, project: Project, many: pl.DataFrame
) -> None:
    """Every figure, within what its basis and error say; and after an append one file is read."""
    for part in many.iter_slices(60_000):
        catalog.write(part, into="t.many")
    found = catalog.profile("t.many", tier="exact")
    assert (found.rows, found.files_read) == (many.height, 3)
    with duckdb.connect() as oracle:
        oracle.register("many", many.to_arrow())
        for name in FLAT:
            _equals_duckdb(found.columns[name], oracle, name, many)
    assert found.columns["list"].nulls == many.height // 2
    catalog.write(many.head(100), into="t.many")
    again = catalog.profile("t.many", tier="exact")
    assert (again.rows, again.files_read) == (many.height + 100, 1)
    assert again.columns["id"].max == many.height - 1


def _equals_duckdb(
    column: ColumnProfile, oracle: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame
) -> None:
    def ask(what: str) -> Any:
        return oracle.sql(f'SELECT {what} FROM (SELECT "{name}" AS v FROM many)').fetchall()[0][0]

    exact = ask("count(DISTINCT v)")
    assert column.nulls == ask("count(*) - count(v)")
    assert column.basis["nulls"] == "exact"
    if column.basis["distinct"] == "exact":
        assert column.distinct == exact
    else:
        assert column.distinct == pytest.approx(exact, rel=4 * column.errors["distinct"])
    if name not in ("flag",):
        known = "v" if name != "number" else "CASE WHEN isnan(v) THEN NULL ELSE v END"
        assert column.min == _plain(ask(f"min({known})"))
        assert column.max == _plain(ask(f"max({known})"))
    if frame.schema[name].is_numeric():
        finite = "v::DOUBLE" if name != "number" else "CASE WHEN isfinite(v) THEN v END"
        assert column.mean == pytest.approx(ask(f"avg({finite})"))
        assert column.std == pytest.approx(ask(f"stddev_samp({finite})"))
        _quantiles_equal(column, frame[name])
    total = sum(bar.count for bar in column.shape.bars) if column.shape else 0
    if column.shape:
        present = ask("count(v)") if name != "number" else ask("count(*) FILTER (isfinite(v))")
        whole = total + column.shape.below + column.shape.above
        assert whole == pytest.approx(present, rel=0 if column.basis["shape"] == "exact" else 0.02)


def _quantiles_equal(column: ColumnProfile, values: pl.Series) -> None:
    """The rank of each is that of its share, within the error that is told: in 95 of 100 samples,
    so that half as much again is allowed here.
    """
    known = values.drop_nulls().cast(pl.Float64).drop_nans().sort().to_numpy()
    error = 1.5 * column.errors.get("quantiles", 0.0)
    assert (error > 0) == (column.basis["quantiles"] == "sample")
    for share in QUANTILES:
        value = float(column.quantiles[f"{share:g}"])
        low, high = (np.searchsorted(known, value, side=side) for side in ("left", "right"))
        assert low / len(known) - error <= share <= high / len(known) + error


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) or value in (math.inf,) else value


def change(catalog: Catalog, edit: Any) -> None:
    with catalog._store.iceberg.load_table("t.t").update_schema() as update:
        edit(update)


def test_columns_that_were_renamed_dropped_and_widened_need_no_file_read_again(
    catalog: Catalog,
) -> None:
    from pyiceberg.types import DoubleType, LongType

    frame = pl.DataFrame(
        {
            "a": pl.Series([1, 2, 2], dtype=pl.Int32),
            "b": ["x", None, "y"],
            "c": pl.Series([0.5, 1.5, None], dtype=pl.Float32),
        }
    )
    first = catalog.write(frame, into="t.t").snapshot
    assert catalog.profile("t.t", tier="exact").files_read == 1
    change(catalog, lambda update: update.rename_column("a", "n"))
    change(catalog, lambda update: update.delete_column("b"))
    change(catalog, lambda update: update.update_column("n", LongType()))
    change(catalog, lambda update: update.update_column("c", DoubleType()))
    change(catalog, lambda update: update.add_column("b", LongType()))
    found = catalog.profile("t.t", tier="exact")
    assert found.files_read == 0
    assert list(found.columns) == ["n", "c", "b"]
    assert (found.columns["n"].distinct, list(found.columns["n"].top)) == (2, [(2, 2), (1, 1)])
    assert (found.columns["b"].nulls, found.columns["b"].distinct) == (3, 0)
    catalog.write(pl.DataFrame({"n": [2**40], "c": [0.1], "b": [7]}), into="t.t")
    later = catalog.profile("t.t", tier="exact")
    assert (later.files_read, later.columns["n"].max, later.columns["n"].distinct) == (1, 2**40, 3)
    assert (later.columns["b"].nulls, later.columns["c"].max) == (3, 1.5)
    old = catalog.profile(f"t.t@{first}", tier="exact")
    assert (old.files_read, old.columns["b"].nulls, old.columns["b"].distinct) == (0, 1, 2)


def test_rows_that_were_deleted_elsewhere_are_in_no_figure(catalog: Catalog) -> None:
    """Files that list deleted rows, as other clients write them."""
    catalog.write(pl.DataFrame({"id": range(1000), "word": ["x", "y"] * 500}), into="t.t")
    assert catalog.profile("t.t", tier="exact").columns["id"].max == 999
    delete_rows(catalog, range(500, 1000))
    assert catalog.dataset("t.t").scan().collect().height == 500
    found = catalog.profile("t.t", tier="exact")
    assert (found.rows, found.files_read) == (500, 1)
    assert (found.columns["id"].max, found.columns["id"].distinct) == (499, 500)
    assert [count for _, count in found.columns["word"].top] == [250, 250]
    footer = catalog.profile("t.t", tier="footer").columns["id"]
    assert (footer.max, footer.basis["max"]) == (999, "approximate")


def test_a_damaged_sketch_is_made_again(catalog: Catalog, project: Project) -> None:
    frame = pl.DataFrame({"id": range(100), "x": np.random.default_rng(0).normal(size=100)})
    catalog.write(frame, into="t.t")
    first = catalog.profile("t.t", tier="exact")
    (kept,) = project.home.glob("sketches/*/*.arrow")
    whole = kept.read_bytes()
    for content in (b"", whole[:100], whole[:-40], b"x" * len(whole)):
        kept.write_bytes(content)
        for path in project.home.glob("profiles/**/*.json"):
            path.unlink()
        again = catalog.profile("t.t", tier="exact")
        assert (again.files_read, again.columns) == (1, first.columns)
        assert kept.read_bytes() == whole


def test_after_an_append_the_files_before_are_one_sketch(
    catalog: Catalog, project: Project
) -> None:
    draw = np.random.default_rng(1)

    def rows(count: int) -> pl.DataFrame:
        return pl.DataFrame(
            {"few": draw.integers(0, 9, count), "many": draw.normal(size=count)}
        ).with_columns(word=pl.col("many").cast(pl.String), day=pl.lit(date(2026, 1, 1)))

    parts = [rows(1_000) for _ in range(9)]
    for part in parts[:8]:
        catalog.write(part, into="shop.t")
    assert catalog.profile("shop.t", tier="exact").files_read == 8
    files = list((project.home / "sketches").rglob("*.arrow"))
    assert len(files) == 9
    for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)[:-1]:
        path.write_bytes(b"damaged")
    catalog.write(parts[8], into="shop.t")
    found = catalog.profile("shop.t", tier="exact")
    assert found.files_read == 1
    whole = told(merge([of(part) for part in parts], parts[0].schema, rows=9_000))
    assert found.rows == 9_000
    for name, column in found.columns.items():
        same(replace(column, type=""), whole[name])
    # fewer files than are in it, and columns that it does not have
    newest, *_, first = catalog.snapshots("shop.t").items
    catalog.restore("shop.t", first.id)
    found = catalog.profile("shop.t", tier="exact")
    assert (found.rows, found.files_read) == (1_000, 1)
    catalog.restore("shop.t", newest.id)
    catalog.write(rows(1_000).with_columns(new=pl.lit(1)), into="shop.t")
    found = catalog.profile("shop.t", tier="exact")
    assert (found.rows, found.columns["new"].nulls) == (10_000, 9_000)


def test_a_profile_that_was_stopped_goes_on_with_the_files_that_are_left(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.catalog.looking import snapshot

    for start in range(3):
        catalog.write(pl.DataFrame({"id": range(start, start + 5)}), into="t.t")
    real, reads = snapshot.sketched, []

    def stopped(*given: Any, **options: Any) -> Sketch:
        reads.append(1)
        if len(reads) == 3:
            raise KeyboardInterrupt
        return real(*given, **options)

    monkeypatch.setattr(snapshot, "sketched", stopped)
    with pytest.raises(KeyboardInterrupt):
        catalog.profile("t.t", tier="exact")
    assert catalog.profile("t.t", tier="exact").files_read == 1


def delete_rows(catalog: Catalog, positions: Sequence[int]) -> None:
    """List rows of the only data file of t.t as deleted, in a file as other clients write it."""
    import pyarrow as pa
    from pyarrow import parquet
    from pyiceberg.manifest import (
        DataFile,
        DataFileContent,
        FileFormat,
        ManifestContent,
        ManifestWriterV2,
    )
    from pyiceberg.typedef import Record

    table = catalog._store.iceberg.load_table("t.t")
    (task,) = table.scan().plan_files()
    path = f"{table.location()}/data/deletes.parquet"
    rows = pa.table(
        {
            "file_path": [task.file.file_path] * len(positions),
            "pos": pa.array(positions, pa.int64()),
        }
    )
    with table.io.new_output(path).create() as stream:
        parquet.write_table(rows, stream)
    file = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=len(positions),
        file_size_in_bytes=len(table.io.new_input(path)),
        sort_order_id=None,
        spec_id=0,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ManifestWriterV2, "content", lambda _: ManifestContent.DELETES)
        with table.transaction() as change, change.update_snapshot().fast_append() as append:
            append.append_data_file(file)


def test_a_profile_costs_in_proportion_to_the_columns() -> None:
    """Eight times the columns cost about eight times the CPU; other programs may disturb a run."""

    def cost(columns: int) -> float:
        frame = pl.DataFrame(np.random.default_rng(columns).normal(size=(300, columns)))
        begin = process_time()
        found = told(merge([of(frame)], frame.schema, rows=300))
        spent = process_time() - begin
        assert [found[name].distinct for name in frame.columns] == [300] * columns
        return spent

    cost(30)
    assert any(cost(1600) < 16 * cost(200) for _ in range(3))
