"""A target gets the new rows of a source once each, whatever is written into it while a batch is
waiting or at work.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.batch.growth import OvertakenError, new_rows
from jupyter_mlinfra.deployments.batch.job import BatchJob
from jupyter_mlinfra.deployments.batch.spec import BatchTask
from jupyter_mlinfra.deployments.batch.staging import Manifest
from jupyter_mlinfra.features import Features

from .conftest import Registry


class Bench:
    """A source that grows, and batches of it that are scored already."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.catalog = Catalog(project)
        self.rows: dict[str, list[int]] = {}

    def grow(self, count: int = 2) -> str:
        """Add rows to the source; its snapshot."""
        before = max(self.rows.values(), key=len, default=[])
        ids = [*before, *range(len(before), len(before) + count)]
        report = self.catalog.write(pl.DataFrame({"id": ids[-count:]}), into="t.grows")
        self.rows[report.snapshot] = ids
        return report.snapshot

    def task(self, snapshot: str, **more: Any) -> BatchTask:
        """A batch of the source at this snapshot."""
        task = BatchTask(model="flights/1", source=f"t.grows@{snapshot}", into="t.scored", key="")
        task = replace(task, **more)
        return replace(task, key=f"batch-{task.mode}-{task.digest}")

    def commit(self, task: BatchTask) -> None:
        """What a job does once all of its rows are scored."""
        ids = [id for id in self.rows[task.snapshot] if id not in self.rows.get(task.since, [])]
        frame = pl.DataFrame({"id": ids, "error": None}, schema_overrides={"error": pl.String})
        job = BatchJob(
            task,
            project=self.project,
            experiments=Registry({1: self.folder}),  # type: ignore[arg-type]
            catalog=self.catalog,
            features=lambda: Features(self.project),
            folder=self.folder / task.key,
            report=lambda *_: None,
        )
        job._staging._folder.mkdir(exist_ok=True)
        manifest = job._staging.open(Manifest(task="", bundle="", size=100, total=len(ids)))
        job._commit(manifest, {0: job._staging.put(0, frame)}, frame.clear())

    def scored(self) -> list[int]:
        """The rows of the target."""
        return sorted(self.catalog.dataset("t.scored").scan().collect()["id"].to_list())

    def begin(self, snapshot: str) -> tuple[str, int] | None:
        """Where a batch of new rows would go on that is submitted now."""
        return new_rows(self.catalog, f"t.grows@{snapshot}", "t.scored")


@pytest.fixture
def bench(project: Project, tmp_path: Path) -> Bench:
    return Bench(project, tmp_path)


def test_new_rows_that_wait_do_not_follow_what_others_wrote_meanwhile(bench: Bench) -> None:
    first, second, third = bench.grow(), bench.grow(), bench.grow()
    bench.commit(bench.task(first, new=True))
    waiting = bench.task(second, new=True, since=first)
    bench.commit(bench.task(third))  # all rows, as asked
    with pytest.raises(OvertakenError, match="has got other rows") as appended:
        bench.commit(waiting)
    assert f"up to snapshot {third} now" in appended.value.why
    assert bench.scored() == [0, 0, 1, 1, 2, 3, 4, 5]
    assert bench.begin(third) == (third, 0)
    bench.commit(bench.task(third, mode="replace"))
    with pytest.raises(OvertakenError, match="has got other rows"):
        bench.commit(waiting)
    assert bench.scored() == [0, 1, 2, 3, 4, 5]
    bench.commit(bench.task(first, mode="replace"))
    bench.commit(waiting)
    assert bench.scored() == [0, 1, 2, 3]
    assert bench.begin(third) == (second, 2)


def test_the_first_batch_of_new_rows_does_not_follow_another_one(bench: Bench) -> None:
    first, second = bench.grow(), bench.grow()
    assert bench.begin(first) is None
    waiting = bench.task(second, new=True)
    bench.commit(bench.task(first))
    with pytest.raises(OvertakenError, match="has got other rows") as overtaken:
        bench.commit(waiting)
    assert "It had none" in overtaken.value.why
    assert bench.scored() == [0, 1]


def test_of_two_models_for_the_same_new_rows_the_second_fails(bench: Bench) -> None:
    first, second = bench.grow(), bench.grow()
    bench.commit(bench.task(first, new=True))
    one = bench.task(second, new=True, since=first)
    bench.commit(one)
    with pytest.raises(OvertakenError, match="has got other rows"):
        bench.commit(replace(one, max_errors=0.5, key="batch-of-another-model"))
    bench.commit(one)  # a further attempt of the one that is in
    assert bench.scored() == [0, 1, 2, 3]


def test_all_rows_of_an_older_snapshot_do_not_bring_new_rows_back(bench: Bench) -> None:
    first, second, third = bench.grow(), bench.grow(), bench.grow()
    bench.commit(bench.task(second))
    bench.commit(bench.task(first))
    assert bench.begin(third) == (second, 2)


@pytest.mark.parametrize("cut", ["replaced", "deleted", "expired"])
def test_a_target_whose_history_is_cut_is_refused_until_it_has_all_rows(
    bench: Bench, cut: str
) -> None:
    first, second = bench.grow(), bench.grow()
    bench.commit(bench.task(first, new=True))
    old = int(str(bench.catalog.dataset("t.scored").snapshot))
    table = CatalogStore(bench.project).load(DatasetName("t", "scored"))
    other = pl.DataFrame({"id": [-1], "error": ["x"]})
    if cut == "deleted":
        table.delete("id = 0")
    else:
        mode = "replace" if cut == "replaced" else "append"
        bench.catalog.write(other, into="t.scored", mode=mode)  # type: ignore[arg-type]
    if cut == "expired":
        table.refresh().maintenance.expire_snapshots().by_id(old).commit()
    with pytest.raises(Conflict, match="not certain which rows") as refused:
        bench.begin(second)
    assert "--replace" in refused.value.fix
    with pytest.raises(OvertakenError, match="not certain which rows"):
        bench.commit(bench.task(second, new=True, since=first))
    bench.commit(bench.task(second, mode="replace"))
    assert bench.begin(second) == (second, 0)


def test_renamed_columns_of_the_source_are_refused_with_what_to_do(bench: Bench) -> None:
    first = bench.grow()
    bench.commit(bench.task(first, new=True))
    bench.grow()
    table = CatalogStore(bench.project).load(DatasetName("t", "grows"))
    with table.update_schema() as update:
        update.rename_column("id", "number")
    report = bench.catalog.write(pl.DataFrame({"number": [7]}), into="t.grows")
    with pytest.raises(Conflict, match="not only grown") as refused:
        bench.begin(report.snapshot)
    assert "--replace" in refused.value.fix
