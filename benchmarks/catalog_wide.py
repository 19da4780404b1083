"""What an exact profile of a wide table costs, against DuckDB's SUMMARIZE.

    python benchmarks/catalog_wide.py [--columns 300 1000] [--rows 10000]

CPU seconds of the process, with all threads; each once, since wide tables take long. A profile
reads the table, keeps a sketch of its file and tells every column; SUMMARIZE reads the same file.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from catalog_profile import measured

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project


def rows_of(columns: int, rows: int) -> pl.DataFrame:
    """A table of numbers: of four columns two have many distinct values, two have few."""
    chance = np.random.default_rng(columns)
    return pl.DataFrame(
        {
            f"c{place}": chance.normal(size=rows)
            if place % 2
            else chance.integers(0, 40 if place % 4 else 3000, rows)
            for place in range(columns)
        }
    )


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--rows", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        root = Path(folder)
        (root / "mlinfra.toml").write_text("")
        catalog = Catalog(Project.open(root))
        catalog.write(rows_of(3, 100), into="wide.first")
        catalog.profile("wide.first", tier="exact")  # libraries are loaded
        for columns in options.columns:
            name = f"wide.c{columns}"
            catalog.write(rows_of(columns, options.rows), into=name)
            (file,) = root.glob(f".mlinfra/warehouse/**/c{columns}/**/*.parquet")
            ours, _ = measured(lambda name=name: catalog.profile(name, tier="exact"))
            oracle = duckdb.connect()
            oracle.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{file}')")
            theirs, _ = measured(lambda oracle=oracle: oracle.execute("SUMMARIZE rows").fetchall())
            print(
                f"{columns:6,} columns: profile {ours:8.2f} s CPU,"
                f" SUMMARIZE {theirs:8.2f} s CPU ({ours / theirs:.2f} times)",
                flush=True,
            )


if __name__ == "__main__":
    main()
