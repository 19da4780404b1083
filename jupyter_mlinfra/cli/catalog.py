"""`mlinfra catalog …`"""

from __future__ import annotations

import json
from typing import Any

import click

from .domain import Domain, paged
from .parse import pair
from .session import Ended, Failed, Session

catalog = Domain("catalog", "Datasets: tables that the workbench can search, version and trace.")


@catalog.verb("list")
@click.option("--namespace", help="Only of this namespace.")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Datasets by name."""
    return session.bench.catalog.list(**options)


@catalog.verb("show")
@click.argument("name")
def _show(session: Session, name: str) -> Any:
    """A dataset and its columns."""
    return session.bench.catalog.show(name)


@catalog.verb("ingest")
@click.argument("files", nargs=-1, required=True)
@click.option("--into", required=True, metavar="NS.TABLE", help="The dataset; made if there is none.")
@click.option("--replace", "mode", flag_value="replace", help="Replace its rows.")
@click.option("--append", "mode", flag_value="append", default="append", help="Add to its rows (the default).")
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files without a mark of their own.")
@click.option("--null", "null_values", multiple=True, metavar="TEXT", help="A text that means no value; may be repeated.")
@click.option("--time-zone", metavar="ZONE", help="Of times without one, such as America/New_York.")
@click.option("--type", "types", multiple=True, metavar="COLUMN=TYPE", help="A type that is not to be guessed, such as flight=str; may be repeated.")
def _ingest(session: Session, files: tuple[str, ...], types: tuple[str, ...], **options: Any) -> Any:
    """Read CSV, Parquet or JSON files into a dataset: one commit, or nothing."""
    return session.bench.catalog.ingest(files, types=dict(map(pair, types)), **options)


@catalog.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], limit: int) -> Any:
    """Datasets and columns that hold all words."""
    return session.bench.catalog.search(" ".join(words), limit=limit)


@catalog.verb("preview")
@click.argument("name")
@click.option("--start", type=click.IntRange(0), default=0, help="First row, from 0.")
@click.option("--count", type=click.IntRange(1, 500), default=20, show_default=True, help="Rows.")
@click.option("--columns", metavar="A,B", help="Only these columns.")
@click.option("--snapshot", help="As of this snapshot.")
def _preview(session: Session, name: str, columns: str | None, **options: Any) -> Any:
    """Some rows."""
    return session.bench.catalog.preview(name, columns=columns.split(",") if columns else None, **options)


@catalog.verb("profile")
@click.argument("name")
@click.option("--tier", type=click.Choice(["footer", "sample", "exact"]), default="sample", show_default=True, help="How much is read.")
def _profile(session: Session, name: str, tier: Any) -> Any:
    """Statistics of each column, with their basis."""
    return session.bench.catalog.profile(name, tier=tier)


@catalog.verb("verify")
@click.argument("name")
def _verify(session: Session, name: str) -> Any:
    """Compare every data file with the checksum of what was written; exit code 1 when one is damaged."""
    found = session.bench.catalog.verify(name)
    if not found.damaged:
        return found
    why = f"{len(found.damaged)} of {found.files} files are not what was written, or are gone."
    return Ended(found, error=Failed(f"{found.dataset} is damaged.", why, "Restore them from a backup, or write the rows again."))


@catalog.verb("snapshots")
@click.argument("name")
@paged
def _snapshots(session: Session, name: str, **options: Any) -> Any:
    """Commits, newest first."""
    return session.bench.catalog.snapshots(name, **options)


@catalog.verb("lineage")
@click.argument("name")
def _lineage(session: Session, name: str) -> Any:
    """What a dataset was made from and what was made from it."""
    return session.bench.catalog.lineage(name)


@catalog.verb("tag")
@click.argument("name")
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Take a tag off; may be repeated.")
def _tag(session: Session, name: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> Any:
    """Put tags on a dataset."""
    return session.bench.catalog.tag(name, add=tags, remove=remove)


@catalog.verb("describe")
@click.argument("name")
@click.option("--owner")
@click.option("--description")
def _describe(session: Session, name: str, **options: Any) -> Any:
    """Say whose a dataset is and what it holds."""
    return session.bench.catalog.describe(name, **options)


@catalog.verb("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, required=True, help="Its earlier states cannot be read any more.")
@click.option("--force", is_flag=True, help="Though views, runs or datasets were made from it.")
def _delete(session: Session, name: str, yes: bool, force: bool) -> Any:  # noqa: ARG001
    """Take a dataset out of the catalog; its files stay, and the answer says where."""
    return Ended({"deleted": name, "files": session.bench.catalog.delete(name, force=force)})


@catalog.verb("sql")
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Rows at most.")
def _sql(session: Session, query: str, limit: int) -> Any:
    """Answer one SELECT over datasets: `FROM flights.departures`."""
    frame = session.bench.catalog.sql(query, limit=limit)
    return json.loads(frame.write_json()) if session.json else frame
