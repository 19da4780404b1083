"""`mlinfra features …`"""

from __future__ import annotations

from typing import Any

import click

from ...faces.cli import Noun, paged
from ...faces.parse import keys, moment
from ...faces.session import Ended, Session

features = Noun("features", "Feature views: columns that training and serving read alike.")


@features.verb("list")
@click.option("--view", help="Only of this view.")
@click.option("--query", help="Only those that hold all these words.")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Features by view and name."""
    return session.bench.features.list(**options)


@features.verb("views")
@click.option("--query", help="Only those that hold all these words.")
@paged
def _views(session: Session, **options: Any) -> Any:
    """Feature views by name."""
    return session.bench.features.views(**options)


@features.verb("show")
@click.argument("view")
def _show(session: Session, view: str) -> Any:
    """A view and its features."""
    return session.bench.features.show(view)


@features.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], limit: int) -> Any:
    """Views and features that hold all words."""
    return session.bench.features.search(" ".join(words), limit=limit)


@features.verb("apply")
def _apply(session: Session) -> Any:
    """Apply the definitions of the feature repository to the registry."""
    return session.bench.features.apply()


@features.verb("materialize")
@click.argument("views", nargs=-1)
@click.option("--start", metavar="TIME", help="From this event time on; default: what is new.")
@click.option("--end", metavar="TIME", help="Up to this event time; default: now.")
def _materialize(
    session: Session, views: tuple[str, ...], start: str | None, end: str | None
) -> Any:
    """Write the newest values of views, or of all, to the online store."""

    def say(view: str, done: int, total: int) -> None:
        session.say(f"{view}: {done:,} of {total:,} rows")

    return list(
        session.bench.features.materialize(
            views or None, start=moment(start), end=moment(end), on_progress=say
        )
    )


@features.verb("online")
@click.argument("refs", nargs=-1, required=True, metavar="VIEW[:FEATURE]…")
@click.option(
    "--key",
    "key",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="A key of an entity; repeat it for several entities.",
)
def _online(session: Session, refs: tuple[str, ...], key: tuple[str, ...]) -> Any:
    """Online values of entities: `features online origin_weather:* --key origin=JFK`."""
    return session.bench.features.online(
        [ref if ":" in ref else f"{ref}:*" for ref in refs], keys(key)
    )


@features.verb("use")
@click.argument("refs", nargs=-1, required=True, metavar="VIEW:FEATURE…")
def _use(session: Session, refs: tuple[str, ...]) -> Any:
    """Python code that makes a training set of features."""
    code = session.bench.features.use(refs)
    if not session.json:
        print(code)
    return Ended({"python": code}, silent=True)
