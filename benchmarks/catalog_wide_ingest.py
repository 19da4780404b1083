"""What an ingest of a wide CSV costs, against Polars and pyiceberg by hand.

    python benchmarks/catalog_wide_ingest.py [--columns 100 1000] [--cells 2000000] [--rounds 3]

A fifth of the columns are whole numbers, fractions, words of many and of few values, and days each.
CPU of the process, median of the rounds; both take turns within each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import polars as pl
from catalog import by_hand, cpu
from pyiceberg.catalog.sql import SqlCatalog

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project


def write_wide(path: Path, columns: int, rows: int) -> None:
    """A CSV of `columns` columns and `rows` rows, the same in every run."""
    chance = np.random.default_rng(7)
    frame = {}
    for number in range(columns):
        whole = chance.integers(0, 100_000, rows)
        values = [
            pl.Series(whole),
            pl.Series(whole / 1000 + 0.0001),
            "w" + pl.Series(whole).cast(pl.String),
            pl.Series(np.array(["AA", "UA", "DL", "WN"])[whole % 4]),
            pl.Series(whole % 20_000, dtype=pl.Int32).cast(pl.Date),
        ][number % 5]
        frame[f"c{number}"] = values
    pl.DataFrame(frame).write_csv(path)


def main() -> None:
    """Print a line for each number of columns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--cells", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        root = Path(folder)
        (root / "mlinfra.toml").write_text("")
        catalog = Catalog(Project.open(root))
        peer = SqlCatalog("peer", uri=f"sqlite:///{root}/peer.db", warehouse=f"file://{root}/peer")
        peer.create_namespace("by_hand")
        write_wide(warm := root / "warm.csv", 5, 100)
        catalog.ingest([warm], into="bench.warm")
        by_hand(peer, warm, "warm")
        for columns in given.columns:
            write_wide(file := root / f"{columns}.csv", columns, given.cells // columns)
            ours: list[float] = []
            others: list[float] = []
            for turn in range(given.rounds):
                table = f"t{columns}_{turn}"
                into = f"bench.{table}"
                ours.append(cpu(lambda file=file, to=into: catalog.ingest([file], into=to)))
                others.append(cpu(lambda file=file, table=table: by_hand(peer, file, table)))
            own, other = statistics.median(ours), statistics.median(others)
            print(
                f"{columns:6d} columns: ingest {own:8.1f} ms CPU ({min(ours):.1f} to"
                f" {max(ours):.1f}), by hand {other:8.1f} ms ({min(others):.1f} to"
                f" {max(others):.1f}), {own / other:.2f} times"
            )


if __name__ == "__main__":
    main()
