"""Tables of writers that leave out what is optional: the summaries of their snapshots, and the
lists of manifests of Iceberg's first format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project

type Silence = Callable[[dict[str, object]], object]


def edit(project: Project, change: Silence) -> None:
    """Change the first snapshot in the metadata of `t.a`."""
    table = CatalogStore(project).load(DatasetName("t", "a"))
    file = Path(table.metadata_location.removeprefix("file://"))
    metadata = json.loads(file.read_text())
    change(metadata["snapshots"][0])
    file.write_text(json.dumps(metadata))


@pytest.fixture(
    params=[
        pytest.param(lambda snapshot: snapshot.pop("summary"), id="none"),
        pytest.param(
            lambda snapshot: snapshot.update(summary={"operation": "append"}), id="operation"
        ),
    ]
)
def silent(request: pytest.FixtureRequest, catalog: Catalog, project: Project) -> Catalog:
    """A table of three rows, `t.a`, whose snapshot tells nothing of them."""
    catalog.write(pl.DataFrame({"id": [1, 2, 3]}), into="t.a")
    edit(project, request.param)
    return Catalog(project)


def test_rows_that_nobody_counted_are_unknown_and_pages_count_them(silent: Catalog) -> None:
    shown = silent.show("t.a").dataset
    assert (shown.rows.value, shown.bytes) == (None, None)
    (first,) = silent.snapshots("t.a").items
    assert (first.rows.value, first.added, first.removed) == (None, None, None)
    assert silent.preview("t.a").total == 3


def test_a_commit_on_top_does_not_begin_to_count_at_none(silent: Catalog, project: Project) -> None:
    silent.write(pl.DataFrame({"id": [4]}), into="t.a")
    table = CatalogStore(project).load(DatasetName("t", "a"))
    written = table.current_snapshot()
    assert written is not None
    assert written.summary is not None
    assert written.summary["total-records"] is None
    table.append(pl.DataFrame({"id": [5]}).to_arrow())  # without a summary before, that is 1
    silent.write(pl.DataFrame({"id": [6]}), into="t.a")
    assert silent.show("t.a").dataset.rows.value is None
    assert {item.rows.value for item in silent.snapshots("t.a").items} == {None}
    assert silent.preview("t.a").total == 6
    assert silent.profile("t.a", tier="exact").rows == 6
    first = silent.snapshots("t.a").items[-1].id
    assert silent.restore("t.a", first).rows is None
    assert silent.preview("t.a").total == 3


def test_totals_of_another_writer_that_began_at_none_are_not_believed(
    silent: Catalog, project: Project
) -> None:
    CatalogStore(project).load(DatasetName("t", "a")).append(pl.DataFrame({"id": [5]}).to_arrow())
    assert silent.show("t.a").dataset.rows.value is None
    assert silent.preview("t.a").total == 4
    assert silent.profile("t.a", tier="footer").rows is None


def test_a_target_of_the_project_counts_the_rows(silent: Catalog, project: Project) -> None:
    from jupyter_mlinfra.catalog.faces.status import check
    from jupyter_mlinfra.workbench import Workbench

    file = project.root / "mlinfra.toml"
    file.write_text(f'{file.read_text()}\n[project.targets]\ndatasets = ["t.a"]\n')
    (found,) = check(Workbench(Project.open(project.root)))
    assert (found.measured, found.verdict) == ("3 rows", "met")


def test_manifests_that_are_in_no_list_are_told(catalog: Catalog, project: Project) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    edit(project, lambda snapshot: snapshot.update(manifests=[snapshot.pop("manifest-list")]))
    assert Catalog(project).show("t.a").dataset.rows.value == 1
    for verb in ("preview", "compact"):
        with pytest.raises(
            Unprocessable, match=r"names its manifests one by one.*engine that made"
        ):
            getattr(Catalog(project), verb)("t.a")


def test_metadata_that_pyiceberg_does_not_read_is_told_by_its_field(
    catalog: Catalog, project: Project
) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    edit(project, lambda snapshot: snapshot.update({"schema-id": "first"}))
    with pytest.raises(Unprocessable, match=r"reads it: snapshots\.0\.schema-id: Input should be"):
        Catalog(project).preview("t.a")
