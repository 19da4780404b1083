"""Tables of other domains, such as the series of monitors: they are read like datasets, and written
by their domain alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, cast

from ...core.domain import load
from ...core.domains import domain_of, domains, guarded, ours
from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ...core.records import Number
from ..dtypes import short_dtype
from ..metadata import unreadable
from ..names import DatasetName
from ..snippets import dataset_code
from ..spec import Column, Dataset, DatasetDetail, Profile
from . import Shown

if TYPE_CHECKING:
    import polars as pl

    from ...core.domain import Domain
    from ...core.project import Project
    from ...core.tables import Tables
    from ..looking.profile import Tier
    from ..uuids import Uuids
    from .statistics import Statistics

PREVIEWED = 10_000
"""Rows from the beginning that a preview shows; SQL reads all."""

_COUNTED_BYTES = 16 << 20
"""Rows of a table with so much in files are counted for its page."""

_SAMPLED_BYTES = 64 << 20
"""A sample is drawn from all rows of a table with at most so much in files, otherwise from the
first ones: all would have to be read.
"""


@dataclass(frozen=True, slots=True)
class DomainTable:
    """One table of a domain."""

    domain: Domain
    tables: Tables
    name: DatasetName

    def needs(self) -> Sequence[str]:
        """The domains that a user must be allowed to read to see it over REST."""
        with self.explained():
            return [self.domain.name, *self.tables.needs(self.name.table)]

    def record(self) -> Dataset:
        """Its row of a list; of one that cannot be read, a row that says why."""
        try:
            with self.explained():
                self.name.check()
                facts = self.tables.facts(self.name.table)
        except MLInfraError as error:
            return unreadable(
                self.name, f"{error.what} {error.why}".strip(), domain=self.domain.name
            )
        return Dataset(
            ref=self.name.ref,
            name=self.name.text,
            namespace=self.name.namespace,
            rows=Number(value=None),
            bytes=facts.bytes,
            columns=facts.columns,
            snapshot=None,
            updated_at=facts.updated_at,
            owner="",
            tags=(),
            description=facts.description,
            domain=self.domain.name,
        )

    def detail(self) -> DatasetDetail:
        """The head of its page. Raises Unavailable if it cannot be read."""
        from dataclasses import replace

        schema = self.columns()
        found = replace(self.record(), columns=len(schema))
        if found.bytes is not None and found.bytes <= _COUNTED_BYTES:
            from ..rows import height

            with self.explained():
                found = replace(found, rows=Number(value=height(self.scan())))
        return DatasetDetail(
            dataset=found,
            schema=schema,
            location="",
            snapshots=0,
            newer=0,
            code=dataset_code(self.name.text, None),
        )

    def columns(self) -> Sequence[Column]:
        """Its columns as they are now."""
        with self.explained():
            return _columns(self.scan())

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily. Raises NotFound if the table is gone."""
        with self.explained():
            rows = self.tables.rows(self.name.table)
        if rows is None:
            raise NotFound(f"There is no dataset {self.name.text}.")
        return rows

    def uuids(self) -> Uuids:
        """None: what is a UUID in its files is text in its rows."""
        return {}

    def shown(self) -> Shown:
        """Its first `PREVIEWED` rows."""
        rows = self.scan().head(PREVIEWED)
        return Shown(rows=rows, columns=_columns(rows), total=None, snapshot=None)

    def masked(self, columns: Sequence[str]) -> Collection[str]:
        """Those of its columns whose values its domain masks."""
        return self.tables.masked(self.name.table, columns)

    def personal(self, columns: Sequence[str]) -> Collection[str]:
        """Those that the catalog's own tables mask; what another domain masks, it alone shows."""
        return self.masked(columns) if self.domain.guarded_as == "catalog" else ()

    def profile(self, tier: Tier, sample_rows: int, *, reveal: bool = False) -> Profile:
        """Statistics of every column: of all rows, which are read block by block, or of some. The
        footer tier knows what the files say of themselves, if anything.
        """
        from ..looking.describing import without_values
        from .statistics import statistics

        started = perf_counter()
        with self.explained():
            scanned = self.scan()
            types = {column.name: column.type for column in _columns(scanned)}
            found = self._in_footers(scanned, types) if tier == "footer" else None
            found = found or statistics(
                scanned, types, tier, sample_rows, counts=self._is_countable
            )
            names = list(found.columns)
            masked = set(self.masked(names)) - set(self.personal(names) if reveal else ())
        return Profile(
            ref=self.name.ref,
            snapshot=None,
            tier=found.tier,
            rows=found.rows,
            columns=without_values(found.columns, masked),
            files_read=0,
            seconds=perf_counter() - started,
            first_rows=found.first,
        )

    def _in_footers(self, _: pl.LazyFrame, __: Mapping[str, str]) -> Statistics | None:
        """What the files say of the columns; None if they say nothing."""
        return None

    def _is_countable(self) -> bool:
        """Whether its rows can be counted without much reading."""
        size = self.record().bytes
        return size is not None and size <= _SAMPLED_BYTES

    def state(self) -> str | None:
        """Changes with its files; None if it has none."""
        found = self.record()
        if found.updated_at is None:
            return None
        return f"{found.updated_at.isoformat()} {found.bytes}"

    def check_own(self) -> None:
        """Raise Conflict: its domain alone writes it."""
        owner = self.domain.name
        raise Conflict(
            f"{self.name.text} is a table of {owner}.",
            f"Only {owner} writes it. It has no snapshots, and is read as it is now.",
            "Read it with SQL, ml.dataset or a preview; to change rows, write them into another"
            " dataset.",
        )

    def explained(self) -> AbstractContextManager[None]:
        """Turn what fails while its domain's files are read into what, why and fix."""
        return _explained(self.domain, self.name)


def _columns(rows: pl.LazyFrame) -> list[Column]:
    return [
        Column(name=name, type=short_dtype(dtype), required=False, doc="")
        for name, dtype in rows.collect_schema().items()
    ]


def table_of_domain(project: Project, name: DatasetName) -> DomainTable | None:
    """The table of that name; None if no domain has it. Nothing of it is read."""
    found = domain_of(name.namespace)
    if found is None or not found.tables or name.snapshot is not None:
        return None
    with _explained(found, name):
        tables = _tables(found, project)
        there = tables.has(name.table)
    return DomainTable(found, tables, name) if there else None


def tables_of_domains(
    project: Project, chosen: Collection[str] | None
) -> tuple[list[DomainTable], str]:
    """The tables of these domains, or of all, by name, without those that need another domain; and
    which domains cannot list theirs.
    """
    tables, notes = list[DomainTable](), list[str]()
    for item in domains():
        if not item.tables or (chosen is not None and item.name not in chosen):
            continue
        try:
            with _explained(item, None):
                found = _tables(item, project)
                names = [
                    DatasetName(item.name, name)
                    for name in found.names()
                    if chosen is None or set(found.needs(name)) <= set(chosen)
                ]
        except MLInfraError as error:
            notes.append(f"Tables of {item.name} are not listed: {error.what} {error.why}".strip())
        else:
            tables += [DomainTable(item, found, name) for name in names]
    return sorted(tables, key=lambda table: table.name.text), " ".join(notes)


def _tables(domain: Domain, project: Project) -> Tables:
    return cast("Tables", load(domain.tables)(project))


@contextmanager
def _explained(domain: Domain, name: DatasetName | None) -> Iterator[None]:
    """Turn what fails while a domain's files are read, or in another package, into what, why and
    fix. name: None for all of its tables.
    """
    try:
        with guarded(domain.name, own=domain in ours()):
            yield
    except _unreadable() as error:
        what = f"{name.text} cannot be read." if name else "They cannot be read."
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
        raise Unavailable(what, why, f"Look at the disk, and at the files of {domain.name}.") from (
            error
        )


def _unreadable() -> tuple[type[Exception], ...]:
    import polars as pl

    return OSError, ValueError, pl.exceptions.PolarsError
