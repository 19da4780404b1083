"""`mlinfra catalog …`"""

from __future__ import annotations

import click

from .session import Session, paging, session

_COLUMNS = {"dataset": "name", "rows": "rows", "columns": "columns", "bytes": "bytes", "updated": "updated_at", "owner": "owner", "tags": "tags"}


@click.group
def catalog() -> None:
    """Datasets on Iceberg."""


@catalog.command("list")
@click.option("--namespace", help="Only datasets of this namespace.")
@paging
@session
def list_(here: Session, namespace: str | None, limit: int, cursor: str | None) -> None:
    """Datasets by name."""
    here.emit(here.workbench.catalog.list(namespace=namespace, limit=limit, cursor=cursor), columns=_COLUMNS)


@catalog.command
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@session
def search(here: Session, words: tuple[str, ...], limit: int) -> None:
    """Datasets and columns that hold all words."""
    found = here.workbench.search(" ".join(words), kinds=("dataset", "column"), limit=limit)
    here.emit(found, columns={"kind": "kind", "reference": "ref", "detail": "detail"})


@catalog.command
@click.argument("name")
@session
def show(here: Session, name: str) -> None:
    """Schema, size, snapshot and owner of a dataset."""
    here.emit(here.workbench.catalog.show(name))


@catalog.command
@click.argument("files", nargs=-1, required=True)
@click.option("--into", required=True, metavar="NAMESPACE.TABLE", help="The dataset; made if there is none of that name.")
@click.option("--mode", type=click.Choice(["append", "replace"]), default="append", show_default=True)
@click.option("--encoding", default="utf-8", show_default=True, help="Of CSV files.")
@click.option("--null", "nulls", multiple=True, help="A word that means missing; may be repeated.")
@session
def ingest(here: Session, files: tuple[str, ...], into: str, mode: str, encoding: str, nulls: tuple[str, ...]) -> None:
    """Take CSV, Parquet or JSON files into a dataset, in one commit."""
    here.emit(here.workbench.catalog.ingest(files, into=into, mode=mode, encoding=encoding, null_values=nulls))  # type: ignore[arg-type]


@catalog.command
@click.argument("name")
@click.option("--start", type=click.IntRange(0), default=0, show_default=True)
@click.option("--count", type=click.IntRange(1, 500), default=20, show_default=True)
@session
def preview(here: Session, name: str, start: int, count: int) -> None:
    """Rows of a dataset."""
    block = here.workbench.catalog.preview(name, start=start, count=count)
    if here.as_json:
        here.emit(block)
        return
    names = [column.name for column in block.columns]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*block.data, strict=True)]
    here.emit({"items": rows, "shown": block.shown, "total": block.total}, columns={name: name for name in names})


@catalog.command
@click.argument("name")
@click.option("--tier", type=click.Choice(["footer", "sample", "exact"]), default="sample", show_default=True)
@session
def profile(here: Session, name: str, tier: str) -> None:
    """Statistics of each column, each with its basis."""
    found = here.workbench.catalog.profile(name, tier=tier)  # type: ignore[arg-type]
    if here.as_json:
        here.emit(found)
        return
    page = {"items": found.columns, "shown": len(found.columns), "total": len(found.columns)}
    names = ("name", "type", "missing", "distinct", "min", "mean", "max", "top")
    here.emit(page, columns={name: name for name in names})


@catalog.command
@click.argument("name")
@paging
@session
def snapshots(here: Session, name: str, limit: int, cursor: str | None) -> None:
    """Commits of a dataset, newest first."""
    columns = {"snapshot": "id", "at": "at", "operation": "operation", "rows": "rows", "added": "added", "removed": "removed", "by": "written_by"}
    here.emit(here.workbench.catalog.snapshots(name, limit=limit, cursor=cursor), columns=columns)


@catalog.command
@click.argument("query")
@session
def sql(here: Session, query: str) -> None:
    """A SELECT over datasets."""
    frame = here.workbench.catalog.sql(query)
    rows = frame.head(500).to_dicts()
    here.emit({"items": rows, "shown": len(rows), "total": frame.height}, columns={name: name for name in frame.columns})


@catalog.command
@click.argument("name")
@click.option("--add", multiple=True)
@click.option("--remove", multiple=True)
@session
def tag(here: Session, name: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Put tags on a dataset, or take them off."""
    here.workbench.catalog.tag(name, add=add, remove=remove)
    here.emit(here.workbench.catalog.show(name).dataset)
