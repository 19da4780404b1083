"""What is done to a dataset, verb by verb, and what a user sees of it: the works of the tests of
faults. `before_VERB` makes the state in which `VERB` begins, and `seen` tells the state.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet  # noqa: F401 (loaded before a process is forked)
import pyiceberg.catalog.sql
import pyiceberg.io.pyarrow
import pyiceberg.table  # noqa: F401

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.abandoned import _files
from jupyter_mlinfra.catalog.quarantined import quarantine_of
from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.core.project import Project

NAME, OTHER = "t.a", "t.b"
FILES = {
    "new.csv": "id,x\n3,new\nthree,bad\n4,new\n",
    "keyed.csv": "id,x\n1,changed\n3,new\n",
}


def catalog_of(root: Path) -> Catalog:
    return Catalog(Project.open(root))


def _two(root: Path) -> Catalog:
    catalog = catalog_of(root)
    for name, text in FILES.items():
        (root / name).write_text(text)
    for number in (1, 2):
        catalog.write(pl.DataFrame({"id": [number], "x": ["old"]}), into=NAME)
    return catalog


def seen(root: Path) -> dict[str, Any]:
    """What a user sees: rows, states, tags, files, tier, quarantine, trash, rules."""
    catalog = catalog_of(root)
    trash = sorted(item.name for item in catalog.trash().items)
    try:
        detail = catalog.show(NAME)
    except (NotFound, Conflict):  # Conflict: its project was moved, and it is not relocated
        return {"rows": None, "trash": trash}
    store = catalog._store
    table = store.load(DatasetName.parse(NAME))
    return {
        "rows": sorted(map(str, catalog.dataset(NAME).scan().collect().rows())),
        "columns": {column.name: column.type for column in detail.schema},
        "states": len(table.snapshots()),
        "refs": sorted(table.metadata.refs),
        "files": len(list(table.scan().plan_files())),
        "tier": store.tiers.of(table.metadata.location),
        "quarantined": _quarantined(catalog),
        "rules": sorted(state.rule.text for state in catalog.rules(NAME).rules),
        "trash": trash,
        "damaged": [item.file for item in catalog.verify(NAME).damaged],
        "other": _other(catalog),
    }


def _other(catalog: Catalog) -> list[str] | None:
    """The rows of another dataset; None if there is none, or it is not relocated."""
    try:
        return sorted(map(str, catalog.dataset(OTHER).scan().collect().rows()))
    except (NotFound, Conflict):
        return None


def _quarantined(catalog: Catalog) -> int:
    try:
        return int(catalog.preview(quarantine_of(DatasetName.parse(NAME))).total or 0)
    except NotFound:
        return 0


def left_over(root: Path) -> list[str]:
    """After one more write: data files that no snapshot has, and what is noted as under way."""
    catalog = catalog_of(root)
    catalog.write(pl.DataFrame({"id": [99], "x": ["last"]}), into=NAME)
    return unneeded(catalog, root, NAME)


def unneeded(catalog: Catalog, root: Path, name: str) -> list[str]:
    """Data files of a dataset that no snapshot has, and what is noted as under way."""
    table = catalog._store.load(DatasetName.parse(name))
    needed = {name.removeprefix("file://") for name in _files(table)}
    home = Path(table.metadata.location.removeprefix("file://"))
    files = {str(path) for path in home.glob("**/*.parquet")} - needed
    pending = [path.name for path in (root / ".mlinfra/catalog/pending").glob("*")]
    return sorted([*files, *pending])


before_ingest = before_upsert = before_compact = before_move = before_delete = _two


def ingest(root: Path) -> Any:
    """Two good rows and a bad one."""
    return catalog_of(root).ingest([root / "new.csv"], into=NAME).rows_written


def upsert(root: Path) -> Any:
    return catalog_of(root).ingest([root / "keyed.csv"], into=NAME, key="id").rows_written


def compact(root: Path) -> Any:
    return catalog_of(root).compact(NAME, really=True).done


def move(root: Path) -> Any:
    return catalog_of(root).move(NAME, tier="cold").done


def before_restore(root: Path) -> None:
    catalog = _two(root)
    first = catalog.snapshots(NAME).items[-1].id
    catalog.tag(f"{NAME}@{first}", add=["first"])


def restore(root: Path) -> Any:
    return bool(catalog_of(root).restore(NAME, "first"))


def before_expire(root: Path) -> None:
    catalog = _two(root)
    catalog.write(pl.DataFrame({"id": [5], "x": ["all"]}), into=NAME, mode="replace")


def expire(root: Path) -> Any:
    return catalog_of(root).expire(NAME, older_than=timedelta(0), keep=1, preview=False).expires


def delete(root: Path) -> Any:
    return catalog_of(root).delete(NAME).undo


def before_undelete(root: Path) -> None:
    catalog = _two(root)
    catalog.rule(NAME, "id > 0")
    catalog.delete(NAME)


def undelete(root: Path) -> Any:
    return catalog_of(root).restore_deleted(NAME).name


def before_mend(root: Path) -> None:
    """The bad row is in a file where it is mended."""
    catalog = _two(root)
    catalog.ingest([root / "new.csv"], into=NAME)
    catalog.export_quarantine(NAME, root / "bad.csv")
    (root / "bad.csv").write_text("id,x\n33,mended\n")


def mend(root: Path) -> Any:
    return catalog_of(root).mend(NAME, root / "bad.csv").rows_written


def before_relocate(root: Path) -> None:
    """A project of two datasets, one of them with deleted rows, that was elsewhere."""
    former = root.with_name("former")
    former.mkdir()
    shutil.copy(root / "mlinfra.toml", former)
    catalog = _two(former)
    catalog.write(pl.DataFrame({"id": [1], "x": ["new"]}), into=NAME, mode="upsert", key="id")
    catalog.write(pl.DataFrame({"id": [7]}), into=OTHER)
    shutil.rmtree(root)
    former.rename(root)


def relocate(root: Path) -> Any:
    return [item.dataset for item in catalog_of(root).relocate().items]


def before_read(root: Path) -> None:
    """A column is masked; there is no index of the search, and no sketch."""
    catalog = _two(root)
    catalog.tag(f"column:{NAME}.x", add=["pii"])


def read(root: Path) -> Any:
    catalog = catalog_of(root)
    return {
        "rows": catalog.preview(NAME).total,
        "profile": catalog.profile(NAME, tier="exact").rows,
    }


def search(root: Path) -> Any:
    return [hit.name for hit in catalog_of(root).search(NAME).items if hit.name == NAME]


def reveal(root: Path) -> Any:
    """The values of the masked column, and how often the audit log says that they were shown."""
    catalog = catalog_of(root)
    (values,) = catalog.preview(NAME, columns=["x"], reveal=True).data
    return {"values": list(values), "audited": catalog.audit(NAME).total}


def deleted_replaced_and_brought_back(root: Path) -> dict[str, int]:
    """The rows of the dataset and its rows in quarantine, when another one was made in its place
    and it is back beside that.
    """
    catalog = catalog_of(root)
    trash = catalog.delete(NAME).trash
    assert trash is not None
    catalog.write(pl.DataFrame({"id": [7], "x": ["other"]}), into=NAME)
    catalog.restore_deleted(trash, into="t.b")
    return {
        "rows": catalog.dataset("t.b").scan().collect().height,
        "quarantined": _quarantined(catalog),
    }
