"""The offline store against Feast's DuckDB and Dask stores: CPU seconds and peak memory of one
historical retrieval through Feast's API.

    python benchmarks/features.py [--rows 2000000] [--entities 100000] [--keys 100000] [--ttl-days
    7] [--rounds 5] [--stores duckdb polars …] [--json]

Dask is Feast's default; the rows that it leaves out are counted. Feast's DuckDB store needs the
extra `benchmarks` (ibis), which nothing else here does. Every run is a process of its own; the
stores take turns within a round, so a busy moment of the machine hits both. The answers are
compared row by row. Memory is the growth of the peak over what the process held before the query,
when Feast, the engines and the entity rows were loaded already (Linux).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SPAN_DAYS = 60
FEATURES = ["f0", "f1", "f2", "f3", "f4", "count", "word"]
OURS = "jupyter_mlinfra.features.PolarsOfflineStore"
STORES: dict[str, dict[str, Any]] = {
    "duckdb": {"type": "duckdb"},
    "dask": {"type": "dask"},
    "polars": {"type": OURS},
    "polars asof": {"type": OURS, "strategy": "asof"},
    "polars hash": {"type": OURS, "strategy": "hash"},
}


def generate(folder: Path, rows: int, entities: int, keys: int) -> None:
    """A view in time order with created times up to ten minutes later, and entity rows of which one
    key in ten is unknown.
    """
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(0)

    def times(count: int) -> Any:
        return np.datetime64("2026-01-01", "us") + rng.integers(
            0, SPAN_DAYS * 86_400, count
        ).astype("timedelta64[s]")

    at = np.sort(times(rows))
    columns = {f"f{number}": rng.standard_normal(rows) for number in range(5)}
    view = pl.DataFrame(
        {
            "key": rng.integers(0, keys, rows),
            "at": at,
            "made": at + rng.integers(1, 600, rows).astype("timedelta64[s]"),
            **columns,
        }
    )
    view = view.with_columns(
        pl.col("at", "made").dt.replace_time_zone("UTC"),
        count=rng.integers(0, 1000, rows),
        word=pl.Series(rng.integers(0, 50, rows)).cast(pl.String),
    )
    # two rows of one key at one moment have no one right answer unless their created times differ
    view.unique(["key", "at", "made"], keep="first", maintain_order=True).write_parquet(
        folder / "view.parquet", row_group_size=100_000
    )
    entity_rows = pl.DataFrame(
        {
            "key": rng.integers(0, int(keys * 1.1), entities),
            "event_timestamp": times(entities),
            "label": np.arange(entities),
        }
    )
    entity_rows.with_columns(pl.col("event_timestamp").dt.replace_time_zone("UTC")).write_parquet(
        folder / "entities.parquet"
    )


def retrieve(folder: Path, store: str, ttl_days: int) -> dict[str, float]:
    """One retrieval in this process; the answer is left in `<store>.parquet`."""
    import pandas as pd
    import polars as pl
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.data_format import ParquetFormat
    from feast.types import Float64, Int64, String

    types = {"count": Int64, "word": String}
    key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    source = FileSource(
        path=str(folder / "view.parquet"),
        timestamp_field="at",
        created_timestamp_column="made",
        file_format=ParquetFormat(),
    )
    schema = [Field(name=name, dtype=types.get(name, Float64)) for name in FEATURES]
    view = FeatureView(
        name="view", entities=[key], ttl=timedelta(days=ttl_days), schema=schema, source=source
    )
    with tempfile.TemporaryDirectory() as home:
        online = {"type": "sqlite", "path": f"{home}/online.db"}
        config = RepoConfig(
            project="bench",
            provider="local",
            registry=f"{home}/registry.db",
            online_store=online,
            offline_store=STORES[store],
        )
        feast = FeatureStore(config=config)
        feast.apply([key, view])
        entities = pd.read_parquet(folder / "entities.parquet")
        few = entities.head(10)
        feast.get_historical_features(
            entity_df=few, features=["view:f0"]
        ).to_arrow()  # loads what is loaded lazily
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before, cpu, wall = status("VmRSS"), time.process_time(), time.monotonic()
        table = feast.get_historical_features(
            entity_df=entities, features=[f"view:{name}" for name in FEATURES]
        ).to_arrow()
        figures = {"cpu_s": time.process_time() - cpu, "wall_s": time.monotonic() - wall}
        figures |= {
            "memory_mb": (status("VmHWM") - before) / 1024,
            "peak_mb": status("VmHWM") / 1024,
        }
    frame = pl.DataFrame(pl.from_arrow(table))
    figures["in_order"] = float(frame["label"].to_list() == list(range(frame.height)))
    frame.sort("label").select("label", *FEATURES).write_parquet(folder / f"{store}.parquet")
    return figures


def status(key: str) -> int:
    """A figure of this process, in KiB; Linux only."""
    return int(
        next(
            line
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith(key)
        ).split()[1]
    )


def run(
    rows: int, entities: int, keys: int, ttl_days: int, rounds: int, stores: list[str]
) -> dict[str, Any]:
    """Medians of every store, whether its answer equals DuckDB's, how many entity rows it left out,
    and the ratio to DuckDB. A store that ended without an answer (for want of memory) is left out,
    and told on standard error.
    """
    import polars as pl

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, rows, entities, keys)
        taken: dict[str, list[dict[str, float]]] = {store: [] for store in stores}
        for _ in range(rounds):
            for store in stores:
                command = [
                    sys.executable,
                    __file__,
                    "--one",
                    store,
                    "--folder",
                    name,
                    "--ttl-days",
                    str(ttl_days),
                ]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    end = (done.stderr.splitlines() or ["without a word"])[-1]
                    print(f"{store} ended with {done.returncode}: {end}", file=sys.stderr)
                else:
                    taken[store].append(json.loads(done.stdout.splitlines()[-1]))
        taken = {store: items for store, items in taken.items() if items}
        answers = {store: pl.read_parquet(folder / f"{store}.parquet") for store in taken}
    medians = {
        store: {key: statistics.median(item[key] for item in items) for key in items[0]}
        for store, items in taken.items()
    }
    return {
        store: (
            figures
            | {
                "equal": answers[store].equals(answers["duckdb"]),
                "missing": entities - answers[store].height,
                "found": int(answers[store]["f0"].is_not_null().sum()),
            }
            | {
                f"{key} / duckdb": figures[key] / medians["duckdb"][key]
                for key in ("cpu_s", "memory_mb")
            }
        )
        for store, figures in medians.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--ttl-days", type=int, default=7, help="0: values never expire")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=STORES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(retrieve(options.folder, options.one, options.ttl_days)))
        return
    stores = list(dict.fromkeys(["duckdb", *options.stores]))
    result = run(
        options.rows, options.entities, options.keys, options.ttl_days, options.rounds, stores
    )
    if options.json:
        print(json.dumps(result))
        return
    print(
        f"view {options.rows:,} rows, {options.keys:,} keys; {options.entities:,} entity rows; ttl"
        f" {options.ttl_days or 'none'} d; median of {options.rounds}"
    )
    print(
        f"{'store':<12} {'CPU s':>7} {'MB':>7} {'CPU ratio':>10} {'MB ratio':>9}  equal  order kept"
        f" {'rows missing':>13}"
    )
    for store, figures in result.items():
        ratios = f"{figures['cpu_s / duckdb']:>10.2f} {figures['memory_mb / duckdb']:>9.2f}"
        print(
            f"{store:<12} {figures['cpu_s']:>7.2f} {figures['memory_mb']:>7.0f} {ratios} "
            f" {figures['equal']!s:<5}  {bool(figures['in_order'])!s:<10} {figures['missing']:>12,}"
        )


if __name__ == "__main__":
    main()
