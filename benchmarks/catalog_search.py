"""What it costs to find a column among many tables: the first index, a look whether anything has
changed, a search, a page of the list; and a search through the feature store.

    python benchmarks/catalog_search.py [--tables 10000] [--columns 20] [--rounds 50]

The tables have no rows; names of columns, owners and tags are drawn by chance, so that words are
found from twice to tens of thousands of times. Wall and CPU of the process in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from many_tables import OWNERS, Made, make_tables

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features.definitions import Column, Definition, Registered
from jupyter_mlinfra.features.repo import registry_file
from jupyter_mlinfra.features.store import FeatureFiles
from jupyter_mlinfra.workbench import Workbench

FEATURES = 10_000


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of wall and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def show(name: str, times: Sequence[tuple[float, float]]) -> None:
    """Print median, 95 % and maximum."""
    walls, cpus = sorted(wall for wall, _ in times), [cpu for _, cpu in times]
    high = walls[min(len(walls) - 1, int(0.95 * len(walls)))]
    print(
        f"{name:44s} p50 {statistics.median(walls):8.2f} ms   p95 {high:8.2f}   most"
        f" {walls[-1]:8.2f}   CPU p50 {statistics.median(cpus):8.2f}"
    )


def words_of(made: Sequence[Made], rounds: int) -> list[str]:
    """Names of columns, and beginnings of them, of random tables."""
    draw = random.Random(7)
    names = [draw.choice(draw.choice(made).columns) for _ in range(rounds)]
    return [
        name if place % 2 else name[: max(3, len(name) - 2)] for place, name in enumerate(names)
    ]


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        (Path(folder) / "mlinfra.toml").write_text("")
        project = Project.open(Path(folder))
        made = make_tables(project, asked.tables, columns=asked.columns)
        words = words_of(made, asked.rounds)
        bench = Workbench(project)
        catalog = bench.catalog

        def search(text: str, **facets: Sequence[str]) -> None:
            catalog.search(text, limit=20, **facets)

        def change(place: int) -> None:
            catalog.tag(made[place].name, add=[f"new{place}"])
            search(f"new{place}")

        print(f"{asked.tables:,} tables of {asked.columns} columns")
        show("the first search, which makes the index", [timed(lambda: search("amount"))])
        again = Workbench(project).catalog
        show("the first search of another process", [timed(lambda: again.search("amount"))])
        rounds = range(asked.rounds)
        index = project.index
        show(
            "is anything new, unchanged",
            [timed(lambda: index.follow("catalog", catalog)) for _ in rounds],
        )
        show(
            "search for a column, with facets",
            [timed(lambda text=text: search(text)) for text in words],
        )
        show(
            "the same of one owner",
            [timed(lambda text=text: search(text, owner=[OWNERS[0]])) for text in words],
        )
        show("the most frequent word (_id)", [timed(lambda: search("_id")) for _ in rounds])
        show("a word of two letters", [timed(lambda: search("id")) for _ in rounds[:10]])
        show(
            "a tag set, and the search that finds it",
            [timed(lambda place=place: change(place)) for place in rounds[:20]],
        )
        show(
            "first page of the list",
            [timed(lambda: catalog.list(limit=50)) for _ in rounds],
        )
        show(
            "a page in the middle",
            [
                timed(lambda place=place: catalog.list(limit=50, cursor=str(place * 97)))
                for place in rounds
            ],
        )
        show("namespaces", [timed(lambda: catalog.namespaces(limit=500)) for _ in rounds])
        features(bench, words)


def features(bench: Workbench, words: Sequence[str]) -> None:
    """The same for features, in views of 20."""
    draw = random.Random(3)
    store = bench.features
    views = [
        Definition(
            name=f"view{number:04d}",
            kind="batch",
            entities=["user"],
            keys=[],
            features=[
                Column(
                    name=f"{draw.choice(words)}_{place}",
                    type="INT64",
                    description="",
                    tags={"team": draw.choice(OWNERS)},
                )
                for place in range(20)
            ],
            ttl_seconds=None,
            source=None,
            online=True,
            owner=draw.choice(OWNERS),
            tags={"stage": "gold"},
            description="",
            digest=f"{number:016x}",
            materialized_until=None,
        )
        for number in range(FEATURES // 20)
    ]
    registry = registry_file(bench.project)
    assert registry is not None
    registry.parent.mkdir(parents=True, exist_ok=True)
    registry.touch()
    files = FeatureFiles(bench.project)
    found = Registered(views={view.name: view for view in views})
    files.save(found, files.current_mark())
    print(f"{FEATURES:,} features")
    show("the first search, which makes the index", [timed(lambda: store.search("amount"))])
    show(
        "search for a feature",
        [timed(lambda text=text: store.search(text, limit=20)) for text in words],
    )
    show(
        "the same with a tag",
        [timed(lambda text=text: store.search(text, tag=[OWNERS[0]], limit=20)) for text in words],
    )
    show("list of a tag", [timed(lambda: store.list(tag=[OWNERS[0]])) for _ in words])


if __name__ == "__main__":
    main()
