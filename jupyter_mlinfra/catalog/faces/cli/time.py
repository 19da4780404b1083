"""`mlinfra catalog snapshots`, `diff`, `restore`, `expire`."""

from __future__ import annotations

from typing import Any

import click

from ....faces import parse
from ....faces.cli import paged
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Session
from .noun import catalog


@catalog.verb("snapshots")
@click.argument("name")
@paged
def _snapshots(session: Session, name: str, **options: Any) -> Any:
    """Commits, newest first."""
    return session.bench.catalog.snapshots(name, **options)


@catalog.verb("diff")
@click.argument("name")
@click.argument("before")
@click.argument("after", required=False)
@click.option(
    "--key",
    multiple=True,
    metavar="COLUMN",
    help="Tells which row is which, so that changed rows are told; may be repeated.",
)
@click.option(
    "--examples",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    help="Rows of each kind to show.",
)
@revealing
def _diff(
    session: Session, name: str, before: str, after: str | None, reveal: bool, **options: Any
) -> Any:
    """What differs between two snapshots (numbers, tags, branches or times such as
    2026-05-01T12:00Z); the second one is the newest if it is not given.
    """
    viewer = viewer_here(session, reveal)
    return session.bench.catalog.diff(name, before, after, **options, reveal=viewer)


@catalog.verb("restore")
@click.argument("name")
@click.argument("snapshot")
def _restore(session: Session, name: str, snapshot: str) -> Any:
    """Give a dataset the rows and columns of an earlier snapshot, tag or time: one new snapshot,
    which can be undone.
    """
    return session.bench.catalog.restore(name, snapshot)


@catalog.verb("expire")
@click.argument("name")
@click.option(
    "--older-than", default="30d", show_default=True, metavar="SPAN", help="Younger ones stay."
)
@click.option(
    "--keep",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="So many of the newest stay.",
)
@click.option("--yes", is_flag=True, help="Do it; without it only say what would go.")
def _expire(session: Session, name: str, older_than: str, keep: int, yes: bool) -> Any:
    """Let old snapshots go, with the files that no other needs. What a tag names and what lineage
    names as used stays.
    """
    span = parse.duration(older_than)
    return session.bench.catalog.expire(name, older_than=span, keep=keep, preview=not yes)
