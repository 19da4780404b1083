"""`mlinfra catalog …`"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from ...core.domains import domains
from ...faces.cli import Noun, paged
from ...faces.parse import pair
from ...faces.session import Ended, Failed, Session

catalog = Noun("catalog", "Datasets: tables that the workbench can search, version and trace.")


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


def reading(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options for how text is read."""
    for option in reversed(_READING):
        function = option(function)
    return function


_READING = (
    click.option(
        "--encoding",
        metavar="NAME",
        help="Of text files without a byte order mark; default: utf-8.",
    ),
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether the first record of a CSV holds the names.",
    ),
    click.option("--separator", metavar="SIGN", help="Between the fields of a CSV; tab for a tab."),
    click.option("--skip", type=int, metavar="LINES", help="Lines above the header."),
    click.option(
        "--comment",
        metavar="SIGN",
        help="How a line to ignore begins; none for no comments.",
    ),
    click.option("--quote", metavar="SIGN", help="Around fields; none for no quotes."),
    click.option("--decimal", metavar="SIGN", help="Decimal mark of numbers: . or a comma."),
    click.option(
        "--thousands", metavar="SIGN", help="Thousands mark of numbers: . , ' space none."
    ),
    click.option(
        "--date-format", metavar="FORM", help="Form of dates beside ISO 8601, such as %d.%m.%Y."
    ),
    click.option(
        "--null",
        "null_values",
        multiple=True,
        metavar="TEXT",
        help="A text that means no value; may be repeated.",
    ),
    click.option(
        "--time-zone", metavar="ZONE", help="Of times without one, such as America/New_York."
    ),
    click.option(
        "--type",
        "types",
        multiple=True,
        metavar="COLUMN=TYPE",
        help="A type instead of a guess, such as flight=str; may be repeated.",
    ),
    click.option(
        "--max-bad",
        type=click.FloatRange(0, 100),
        metavar="PERCENT",
        help="Rows of a file that may go to quarantine; 10 if not given.",
    ),
)


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, for the library, which guesses the others."""
    chosen = {name: value for name, value in options.items() if value is not None and value != ()}
    if "types" in chosen:
        chosen["types"] = dict(map(_type, chosen["types"]))
    if "max_bad" in chosen:
        chosen["max_bad"] /= 100
    return chosen


def _type(text: str) -> tuple[str, str]:
    """`column=type`; the column may contain `=`, a type never does. Raises BadRequest."""
    pair(text, form="COLUMN=TYPE", example="flight=str")
    name, _, dtype = text.rpartition("=")
    return name, dtype


@catalog.verb("ingest")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--into", required=True, metavar="NS.TABLE", help="The dataset; created if it does not exist."
)
@click.option("--replace", "mode", flag_value="replace", help="Replace its rows.")
@click.option(
    "--append", "mode", flag_value="append", default="append", help="Add to its rows (the default)."
)
@click.option("--again", is_flag=True, help="Add files again that are already in the dataset.")
@reading
def _ingest(
    session: Session, files: tuple[str, ...], into: str, mode: Any, again: bool, **options: Any
) -> Any:
    """Read CSV, Parquet or JSON files into a dataset, in one commit or not at all. CSV options that
    are not given are guessed.
    """
    report = session.bench.catalog.ingest(
        files, into=into, mode=mode, again=again, **_options(options)
    )
    session.note(report.summary)
    return report


@catalog.verb("inspect")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--into",
    metavar="NS.TABLE",
    help="The dataset that they are meant for; if it exists, its types count.",
)
@click.option("--replace", "mode", flag_value="replace", help="Replace its rows.")
@click.option(
    "--append", "mode", flag_value="append", default="append", help="Add to its rows (the default)."
)
@reading
def _inspect(
    session: Session, files: tuple[str, ...], into: str | None, mode: Any, **options: Any
) -> Any:
    """What an ingest would read: options, types, first rows and doubts. Only the beginning of the
    files is read, and nothing is written.
    """
    return session.bench.catalog.inspect(files, into=into, mode=mode, **_options(options))


@catalog.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], limit: int) -> Any:
    """Datasets, columns and tables of other domains that hold all words."""
    searched = [item.name for item in domains() if item.tables]
    return session.bench.search(
        " ".join(words), kinds=("dataset", "column"), domains=["catalog", *searched], limit=limit
    )


@catalog.verb("preview")
@click.argument("name")
@click.option("--start", type=click.IntRange(0), default=0, help="First row, from 0.")
@click.option("--count", type=click.IntRange(1, 500), default=20, show_default=True, help="Rows.")
@click.option("--columns", metavar="A,B", help="Only these columns.")
@click.option("--snapshot", help="As of this snapshot.")
def _preview(session: Session, name: str, columns: str | None, **options: Any) -> Any:
    """Some rows."""
    return session.bench.catalog.preview(
        name, columns=columns.split(",") if columns else None, **options
    )


@catalog.verb("profile")
@click.argument("name")
@click.option(
    "--tier",
    type=click.Choice(["footer", "sample", "exact"]),
    default="sample",
    show_default=True,
    help="How much is read.",
)
def _profile(session: Session, name: str, tier: Any) -> Any:
    """Statistics of each column, with their basis."""
    return session.bench.catalog.profile(name, tier=tier)


@catalog.verb("verify")
@click.argument("name")
def _verify(session: Session, name: str) -> Any:
    """Compare every data file with the checksum of what was written; exit code 1 if one is
    damaged.
    """
    verification = session.bench.catalog.verify(name)
    if not verification.damaged:
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
            "Restore them from a backup, or write the rows again.",
        ),
    )


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
@click.option("--remove", multiple=True, metavar="TAG", help="Remove a tag; may be repeated.")
def _tag(session: Session, name: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> Any:
    """Add tags to a dataset."""
    return session.bench.catalog.tag(name, add=tags, remove=remove)


@catalog.verb("describe")
@click.argument("name")
@click.option("--owner")
@click.option("--description")
def _describe(session: Session, name: str, **options: Any) -> Any:
    """Set a dataset's owner and description."""
    return session.bench.catalog.describe(name, **options)


@catalog.verb("delete")
@click.argument("name")
@click.option(
    "--yes", is_flag=True, required=True, help="Its earlier states cannot be read any more."
)
@click.option("--force", is_flag=True, help="Even if views, runs or datasets were made from it.")
def _delete(session: Session, name: str, yes: bool, force: bool) -> Any:  # noqa: ARG001
    """Remove a dataset from the catalog; its files stay, and the answer says where."""
    return Ended({"deleted": name, "files": session.bench.catalog.delete(name, force=force)})


@catalog.verb("sql")
@click.argument("query")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Most rows."
)
def _sql(session: Session, query: str, limit: int) -> Any:
    """Answer one SELECT over datasets: `FROM flights.departures`."""
    frame = session.bench.catalog.sql(query, limit=limit)
    return json.loads(frame.write_json()) if session.json else frame
