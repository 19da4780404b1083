"""Routes of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack

from ...core.domains import domains
from ...core.errors import BadRequest, Forbidden, NotFound
from ...core.files import real_path
from ...faces.handler import Handler, access, elsewhere
from ...faces.parameters import Count, Cursor, Interval, Len, Limit, Many, Name, Text, words

if TYPE_CHECKING:
    from ...core.lineage import Edge
    from ...core.records import Page
    from ...jobs.spec import Job
    from ..spec import Dataset, DatasetDetail, Inspection, Profile, RowBlock, Snapshot

read, write, execute = access("catalog")

Files = Annotated[list[Name], Len(1, 1000)]
Mode = Literal["append", "replace"]
Sign = Annotated[str, Len(0, 80)]
Tags = Annotated[tuple[Name, ...], Len(0, 50)]


class DatasetList(Handler):
    @read
    def get(
        self, *, namespace: Name | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[Dataset]:
        """Datasets by name, then the tables of other domains that the user may read."""
        return self.bench.catalog.list(
            namespace=namespace, limit=limit, cursor=cursor, domains=_readable(self)
        )


class DatasetPage(Handler):
    @read
    def get(self, name: str) -> DatasetDetail:
        """One dataset: its schema, its location, how to use it. To read a table of another domain,
        the user must also be allowed to read that domain, and for a payload log deployments too.
        """
        _check_readable(self, name)
        return self.bench.catalog.show(name)


class DatasetRows(Handler):
    @read
    def get(
        self,
        name: str,
        *,
        start: Count = 0,
        count: Annotated[int, Interval(ge=1, le=500)] = 100,
        columns: Many = "",
        snapshot: Name | None = None,
    ) -> RowBlock:
        """A block of rows, column by column; `columns` separated by commas, all if empty. Of a
        table of another domain only its first rows, which are then `total`.
        """
        _check_readable(self, name)
        return self.bench.catalog.preview(
            name, start=start, count=count, columns=words(columns) or None, snapshot=snapshot
        )


class DatasetProfile(Handler):
    @read(slow=True)
    def get(self, name: str, *, tier: Literal["footer", "sample", "exact"] = "sample") -> Profile:
        """Statistics of each column, each with its basis; stored per snapshot."""
        _check_readable(self, name)
        return self.bench.catalog.profile(name, tier=tier)


class DatasetSnapshots(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Snapshot]:
        """Commits, newest first."""
        return self.bench.catalog.snapshots(name, limit=limit, cursor=cursor)


class DatasetLineage(Handler):
    @read
    def get(self, name: str) -> Page[Edge]:
        """What the dataset was made from and what was made from it: at most 200 edges each way,
        nearest first; `total` counts all.
        """
        return self.bench.catalog.lineage(name)


class DatasetTags(Handler):
    @write
    def post(self, name: str, *, add: Tags = (), remove: Tags = ()) -> DatasetDetail:
        """Add and remove tags."""
        self.bench.catalog.tag(name, add=add, remove=remove)
        return self.bench.catalog.show(name)


class DatasetDescription(Handler):
    @write
    def post(
        self, name: str, *, owner: Text | None = None, description: Text | None = None
    ) -> DatasetDetail:
        """Set the dataset's owner and description."""
        self.bench.catalog.describe(name, owner=owner, description=description)
        return self.bench.catalog.show(name)


class NamespaceList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[str]:
        """Namespaces by name."""
        return self.bench.catalog.namespaces(limit=limit, cursor=cursor, domains=_readable(self))


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
        again: bool = False,
        **reading: Unpack[ReadingFacts],
    ) -> Job:
        """Read files of the project into a dataset, in one commit or not at all: a job."""
        from .. import DatasetName

        name = DatasetName.parse(into).text
        if _may_be_of(name):
            self.bench.catalog.own(name)
        paths = [str(_project_file(self.bench.project.root, file)) for file in files]
        return self.as_job(
            "catalog ingest",
            *paths,
            of=name,
            into=name,
            replace=mode == "replace",
            again=again,
            **_cli_options(_without_none(reading)),
        )


def _readable(handler: Handler) -> list[str]:
    """The domains that the user may read."""
    owners = {item.name: item.guarded_as for item in domains()}
    resources = handler.allowed("read", dict.fromkeys(owners.values()))
    return [name for name, resource in owners.items() if resource in resources]


def _check_readable(handler: Handler, name: str) -> None:
    """Raise Forbidden for a table that needs a domain that the user may not read."""
    needed = handler.bench.catalog.needs(name) if _may_be_of(name) else ()
    if not needed:
        return
    readable = _readable(handler)
    if missing := [owner for owner in needed if owner not in readable]:
        raise Forbidden(
            f"You may not read {name}.",
            f"The Jupyter server allows you the catalog, but not to read {' and '.join(missing)}.",
            "Ask whoever runs the server.",
        )


def _may_be_of(name: str) -> str:
    """The domain that has tables in the namespace of a dataset; empty if there is none."""
    from .. import DatasetName

    namespace = DatasetName.parse(name).namespace
    return next((item.name for item in domains() if item.tables and item.name == namespace), "")


def _without_none(reading: ReadingFacts) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if value is not None}


def _cli_options(reading: Mapping[str, Any]) -> dict[str, Any]:
    """The corresponding options of the command line. Raises BadRequest for an impossible value,
    which a job would report only later.
    """
    from .. import Reading

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
    try:
        path = real_path(root / file)
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
    return path


ROUTES = {
    "catalog/datasets": DatasetList,
    "catalog/datasets/{name}": DatasetPage,
    "catalog/datasets/{name}/rows": DatasetRows,
    "catalog/datasets/{name}/profile": DatasetProfile,
    "catalog/datasets/{name}/snapshots": DatasetSnapshots,
    "catalog/datasets/{name}/lineage": DatasetLineage,
    "catalog/datasets/{name}/tags": DatasetTags,
    "catalog/datasets/{name}/description": DatasetDescription,
    "catalog/namespaces": NamespaceList,
    "catalog/inspect": Inspect,
    "catalog/ingest": Ingest,
}
