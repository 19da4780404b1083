"""Which tables a rule in SQL reads: datasets and tables in place, in a state that it may name."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Forbidden, NotFound
from ..names import DatasetName
from ..uuids import UUID, Uuids
from .asking import Answered, Given, Where, answered, check_statement, try_on_nothing
from .masked import told

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ..querying.views import Readable
    from ..querying.words import Named
    from ..tables.finding import Finder
    from .statements import Select


class Selecting:
    """The rules of one project."""

    def __init__(self, project: Project, tables: Finder) -> None:
        self._project, self._tables = project, tables

    def where(
        self,
        dataset: DatasetName,
        check: Select,
        mine: Readable,
        *,
        masked: Collection[str] = (),
        shown: Collection[str] = (),
    ) -> Where:
        """Where a rule of a dataset is asked. mine: what the dataset is. masked: columns of it that
        are not tagged yet. shown: masked columns of it whose values the viewer sees.
        """
        from ..querying.engine import Limits

        def find(named: Named) -> Readable | None:
            if named.text == dataset.text and not (named.at or named.moment):
                return mine
            return self._named(named)

        found = told(self._project, dataset.text, check)
        own = {*found.get(dataset.text, ()), *check.named(masked)}
        return Where(
            dataset=dataset.text,
            find=find,
            limits=Limits.of(self._project),
            told={**found, dataset.text: own},
            shown=shown,
        )

    def check(self, dataset: DatasetName, check: Select) -> None:
        """Raise if a rule cannot be asked of a dataset; of one that does not exist yet, nothing is
        known.
        """
        mine = self._tables.find(dataset)
        try:
            mine.scan().collect_schema()
        except NotFound:
            check_statement(check, dataset.text)
        else:
            try_on_nothing(check, self.where(dataset.whole, check, mine))

    def of_rows(
        self,
        dataset: DatasetName,
        check: Select,
        rows: pl.LazyFrame,
        *,
        masked: Collection[str],
        uuids: Uuids,
    ) -> Answered:
        """What a rule finds in rows that its dataset will have."""
        import polars as pl

        schema = rows.collect_schema()
        bytes_of = {
            name: kind
            for name, kind in uuids.items()
            if kind != UUID or schema.get(name) == pl.Binary()
        }
        mine = Given(name=dataset, rows=rows, masked=masked, bytes_of=bytes_of)
        return answered(check, self.where(dataset, check, mine, masked=masked))

    def _named(self, named: Named) -> Readable | None:
        """A table that a query names; None if there is none."""
        state = named.at or named.moment
        try:
            name = DatasetName.parse(f"{named.text}@{state}" if state else named.text)
        except BadRequest:
            return None
        table = self._tables.find(name)
        if table.needs():
            raise Forbidden(
                f"A rule cannot read {named.text}.",
                "It is a table of another domain, which not everybody may read.",
                "Write its rows into a dataset first: mlinfra catalog sql … --out NAMESPACE.TABLE",
            )
        try:
            table.state()
        except NotFound:
            if state:
                raise
            return None
        return table
