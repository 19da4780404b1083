"""`mlinfra catalog care`, `move`, `relocate`, `compact`, `clean`, `delete`, `trash`."""

from __future__ import annotations

from typing import Any

import click

from ....core.errors import BadRequest
from ....faces.cli import paged
from ....faces.session import Session
from ....faces.words import size
from .noun import catalog

_really = click.option("--yes", "really", is_flag=True, help="Do it; without, only say what.")


@catalog.verb("care")
@click.argument("name")
def _care(session: Session, name: str) -> Any:
    """How a dataset is kept: its tier, its files and their size, how often it is read, and what
    could be done for it.
    """
    return session.bench.catalog.care(name)


@catalog.verb("move")
@click.argument("name")
@click.option("--tier", required=True, help="One of [catalog.tiers], or hot, the warehouse.")
def _move(session: Session, name: str, tier: str) -> Any:
    """Move a dataset into another tier, with its name and all of its snapshots."""
    return session.bench.catalog.move(
        name,
        tier=tier,
        on_progress=lambda done, total: session.progress(
            done / max(1, total), f"{size(done)} of about {size(total)}"
        ),
    )


@catalog.verb("relocate")
def _relocate(session: Session) -> Any:
    """After the project was moved or copied: let its tables name the files in this folder."""
    return session.bench.catalog.relocate(
        on_progress=lambda done, total: session.progress(
            done / max(1, total), f"{done:,} of {total:,} tables"
        )
    )


@catalog.verb("compact")
@click.argument("name")
@_really
def _compact(session: Session, name: str, really: bool) -> Any:
    """Join the small files of a dataset, and take deleted rows out of its files; the rows stay."""
    return session.bench.catalog.compact(
        name,
        really=really,
        on_progress=lambda done, total: session.progress(
            done / max(1, total), f"{done:,} of {total:,} rows"
        ),
    )


@catalog.verb("clean")
@click.argument("name", required=False)
@click.option(
    "--older-than",
    "hours",
    type=click.IntRange(1),
    metavar="HOURS",
    help="Only files of this age; [catalog] orphan_hours if not given.",
)
@_really
def _clean(session: Session, name: str | None, hours: int | None, really: bool) -> Any:
    """Delete files that no snapshot has, in the folder of a dataset, or of all. Files of others are
    only named.
    """
    if name is None:
        return session.bench.catalog.clean_all(hours=hours, really=really)
    return session.bench.catalog.clean(
        name,
        hours=hours,
        really=really,
        on_progress=lambda done, total: session.progress(
            done / max(1, total), f"{done:,} of {total:,} files"
        ),
    )


@catalog.verb("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Not needed any more: it can be restored.", hidden=True)
@click.option("--force", is_flag=True, help="Even if views, runs or datasets were made from it.")
def _delete(session: Session, name: str, yes: bool, force: bool) -> Any:  # noqa: ARG001
    """Take a dataset out of the catalog, into the trash."""
    return session.bench.catalog.delete(name, force=force)


@catalog.verb("trash")
@click.argument("what", type=click.Choice(["list", "restore", "purge"]), default="list")
@click.argument("name", required=False)
@click.option("--as", "into", metavar="NS.TABLE", default="", help="Restore it under this name.")
@paged
def _trash(session: Session, what: str, name: str | None, into: str, **options: Any) -> Any:
    """Deleted datasets: list them, restore one by its number or name, or purge one, or all whose
    time is over: delete their files.
    """
    verbs = session.bench.catalog
    if what == "list":
        return verbs.trash(**options)
    if what == "purge":
        return verbs.purge(name)
    if name is None:
        raise BadRequest(
            "Which dataset is to be restored is not said.",
            "The trash may hold several.",
            "mlinfra catalog trash list, then: mlinfra catalog trash restore NUMBER",
        )
    return verbs.restore_deleted(name, into=into)
