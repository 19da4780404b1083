"""What a filter, a sort, a group and a page deep in a sorted table cost.

    python benchmarks/catalog_grid.py [--rows 10000000] [--rounds 3]

The table of catalog_profile.py: 20 columns. Each round begins with nothing kept. Beside it stands
DuckDB on the same Parquet files: the whole answer for a group, else the first page of the same
query and the number of its rows. CPU seconds of the process with all threads, and wall seconds; the
median of the rounds.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
from catalog_profile import measured, rows_of

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.grid.spec import Aggregate, Filter, GridQuery, Group, Sort
from jupyter_mlinfra.core.project import Project

_BLOCK = 1_000_000
_TABLE = "bench.rows"

_FILTERS = (
    Filter(column="delay", op=">", value=1300),
    Filter(column="state", op="=", value="open"),
)
_WHERE = "delay > 1300 AND state = 'open'"
_SORT = (Sort(column="normal_0", descending=True),)
_GROUP = Group(by=("place",), aggregates=(Aggregate(column="cents", function="mean"),))

Figures = dict[str, list[tuple[float, float]]]


def asked(catalog: Catalog, rows: int) -> Mapping[str, Callable[[], object]]:
    """The blocks of a grid, in the order in which a user would see them."""
    filtered, ordered = GridQuery(filters=_FILTERS), GridQuery(sort=_SORT)
    deep = rows * 9 // 10

    def block(query: GridQuery, start: int) -> Callable[[], object]:
        return lambda: catalog.grid(_TABLE, query, start=start, count=500)

    return {
        "rows as they are, first page": block(GridQuery(), 0),
        "rows as they are, at 90 %": block(GridQuery(), deep),
        "filter by two columns, first page": block(filtered, 0),
        "filter, at row 100,000 of the answer": block(filtered, 100_000),
        "sort, first page": block(ordered, 0),
        "sort, next page": block(ordered, 500),
        "sort, at 90 %": block(ordered, deep),
        "sort, the page after": block(ordered, deep + 500),
        "filter and group": block(GridQuery(filters=_FILTERS, group=_GROUP), 0),
        "shape of a column": lambda: catalog.grid_shape(_TABLE, filtered, "normal_1"),
    }


def peers(files: str, rows: int) -> Mapping[str, Callable[[], object]]:
    """The same by DuckDB."""
    connection = duckdb.connect()
    table = "read_parquet($files)"
    page = f"SELECT * FROM {table} ORDER BY normal_0 DESC NULLS LAST LIMIT 500"
    texts = {
        "DuckDB: filter": f"SELECT *, count(*) OVER () FROM {table} WHERE {_WHERE} LIMIT 500",
        "DuckDB: sort, first page": page,
        "DuckDB: sort, at 90 %": f"{page} OFFSET {rows * 9 // 10}",
        "DuckDB: filter and group": f"SELECT place, count(*), avg(cents) FROM {table}"
        f" WHERE {_WHERE} GROUP BY ALL ORDER BY 1",
    }

    def run(text: str) -> Callable[[], object]:
        return lambda: connection.execute(text, {"files": files}).fetchall()

    return {name: run(text) for name, text in texts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mlinfra.toml").write_text('[project]\nname = "bench"\n')
        catalog = Catalog(Project(root))
        for start in range(0, options.rows, _BLOCK):
            catalog.write(rows_of(start, min(_BLOCK, options.rows - start)), into=_TABLE)
        figures: Figures = {}
        for _ in range(options.rounds):
            shutil.rmtree(root / ".mlinfra" / "grid", ignore_errors=True)
            fresh = Catalog(Project(root))
            fresh.grid(_TABLE, GridQuery())
            own = asked(fresh, options.rows)
            others = peers(f"{root}/.mlinfra/warehouse/**/*.parquet", options.rows)
            for name, action in {**own, **others}.items():
                figures.setdefault(name, []).append(measured(action))
    for name, taken in figures.items():
        cpu, wall = (statistics.median(item[place] for item in taken) for place in (0, 1))
        print(f"{name:40} {cpu:7.2f} CPU s {wall:7.2f} s")


if __name__ == "__main__":
    main()
