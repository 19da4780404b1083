"""Profiles: every number right, and labelled with what it was reckoned from. DuckDB is the
oracle.
"""

from __future__ import annotations

import json
import statistics
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import duckdb
import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.looking.profile import sample_of
from jupyter_mlinfra.catalog.settings import CatalogSettings
from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json

ROWS = 5000


@pytest.fixture
def frame():
    chance = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "id": range(ROWS),
            "month": chance.integers(1, 13, ROWS),
            "x": chance.normal(size=ROWS),
            "word": np.array(["UA", "AA", "B6", "a word of more than sixteen letters"])[
                chance.choice(4, ROWS, p=[0.5, 0.3, 0.15, 0.05])
            ],
            "flag": chance.random(ROWS) < 0.25,
            "day": [
                date(2013, 1, 1) + timedelta(days=int(number))
                for number in chance.integers(0, 365, ROWS)
            ],
            "at": [
                datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=int(number))
                for number in chance.integers(0, 8760, ROWS)
            ],
        }
    ).with_columns(
        pl.when(pl.col("id") % 10 == 0).then(None).otherwise(pl.col("x")).alias("x"),
        pl.when(pl.col("id") % 7 == 0).then(None).otherwise(pl.col("word")).alias("word"),
    )


@pytest.fixture
def profiled(catalog, frame):
    for start in (0, 2000, 4000):
        catalog.write(frame.slice(start, 2000), into="t.p")
    return {
        tier: catalog.profile("t.p", tier=tier).columns for tier in ("footer", "sample", "exact")
    }


def _oracle(frame, name, what):
    duckdb.register("frame", frame.to_arrow())
    value = duckdb.sql(f'SELECT {what} FROM (SELECT "{name}" AS v FROM frame)').fetchall()[0][0]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("name", ["id", "month", "x", "word", "flag", "day", "at"])
def test_the_exact_tier_equals_duckdb(frame, profiled, name):
    column = profiled["exact"][name]
    assert column.nulls == _oracle(frame, name, "count(*) - count(v)")
    assert column.distinct == _oracle(frame, name, "count(DISTINCT v)")
    if name != "flag":
        assert (column.min, column.max) == (
            _oracle(frame, name, "min(v)"),
            _oracle(frame, name, "max(v)"),
        )
    if name in ("id", "month", "x"):
        assert column.mean == pytest.approx(_oracle(frame, name, "avg(v)"))
        assert column.std == pytest.approx(_oracle(frame, name, "stddev_samp(v)"))
    if name not in ("word", "flag"):
        for share, value in column.quantiles.items():
            assert value == _oracle(frame, name, f"quantile_disc(v, {share})"), share
    top = duckdb.sql(
        f'SELECT "{name}", count(*) FROM frame WHERE "{name}" IS NOT NULL GROUP BY 1'
        " ORDER BY 2 DESC, 1 LIMIT 20"
    ).fetchall()
    assert [count for _, count in column.top] == [count for _, count in top]
    shape = column.shape
    assert sum(bar.count for bar in shape.bars) + shape.below + shape.above == _oracle(
        frame, name, "count(v)"
    )
    assert set(column.basis.values()) == {"exact"}
    assert (column.sample, dict(column.errors)) == (None, {})


def test_few_values_have_a_bar_each_and_many_words_the_most_frequent(frame, profiled):
    exact = profiled["exact"]
    assert exact["month"].shape.kind == "values"
    assert [(bar.low, bar.count) for bar in exact["month"].shape.bars] == [
        (month, _oracle(frame, "month", f"count(*) FILTER (v = {month})")) for month in range(1, 13)
    ]
    words = dict(
        duckdb.sql("SELECT word, count(*) FROM frame WHERE word IS NOT NULL GROUP BY 1").fetchall()
    )
    shape = exact["word"].shape
    assert shape.kind == "words"
    assert [bar.count for bar in shape.bars] == sorted(words.values(), reverse=True)
    assert exact["word"].top[0] == ("UA", words["UA"])
    assert [bar.label for bar in exact["flag"].shape.bars] == ["False", "True"]


def test_a_table_smaller_than_the_sample_is_read_whole_and_says_so(catalog, profiled):
    assert profiled["sample"] == profiled["exact"]
    assert catalog.profile("t.p", tier="sample").tier == "exact"


def test_the_footer_tier_tells_what_files_know_and_nothing_else(frame, profiled):
    for name, column in profiled["footer"].items():
        assert column.nulls == _oracle(frame, name, "count(*) - count(v)")
        assert column.basis["nulls"] == "exact"
        assert (column.distinct, column.mean, list(column.top), column.shape) == (
            None,
            None,
            [],
            None,
        )
        assert set(column.basis) <= {"nulls", "min", "max"}
        if name not in ("word", "flag"):
            assert (column.min, column.max) == (
                _oracle(frame, name, "min(v)"),
                _oracle(frame, name, "max(v)"),
            )
            assert column.basis["min"] == "exact"
    assert profiled["footer"]["word"].basis["max"] == "approximate"  # writers may cut long words


@pytest.mark.parametrize("blocks", [False, True])
def test_a_sample_is_labelled_and_near_and_the_same_again(
    project, frame, tmp_path, monkeypatch, blocks
):
    if blocks:
        monkeypatch.setattr("jupyter_mlinfra.catalog.looking.profile._CHEAP_FACTOR", 1)
    catalog = Catalog(
        Project(
            project.root,
            project.settings.changed(CatalogSettings(sample_rows=1000)),
        )
    )
    catalog.write(frame, into="t.p")
    profile = catalog.profile("t.p", tier="sample")
    found = profile.columns
    assert (profile.tier, profile.rows) == ("sample", ROWS)
    size = found["x"].sample
    assert 850 <= size <= 1150
    bases = [found[name].basis for name in ("x", "word", "month")]
    assert [bases[0]["mean"], bases[1]["top"], bases[2]["distinct"]] == ["sample"] * 3
    assert abs(found["x"].mean - frame["x"].mean()) < 5 / np.sqrt(size * 0.9)
    assert abs(found["id"].mean - ROWS / 2) < 5 * ROWS / np.sqrt(12 * size)
    # Counts are estimated for all rows.
    united = frame["word"].eq("UA").sum()
    assert found["word"].top[0][1] == pytest.approx(united, abs=5 * ROWS * 0.5 / np.sqrt(size))
    # The files know better than a sample.
    assert (found["id"].min, found["id"].max, found["id"].basis["max"]) == (0, ROWS - 1, "exact")
    assert (found["x"].nulls, found["x"].basis["nulls"]) == (ROWS // 10, "exact")
    for path in project.home.glob("profiles/**/*.json"):
        path.unlink()
    again = catalog.profile("t.p", tier="sample")
    assert again.columns == found


def test_a_profile_is_reckoned_once_for_a_snapshot(catalog, project, frame, monkeypatch):
    catalog.write(frame, into="t.p")
    first = catalog.profile("t.p", tier="exact")
    assert (first.tier, first.files_read) == ("exact", 1)
    monkeypatch.setattr(
        "jupyter_mlinfra.catalog.looking.profile.Profiler._computed",
        lambda *_: pytest.fail("reckoned again"),
    )
    for tier in ("exact", "sample"):  # what is known of all rows is better than a sample
        again = Catalog(project).profile("t.p", tier=tier)
        assert to_json(again) == to_json(first) | {"files_read": 0}
    monkeypatch.undo()
    catalog.write(frame, into="t.p")
    assert catalog.profile("t.p", tier="exact").rows == 2 * ROWS
    assert catalog.profile(f"t.p@{first.snapshot}", tier="exact").rows == ROWS


def test_a_sample_of_a_table_that_is_known_but_for_a_few_rows_is_exact(project, frame):
    catalog = Catalog(
        Project(project.root, project.settings.changed(CatalogSettings(sample_rows=1000)))
    )
    catalog.write(frame, into="t.p")
    assert catalog.profile("t.p").tier == "sample"
    catalog.profile("t.p", tier="exact")
    catalog.write(frame.head(900), into="t.p")
    found = catalog.profile("t.p")
    assert (found.tier, found.files_read, found.rows) == ("exact", 1, ROWS + 900)
    assert found.columns["month"].basis["top"] == "exact"


def test_a_damaged_kept_profile_is_reckoned_again(catalog, project, frame):
    catalog.write(frame, into="t.p")
    first = catalog.profile("t.p", tier="footer")
    kept = next(iter(project.home.glob("profiles/**/*.json")))
    for content in (
        b"",
        b"{",
        b'{"columns": 3}',
        b'{"columns": [], "rows": {"value": 3}}',
        json.dumps({**json.loads(kept.read_bytes()), "surprise": 1}).encode(),
    ):
        kept.write_bytes(content)
        assert to_json(catalog.profile("t.p", tier="footer").columns) == to_json(first.columns)


def test_odd_columns_have_profiles_too(catalog):
    frame = pl.DataFrame(
        {
            "nothing": pl.Series([None] * 4, dtype=pl.Float64),
            "same": [3, 3, 3, 3],
            "nan": [1.0, float("nan"), float("inf"), 2.0],
            "list": [[1], None, [2], [3]],
            "blob": [b"a", b"a", None, b"b"],
            "huge": [0, 2**62, -(2**62), 1],
            "empty": ["", "", "x", None],
        }
    )
    catalog.write(frame, into="t.odd")
    for tier in ("footer", "sample", "exact"):
        profile = catalog.profile("t.odd", tier=tier)
        json.dumps(to_json(profile), allow_nan=False)
        found = profile.columns
        assert (found["nothing"].nulls, found["nothing"].min) == (4, None)
    assert ([bar.count for bar in found["same"].shape.bars], found["same"].distinct) == ([4], 1)
    nan = found["nan"]
    assert (nan.mean, nan.max, sum(bar.count for bar in nan.shape.bars)) == (1.5, "inf", 2)
    assert (found["list"].nulls, found["list"].distinct) == (1, None)
    assert (found["blob"].distinct, sum(bar.count for bar in found["huge"].shape.bars)) == (2, 4)


def test_a_column_that_came_later_counts_as_missing_before(catalog):
    catalog.write(pl.DataFrame({"n": [1, 2, 3]}), into="t.a")
    catalog.write(pl.DataFrame({"n": [4], "late": [7]}), into="t.a")
    for tier in ("footer", "sample", "exact"):
        late = catalog.profile("t.a", tier=tier).columns["late"]
        assert (late.nulls, late.min, late.max) == (3, 7, 7)


def _foreign(project, name, frame, properties):
    """A table that another client made, with its own rules for statistics."""
    from pyiceberg.catalog.sql import SqlCatalog

    from jupyter_mlinfra.catalog.stores.opening import CATALOG

    other = SqlCatalog(
        CATALOG,
        uri=f"sqlite:///{project.home}/catalog.db",
        warehouse=str(project.home / "warehouse"),
    )
    other.create_namespace_if_not_exists("t")
    rows = frame.to_arrow()
    table = other.create_table(name, rows.schema, properties=properties)
    table.append(rows)
    return table


def test_what_no_file_counted_is_unknown_and_not_missing(catalog, project):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.first")
    frame = pl.DataFrame(
        {
            "n": [1, None, 3, 4],
            "list": [[1], None, [2], [3]],
            "pair": [{"a": 1}, {"a": None}, None, {"a": 2}],
        }
    )
    table = _foreign(project, "t.plain", frame, {"write.metadata.metrics.default": "none"})
    catalog.write(frame, into="t.own")
    for name, known in (("t.plain", None), ("t.own", 1)):
        footer = catalog.profile(name, tier="footer").columns
        assert footer["n"].nulls == known
        assert (footer["list"].nulls, footer["pair"].nulls) == (None, None)
        exact = catalog.profile(name, tier="exact").columns
        assert [exact[column].nulls for column in frame.columns] == [1] * 3
    with table.update_schema() as update:
        update.add_column("late", update._schema.find_field("n").field_type)
    # No file can hold it.
    assert catalog.profile("t.plain", tier="footer").columns["late"].nulls == 4


def test_a_sample_takes_no_count_for_lists_from_the_files(catalog, project):
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "p"\n[catalog]\nsample_rows = 1000\n'
    )
    project = Project.open(project.root)
    Catalog(project).write(pl.DataFrame({"list": [[1], None] * 1500}), into="t.lists")
    column = Catalog(project).profile("t.lists").columns["list"]
    assert (column.basis["nulls"], abs(column.nulls - 1500) < 300) == ("sample", True)


def test_a_wide_table_is_profiled_in_one_walk_through_its_files(catalog, monkeypatch):
    from pyiceberg.table import Table

    catalog.write(pl.DataFrame({f"c{index}": [index, None] for index in range(50)}), into="t.wide")
    walks, scan = [], Table.scan
    monkeypatch.setattr(
        Table, "scan", lambda *given, **options: (walks.append(1), scan(*given, **options))[1]
    )
    found = catalog.profile("t.wide")
    assert [column.distinct for column in found.columns.values()] == [1] * 50
    assert len(walks) < 10


@pytest.mark.parametrize("rows", [3, 30_000])
@pytest.mark.parametrize("first", [2**53, 2**62, -(2**63), 1_767_225_600_123_456_789])
def test_whole_numbers_that_no_float_tells_apart_have_an_exact_mean_and_deviation(
    catalog, first, rows
):
    """Few are counted, many are not; in two files."""
    numbers = [first + 2 * (place % 7) + place // 7 for place in range(rows)]
    for part in (numbers[: rows // 2], numbers[rows // 2 :]):
        catalog.write(pl.DataFrame({"n": part}), into="p.large")
    column = catalog.profile("p.large", tier="exact").columns["n"]
    assert column.basis["std"] == "exact"
    assert column.std == pytest.approx(statistics.stdev(numbers), rel=1e-9)
    assert column.mean == float(Fraction(sum(numbers), rows))


def test_numbers_whose_sum_is_no_float_have_a_mean(catalog):
    catalog.write(pl.DataFrame({"x": [1e308, 1e308, -1e308]}), into="p.huge")
    column = catalog.profile("p.huge", tier="exact").columns["x"]
    assert column.mean == pytest.approx(1e308 / 3)
    assert column.std is None  # the squares are larger than any float


def test_an_empty_dataset_and_an_unknown_tier(catalog):
    catalog.write(pl.DataFrame({"n": []}, schema={"n": pl.Int64}), into="t.empty")
    for tier in ("footer", "sample", "exact"):
        profile = catalog.profile("t.empty", tier=tier)
        column = profile.columns["n"]
        assert (profile.rows, column.nulls, column.mean) == (0, 0, None)
    with pytest.raises(BadRequest, match="footer, sample, exact"):
        catalog.profile("t.empty", tier="deep")


def test_a_sample_of_fewer_rows_than_it_may_have_is_all_of_them() -> None:
    """As where rows of the files are deleted."""
    rows = pl.DataFrame({"n": [1, 2, 3]})
    assert sample_of(rows.lazy(), 3, 10, seed=0).equals(rows)
