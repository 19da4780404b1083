"""`mlinfra catalog list`, `show`, `preview`, `verify`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.cli import paged
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Ended, Failed, Session
from ....faces.words import size
from .noun import catalog


@catalog.verb("list")
@click.option("--namespace", help="Only of this namespace.")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Datasets by name, then the tables of other domains, such as those of monitors."""
    return session.bench.catalog.list(**options)


@catalog.verb("show")
@click.argument("name")
def _show(session: Session, name: str) -> Any:
    """A dataset and its columns."""
    return session.bench.catalog.show(name)


@catalog.verb("preview")
@click.argument("name")
@click.option("--start", type=click.IntRange(0), default=0, help="First row, from 0.")
@click.option("--count", type=click.IntRange(1, 500), default=20, show_default=True, help="Rows.")
@click.option("--columns", metavar="A,B", help="Only these columns.")
@click.option("--snapshot", help="As of this snapshot.")
@revealing
def _preview(session: Session, name: str, columns: str | None, reveal: bool, **options: Any) -> Any:
    """Some rows."""
    return session.bench.catalog.preview(
        name,
        columns=columns.split(",") if columns else None,
        reveal=viewer_here(session, reveal),
        **options,
    )


@catalog.verb("verify")
@click.argument("name")
@click.option(
    "--quarantine",
    "what",
    flag_value="quarantine",
    help="Set damaged files aside, so that the others can be read.",
)
@click.option(
    "--put-back",
    "what",
    flag_value="put back",
    help="Put back the files that were set aside and are whole again.",
)
def _verify(session: Session, name: str, what: str | None) -> Any:
    """Compare every data file with the checksum of what was written; exit code 1 if one is
    damaged.
    """

    def tell(done: int, total: int) -> None:
        session.progress(done / max(1, total), f"{size(done)} of {size(total)}")

    catalog = session.bench.catalog
    if what == "put back":
        return catalog.put_back(name, on_progress=tell)
    verify = catalog.set_aside if what else catalog.verify
    verification = verify(name, on_progress=tell)
    if not verification.damaged or what:
        return verification
    why = (
        f"{len(verification.damaged)} of {verification.files} files are not what was written, or"
        " are gone."
    )
    return Ended(
        verification,
        error=Failed(
            f"{verification.dataset} is damaged.",
            why,
            "Restore them from a backup, or set them aside, so that the others can be read: mlinfra"
            f" catalog verify {verification.dataset} --quarantine",
        ),
    )
