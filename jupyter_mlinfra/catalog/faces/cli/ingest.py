"""`mlinfra catalog ingest`, `inspect`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from ....core.ending import taking_back
from ....faces.parse import pair, span
from ....faces.reveal import viewer_here
from ....faces.session import Session
from ...spec import ExportedRows
from .noun import catalog

# The comma before another COLUMN=; not one within the brackets of a type.
_NEXT = re.compile(r",(?=[^,\[\]=]+=[a-z]+[\d\[]?)")


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
    click.option(
        "--separator",
        metavar="SIGN",
        help="Between the fields of a CSV: a sign, tab, or blanks (any number of them).",
    ),
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
        "--schema",
        "--type",
        "types",
        multiple=True,
        metavar="COLUMN=TYPE",
        help="A type instead of a guess, such as flight=str,price=dec[10,2]; may be repeated.",
    ),
    click.option(
        "--sheet", metavar="NAME", help="Of a workbook, by name or number; the first one."
    ),
    click.option(
        "--row-names/--no-row-names",
        default=None,
        help="Whether the first field has no name in the header, as R writes it.",
    ),
    click.option(
        "--union/--no-union",
        default=None,
        help="Whether a column that a file lacks is empty there, instead of an error.",
    ),
    click.option(
        "--rows",
        metavar="FIELD",
        help="Of JSON, the list that has the rows, such as hits.hits; none: each object is one.",
    ),
    click.option(
        "--max-bad",
        type=click.FloatRange(0, 100),
        metavar="PERCENT",
        help="Rows of a file that may go to quarantine; 10 if not given.",
    ),
)


def options_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, for the library, which guesses the others."""
    chosen = {name: value for name, value in options.items() if value is not None and value != ()}
    if "types" in chosen:
        pairs = [part for text in chosen["types"] for part in _parts(text)]
        chosen["types"] = dict(map(_type, pairs))
    if "max_bad" in chosen:
        chosen["max_bad"] /= 100
    return chosen


def _parts(text: str) -> list[str]:
    """`id=i64,price=dec[10,2]` as its pairs; a comma in the name of a column stays."""
    parts: list[str] = []
    for part in _NEXT.split(text):
        if parts and "=" not in parts[-1]:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


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
@click.option("--append", "mode", flag_value="append", help="Add to its rows, the default.")
@click.option(
    "--mode",
    type=click.Choice(["append", "replace", "upsert"]),
    help="upsert, the default with --key: a row takes the place of those with its key.",
)
@click.option("--key", multiple=True, metavar="COLUMN", help="Of an upsert; may be repeated.")
@click.option("--again", is_flag=True, help="Add again what is already in the dataset.")
@click.option(
    "--cursor",
    default="",
    metavar="COLUMN",
    help="Of a table: read only rows with a later value here than the last time.",
)
@click.option(
    "--lookback",
    metavar="TIME",
    help="With --cursor and --key: read again what is so long before the last time, such as 1h.",
)
@click.option("--dry-run", is_flag=True, help="Look at all rows, and write nothing.")
@reading
def _ingest(
    session: Session,
    files: tuple[str, ...],
    into: str,
    mode: Any,
    key: tuple[str, ...],
    again: bool,
    cursor: str,
    lookback: str | None,
    dry_run: bool,
    **options: Any,
) -> Any:
    """Read CSV, Parquet or JSON files, or a table of a database (postgresql://…#table,
    sqlite:///…#table), into a dataset, in one commit or not at all. CSV options that are not given
    are guessed.
    """
    with taking_back():
        report = session.bench.catalog.ingest(
            files,
            into=into,
            mode=mode,
            key=key,
            again=again,
            cursor=cursor,
            lookback=span(lookback),
            dry_run=dry_run,
            on_progress=lambda done: session.progress(done.fraction, done.text),
            **options_of(options),
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
@click.option(
    "--in-place", is_flag=True, help="They are to be registered: also the folder of a Delta table."
)
@reading
def _inspect(
    session: Session,
    files: tuple[str, ...],
    into: str | None,
    mode: Any,
    in_place: bool,
    **options: Any,
) -> Any:
    """What an ingest would read: options, types, first rows and doubts. Only the beginning of the
    files, or of the table of a database, is read, and nothing is written.
    """
    return session.bench.catalog.inspect(
        files, into=into, mode=mode, in_place=in_place, **options_of(options)
    )


@catalog.verb("mend")
@click.argument("name")
@click.argument("file")
@click.option("--export", is_flag=True, help="Write the rows to the file instead.")
@click.option(
    "--key",
    multiple=True,
    metavar="COLUMN",
    help="By which they come in; by default the key with which they were ingested, if any.",
)
@reading
def _mend(
    session: Session, name: str, file: str, export: bool, key: tuple[str, ...], **options: Any
) -> Any:
    """Ingest rows that did not fit, once they are mended: first --export them to FILE, then mend
    that file, then call this without --export.
    """
    if export:
        count = session.bench.catalog.export_quarantine(
            name, file, reveal=viewer_here(session, True)
        )
        return ExportedRows(dataset=name, file=file, rows=count)
    with taking_back():
        report = session.bench.catalog.mend(
            name,
            file,
            key=key,
            on_progress=lambda done: session.progress(done.fraction, done.text),
            **options_of(options),
        )
    session.note(report.summary)
    return report
