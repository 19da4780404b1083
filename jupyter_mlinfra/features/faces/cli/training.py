"""`mlinfra features use` and `snapshot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ....core.errors import NotFound
from ....faces.parse import rows
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Ended, Failed, Session
from .noun import features

if TYPE_CHECKING:
    import polars as pl

_FILES = (".csv", ".parquet", ".json", ".jsonl", ".ndjson")


@features.verb("use")
@click.argument("refs", nargs=-1, required=True, metavar="VIEW:FEATURE…")
def _use(session: Session, refs: tuple[str, ...]) -> Any:
    """Python code that makes a training set of features."""
    code = session.bench.features.use(refs)
    if not session.json:
        print(code)
    return Ended({"python": code}, silent=True)


@features.verb("snapshot")
@click.argument("name", metavar="NAMESPACE.TABLE")
@click.option(
    "--features",
    "refs",
    multiple=True,
    metavar="VIEW:FEATURE",
    help="A feature, VIEW:* or service:NAME; several: repeat it, or with commas.",
)
@click.option(
    "--entities", metavar="FILE|DATASET", help="Keys and times: Parquet, CSV, JSON, or a dataset."
)
@click.option("--at", default="event_timestamp", show_default=True, help="The column of times.")
@click.option("--full-names", is_flag=True, help="Call columns VIEW__FEATURE.")
@click.option("--compare", is_flag=True, help="Make a stored one again, and compare.")
@click.option("--newest", is_flag=True, help="With --compare: from the sources as they are now.")
@revealing
def _snapshot(
    session: Session,
    name: str,
    refs: tuple[str, ...],
    entities: str | None,
    at: str,
    full_names: bool,
    compare: bool,
    newest: bool,
    reveal: bool,
) -> Any:
    """Make a training set and store it as a dataset, with the versions that it came from; or make a
    stored one again and compare: 1 if they differ.
    """
    if compare:
        return _compare(session, name, newest, reveal)
    if reveal:
        raise click.UsageError("--reveal goes with --compare: nothing else shows values.")
    if not refs or entities is None:
        raise click.UsageError("Give --features and --entities, or --compare.")
    asked = [part for ref in refs for part in ref.split(",")]
    return session.bench.features.snapshot(
        name, asked, _entities(entities, at), at=at, full_names=full_names
    )


def _compare(session: Session, name: str, newest: bool, reveal: bool) -> Any:
    viewer = viewer_here(session, reveal)
    found = session.bench.features.compare_snapshot(name, newest=newest, reveal=viewer)
    if found.same:
        return found
    feature, first = next(iter(found.features.items()))
    return Ended(
        found,
        Failed(
            f"{found.different:,} of {found.compared:,} values of {found.dataset} are others when"
            " it is made again.",
            f"{feature}: {first.example}. {' '.join(found.changed)}".strip(),
            "Train on what is stored, or store it again: mlinfra features snapshot.",
        ),
    )


def _entities(text: str, at: str) -> pl.DataFrame | str:
    """The rows of a file, with times in the column `at`; the name of a dataset stays."""
    path = Path(text)
    if path.suffix.lower() not in _FILES:
        return text
    if not path.exists():
        raise NotFound(f"There is no file {text}.", fix="Give a file, or the name of a dataset.")
    import polars as pl

    found = rows(text, lines=path.suffix.lower() != ".csv")
    frame = found if isinstance(found, pl.DataFrame) else pl.DataFrame(found)
    if frame.schema.get(at) == pl.String:
        frame = frame.with_columns(pl.col(at).str.to_datetime(time_zone="UTC"))
    return frame
