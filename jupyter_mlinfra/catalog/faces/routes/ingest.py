"""Files into datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack

from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Interval, Len, Name, Text
from ....faces.reveal import viewer_if_allowed
from .given import source_of
from .rights import may_be_of, write

if TYPE_CHECKING:
    from ....jobs.spec import Job
    from ...spec import Inspection

Files = Annotated[list[Name], Len(1, 1000)]
Mode = Literal["append", "replace", "upsert"]
Sign = Annotated[str, Len(0, 80)]


class ReadingFacts(TypedDict, total=False):
    """How text is read; an option that is missing or null is guessed."""

    encoding: Name | None
    header: bool | None
    separator: Sign | None
    skip: Annotated[int, Interval(ge=0, le=10_000)] | None
    comment: Sign | None
    quote: Sign | None
    decimal: Literal[".", ","] | None
    thousands: Sign | None
    date_format: Sign | None
    null_values: Annotated[tuple[Text, ...], Len(0, 100)] | None
    time_zone: Name | None
    types: Annotated[dict[Name, Name], Len(0, 1000)] | None
    max_bad: Annotated[float, Interval(ge=0, le=1)] | None
    row_names: bool | None
    sheet: Name | None
    union: bool | None
    rows: Text | None


class Inspect(Handler):
    @write(slow=True)
    def post(
        self,
        *,
        files: Files,
        into: Name | None = None,
        mode: Mode | None = None,
        in_place: bool = False,
        **reading: Unpack[ReadingFacts],
    ) -> Inspection:
        """What an ingest would read, judged by the beginning of the files: options, types, first
        rows, doubts. Nothing is written. Files, folders and patterns are those of the project;
        `s3://` is the store whose keys the catalog has; a database is one that an ingest may read.
        in_place: the files are to be registered, which may be a Delta table.
        """
        sources = [source_of(self.bench.project, file) for file in files]
        return self.bench.catalog.inspect(
            sources, into=into, mode=mode, in_place=in_place, **without_none(reading)
        )


class Ingest(Handler):
    @write(slow=elsewhere)
    def post(
        self,
        *,
        files: Files,
        into: Name,
        mode: Mode | None = None,
        key: Annotated[list[Name], Len(0, 100)] | None = None,
        again: bool = False,
        cursor: Name | None = None,
        lookback: Text | None = None,
        dry_run: bool = False,
        **reading: Unpack[ReadingFacts],
    ) -> Job:
        """Read files of the project, or a table of a database, into a dataset, in one commit or not
        at all: a job. A database is a SQLite file of the project (`sqlite:///shop.db#orders`) or
        one that the setting `databases` of [catalog] names.
        """
        from ....faces.parse import span
        from ... import DatasetName
        from ...ways import way_of

        way_of(mode, key or ())
        name = DatasetName.parse(into).text
        if may_be_of(name):
            self.bench.catalog.own(name)
        sources = [source_of(self.bench.project, file) for file in files]
        span(lookback)
        if dry_run:
            by_key = bool(key) or mode == "upsert"
            self.bench.catalog.check_trial(name, viewer_if_allowed(self), by_key=by_key)
        return self.as_job(
            "catalog ingest",
            *sources,
            of=name,
            into=name,
            mode=mode,
            key=key or (),
            again=again,
            cursor=cursor,
            lookback=lookback,
            **({"dry-run": True} if dry_run else {}),
            **cli_options(without_none(reading)),
        )


def without_none(reading: ReadingFacts) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if value is not None}


def cli_options(reading: Mapping[str, Any]) -> dict[str, Any]:
    """The corresponding options of the command line. Raises BadRequest for an impossible value,
    which a job would report only later.
    """
    from ... import Reading

    Reading(**reading)
    options = {
        name.replace("_", "-"): value
        for name, value in reading.items()
        if name not in ("header", "null_values", "types", "max_bad")
    }
    if "header" in reading:
        options["header" if reading["header"] else "no-header"] = True
    if "max_bad" in reading:
        options["max-bad"] = reading["max_bad"] * 100
    types = [f"{column}={dtype}" for column, dtype in reading.get("types", {}).items()]
    return {**options, "null": reading.get("null_values", ()), "type": types}


ROUTES: dict[str, type[Handler]] = {
    "catalog/inspect": Inspect,
    "catalog/ingest": Ingest,
}
