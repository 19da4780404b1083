"""Online look-ups against Feast's own SDK: CPU and wall time of one call for many entities.

    python benchmarks/features_online.py [--keys 20000] [--entities 100] [--calls 200] [--rounds 5]
    [--stores sqlite redis postgres] [--once] [--json]

`redis` and `postgres` start a server of their own. Four callers: ours by feature (`online_batch`),
ours by entity (`online`), Feast's `get_online_features(...).to_dict()`, and the same of a feature
service with `precompute_online`, which Feast fills on Redis only. Each run is a process of its own;
they take turns within a round, so a busy moment of the machine hits all. What is timed comes after
a few calls that load what is loaded lazily. The answers are compared value by value.

Keys are drawn at random, so some come again; ours reads those of SQLite once until the file
changes. `--once` asks for each key once, so that nothing is known before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FEATURES = ["f0", "f1", "f2", "count", "word"]
STORES = ("sqlite", "redis", "postgres")
CALLERS = ("batch", "rows", "sdk", "precomputed")
WARM_CALLS = 20
DEFINITIONS = """
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
view = FeatureView(
    name="view",
    entities=[key],
    schema=[
        *(Field(name=name, dtype=Float64) for name in ("f0", "f1", "f2")),
        Field(name="count", dtype=Int64),
        Field(name="word", dtype=String),
    ],
    source=FileSource(path="view.parquet", timestamp_field="at"),
)
service = FeatureService(name="service", features=[view], precompute_online=PRECOMPUTE)
"""


def make(root: Path, store: dict[str, Any], keys: int) -> None:
    """A project with one view of five features, applied and materialized."""
    import numpy as np
    import polars as pl

    from jupyter_mlinfra.core.project import Project
    from jupyter_mlinfra.features import Features

    repo = root / "feature_repo"
    repo.mkdir(parents=True)
    (root / "mlinfra.toml").write_text('[project]\nname = "bench"\n')
    (repo / "feature_store.yaml").write_text(json.dumps({"online_store": store}))
    redis = store["type"] == "redis"
    (repo / "views.py").write_text(DEFINITIONS.replace("PRECOMPUTE", str(redis)))
    rng = np.random.default_rng(0)
    columns = {f"f{number}": rng.standard_normal(keys) for number in range(3)}
    frame = pl.DataFrame({"key": np.arange(keys), **columns, "count": rng.integers(0, 1000, keys)})
    frame.with_columns(
        word=pl.Series(rng.integers(0, 5000, keys)).cast(pl.String),
        at=pl.datetime(2026, 1, 1, time_zone="UTC")
        + pl.duration(seconds=pl.Series(rng.integers(0, 86_400, keys))),
    ).write_parquet(repo / "view.parquet")
    features = Features(Project.open(root))
    features.apply()
    features.materialize()


def caller(root: Path, name: str) -> Callable[[list[dict[str, int]]], list[list[Any]]]:
    """A function from entities to rows of values."""
    from jupyter_mlinfra.core.project import Project
    from jupyter_mlinfra.features import Features

    features = Features(Project.open(root))
    refs = [f"view:{feature}" for feature in FEATURES]
    if name == "rows":
        return lambda entities: [
            list(row.values.values()) for row in features.online(refs, entities)
        ]
    if name == "batch":
        return lambda entities: list(
            map(list, zip(*features.online_batch(refs, entities).values.values(), strict=True))
        )
    feast = features.feast()
    asked: Any = refs if name == "sdk" else feast.get_feature_service("service")

    def rows(entities: list[dict[str, int]]) -> list[list[Any]]:
        # Its vectors are found under full names alone.
        found = feast.get_online_features(asked, entities, full_feature_names=True).to_dict()
        values = [found[f"view__{feature}"] for feature in FEATURES]
        return list(map(list, zip(*values, strict=True)))

    return rows


def questions(keys: int, entities: int, calls: int, *, once: bool) -> list[list[dict[str, int]]]:
    """Entities of each call; one of eleven keys is unknown."""
    pick, most = random.Random(0), int(keys * 1.1)
    if once:
        order = pick.sample(range(most), entities * calls)
    else:
        order = [pick.randrange(most) for _ in range(entities * calls)]
    return [
        [{"key": key} for key in order[start : start + entities]]
        for start in range(0, len(order), entities)
    ]


def measure(
    root: Path, name: str, keys: int, entities: int, calls: int, *, once: bool
) -> dict[str, Any]:
    """Milliseconds of a call in this process, and the answers of the first."""
    ask = caller(root, name)
    asked = questions(keys, entities, calls + WARM_CALLS, once=once)
    if name == "precomputed":  # an unknown key is an error there
        asked = [[{"key": item["key"] % keys} for item in part] for part in asked]
    answers = [ask(part) for part in asked[:WARM_CALLS]]
    walls = []
    cpu = time.process_time()
    for part in asked[WARM_CALLS:]:
        begun = time.perf_counter()
        ask(part)
        walls.append(1000 * (time.perf_counter() - begun))
    return {
        "cpu_ms": 1000 * (time.process_time() - cpu) / calls,
        "p50_ms": statistics.median(walls),
        "p99_ms": sorted(walls)[int(0.99 * len(walls))],
        "answers": answers[0],
    }


@contextlib.contextmanager
def started(store: str) -> Iterator[dict[str, Any]]:
    """The settings of an online store that runs."""
    if store == "sqlite":
        yield {"type": "sqlite", "path": "online.db"}
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.support import servers

    if store == "redis":
        with servers.redis() as server:
            yield {"type": "redis", "connection_string": server.address}
        return
    with servers.postgres() as server:
        who = {"user": "postgres", "password": "secret", "database": "postgres"}
        where = {"host": "127.0.0.1", "port": server.port, "sslmode": "disable"}
        yield {"type": "postgres", **who, **where}


def run(store: str, options: argparse.Namespace) -> dict[str, Any]:
    """Medians of every caller, whether its answers are the SDK's, and the ratio of its CPU."""
    callers = CALLERS if store == "redis" else CALLERS[:3]
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in callers}
    with tempfile.TemporaryDirectory() as folder, started(store) as settings:
        root = Path(folder) / "bench"
        make(root, settings, options.keys)
        for _ in range(options.rounds):
            for name in callers:
                command = [sys.executable, __file__, "--one", name, "--root", str(root)]
                sizes = {"keys": options.keys, "entities": options.entities, "calls": options.calls}
                for key, value in sizes.items():
                    command += [f"--{key}", str(value)]
                if options.once:
                    command.append("--once")
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                taken[name].append(json.loads(done.stdout.splitlines()[-1]))
    right = taken["sdk"][0]["answers"]
    figures = {}
    for name, items in taken.items():
        medians = {
            key: statistics.median(item[key] for item in items)
            for key in ("cpu_ms", "p50_ms", "p99_ms")
        }
        equal = None if name == "precomputed" else items[0]["answers"] == right
        figures[name] = medians | {"equal": equal}
    for name in figures:
        figures[name]["cpu / sdk"] = figures[name]["cpu_ms"] / figures["sdk"]["cpu_ms"]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--entities", type=int, default=100)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stores", nargs="+", default=["sqlite"], choices=STORES)
    parser.add_argument("--once", action="store_true", help="no key is asked for twice")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=CALLERS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        sizes = options.keys, options.entities, options.calls
        print(json.dumps(measure(options.root, options.one, *sizes, once=options.once)))
        return
    result = {store: run(store, options) for store in options.stores}
    if options.json:
        print(json.dumps(result))
        return
    print(
        f"{options.entities} entities × {len(FEATURES)} features of {options.keys:,} keys; median"
        f" of {options.rounds} rounds of {options.calls} calls"
    )
    print(f"{'store':<8}{'caller':<13}{'CPU ms':>8}{'p50 ms':>8}{'p99 ms':>8}{'ratio':>8}  equal")
    for store, callers in result.items():
        for name, figures in callers.items():
            times = "".join(f"{figures[key]:>8.2f}" for key in ("cpu_ms", "p50_ms", "p99_ms"))
            print(f"{store:<8}{name:<13}{times}{figures['cpu / sdk']:>8.2f}  {figures['equal']}")


if __name__ == "__main__":
    main()
