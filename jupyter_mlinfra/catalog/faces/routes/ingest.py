"""Files into datasets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack

from ....core.errors import BadRequest, Forbidden, NotFound
from ....core.files import real_path
from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Interval, Len, Name, Text
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


class Inspect(Handler):
    @write(slow=True)
    def post(
        self,
        *,
        files: Files,
        into: Name | None = None,
        mode: Mode = "append",
        **reading: Unpack[ReadingFacts],
    ) -> Inspection:
        """What an ingest would read, judged by the beginning of the files: options, types, first
        rows, doubts. Nothing is written.
        """
        paths = [_project_file(self.bench.project.root, file) for file in files]
        return self.bench.catalog.inspect(paths, into=into, mode=mode, **_without_none(reading))


class Ingest(Handler):
    @write(slow=elsewhere)
    def post(
        self,
        *,
        files: Files,
        into: Name,
        mode: Mode = "append",
        key: Annotated[list[Name], Len(0, 100)] | None = None,
        again: bool = False,
        dry_run: bool = False,
        **reading: Unpack[ReadingFacts],
    ) -> Job:
        """Read files of the project into a dataset, in one commit or not at all: a job."""
        from ... import DatasetName

        name = DatasetName.parse(into).text
        if may_be_of(name):
            self.bench.catalog.own(name)
        paths = [str(_project_file(self.bench.project.root, file)) for file in files]
        return self.as_job(
            "catalog ingest",
            *paths,
            of=name,
            into=name,
            replace=mode == "replace",
            mode="upsert" if mode == "upsert" else None,
            key=key or (),
            again=again,
            **({"dry-run": True} if dry_run else {}),
            **_cli_options(_without_none(reading)),
        )


def _without_none(reading: ReadingFacts) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if value is not None}


def _cli_options(reading: Mapping[str, Any]) -> dict[str, Any]:
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


def _project_file(root: Path, file: str) -> Path:
    """The file, which must be in the project: a panel must not read files that the server can read
    but the project does not contain.
    """
    from ...formats.packed import split

    shown, member = split(Path(file))
    try:
        path = real_path(root / shown)
        is_file = path.is_file()
    except OSError as error:  # a loop of links, a name that is too long
        raise BadRequest(f"{file[:80]} cannot be a file.", f"{error.strerror}.") from None
    if not path.is_relative_to(root):
        raise Forbidden(
            f"{file} lies outside the project.",
            f"The project is {root}.",
            "Copy it into the project, or ingest it from a notebook or the command line.",
        )
    if not is_file:
        raise NotFound(f"There is no file {file}.", f"Looked in {root}.")
    return Path(f"{path}!{member}") if member else path


ROUTES: dict[str, type[Handler]] = {
    "catalog/inspect": Inspect,
    "catalog/ingest": Ingest,
}
