"""The verb that asks in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Conflict, Forbidden, NotFound
from ...core.viewer import Reveal
from .. import metadata as records
from ..intake import FrameRows
from ..names import DatasetName
from ..querying.answers import Found, SqlAnswer
from ..querying.words import Named
from ..spec import IngestReport
from .base import Verbs

if TYPE_CHECKING:
    import polars as pl

    from ..tables import ReadTable


class SqlVerbs(Verbs):
    """SQL; a base of `Catalog`."""

    def sql(
        self,
        query: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        limit: int | None = None,
        reveal: Reveal = False,
    ) -> pl.DataFrame:
        """The answer to one SELECT over datasets (`FROM flights.departures`), over the tables that
        other domains have (`FROM monitoring.flights_series`), and over what is registered in place.

        An earlier state: `flights.departures@SNAPSHOT`, `@TAG`, `FOR VERSION AS OF`, `FOR TIMESTAMP
        AS OF`. parameters: values of `$name`. limit: most rows; None for all. reveal: who sees
        values of masked columns too, which is recorded.
        """
        return self._sql_answer(query, parameters, limit, reveal).frame

    def sql_into(
        self,
        query: str,
        *,
        into: str,
        parameters: Mapping[str, Any] | None = None,
        limit: int | None = None,
        reveal: Reveal = False,
    ) -> IngestReport:
        """Write the whole answer to one SELECT into a dataset, in place of its rows, in one commit
        with its lineage; earlier snapshots stay. Columns made from such with personal data are
        tagged `pii` too. Raises what `sql` and `write` raise, Forbidden for an answer with masked
        values, unless they are revealed, and Conflict if it reads the dataset that it writes, and
        others wrote into that meanwhile.
        """
        from ..querying.storing import made

        name = self.own(into)
        self._store.check_writable(name)
        before = self._newest(name)
        found = self._sql_answer(query, parameters, limit, reveal)
        origin, rows = made(found), FrameRows(found.frame)
        reads_itself = any(ref.partition("@")[0] == name.ref for ref in origin.inputs)

        def check_newest() -> Mapping[str, str]:
            """Rows that were made of the dataset itself replace none that were not read."""
            if reads_itself and self._newest(name) != before:
                raise Conflict(
                    f"{name.text} was not written.",
                    "The query reads it, and others wrote into it meanwhile; those rows would go.",
                    "Run it again.",
                )
            return {}

        return self._writer.write(
            name,
            rows,
            "replace",
            origin.inputs,
            rows.quarantine,
            properties=check_newest,
            stale=lambda _: True,
            personal=origin.personal,
            columns=origin.columns,
        )

    def _newest(self, name: DatasetName) -> str | None:
        """Its state now; None if there is no such dataset."""
        if not self._store.has(name):
            return None
        return records.dataset(name, self._store.metadata(self._store.entry(name))).snapshot

    def answer(
        self,
        query: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        limit: int = 100,
        reveal: Reveal = False,
        domains: Collection[str] | None = None,
    ) -> SqlAnswer:
        """As `sql`, in JSON-safe values, with the types, the snapshots that were read, and the
        columns that are masked. domains: whose tables may be read; None for those of all. Raises
        Forbidden for a table of another domain.

        In the Jupyter server the query runs in a process of its own (see `apart`).
        """
        if self._children is not None:
            from ..apart.asking import answer_apart

            return answer_apart(
                self._children,
                self._project,
                query=query,
                parameters=parameters or {},
                limit=limit,
                reveal=reveal,
                domains=domains,
            )
        return self._sql_answer(query, parameters, limit, reveal, domains).answer()

    def _sql_answer(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        limit: int | None,
        reveal: Reveal,
        domains: Collection[str] | None = None,
    ) -> Found:
        from ..querying.engine import Limits
        from ..querying.running import run
        from ..querying.views import Query

        self._revealing.check(reveal)
        return run(
            Query(
                text=query,
                parameters=parameters or {},
                limit=limit,
                limits=Limits.of(self._project),
                find=lambda named: self._named_in_sql(named, domains),
                hidden=lambda table, names: self._revealing.hidden(
                    table, names, reveal, verb="sql"
                ),
            )
        )

    def _named_in_sql(self, named: Named, domains: Collection[str] | None) -> ReadTable | None:
        """The table that a query names; None if there is none."""
        named = self._written(named)
        text = f"{named.text}@{named.at}" if named.at else named.text
        try:
            name = self.named(text)
        except BadRequest:
            name = DatasetName.of(named.text)
            if named.at or not self._store.has(name):
                return None
        if named.moment:
            name = self._at_moment(name, named.moment)
        table = self._tables.find(name)
        missing = [] if domains is None else [one for one in table.needs() if one not in domains]
        if missing:
            raise Forbidden(
                f"You may not read {name.text}.",
                f"You may not read {' and '.join(missing)}, which has it.",
                "Ask whoever runs the server.",
            )
        try:
            table.state()
        except NotFound:
            if named.at or named.moment:
                raise
            return None
        return table

    def _written(self, named: Named) -> Named:
        """The name in the letters that the catalog has for it, since SQL takes small and capital
        letters for the same. Raises BadRequest where two tables differ in that alone.
        """
        name = DatasetName.of(named.text)
        if self._store.has(name) or self._registrations.get(name) is not None:
            return named
        entries = [entry.name for entry in self._store.entries()]
        registered = [item.name.text for item in self._registrations.all()]
        alike = {text for text in (*entries, *registered) if text.lower() == named.text.lower()}
        if len(alike) > 1:
            raise BadRequest(
                f"Which table is {named.text}?",
                f"The catalog has {' and '.join(sorted(alike))}.",
                "Write the name as the catalog does.",
            )
        return replace(named, parts=tuple(alike.pop().split("."))) if alike else named

    def _at_moment(self, name: DatasetName, text: str) -> DatasetName:
        """The name with the snapshot that was the newest at a time, in UTC unless it says another
        zone.
        """
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise BadRequest(
                f"{text[:40]!r} is not a time.", fix="For example '2026-03-01 12:00:00'."
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not self._store.has(name) and self._registrations.get(name) is not None:
            return self._tables.settled(name.at(moment.isoformat()))
        metadata = self._store.metadata(self._store.entry(name))
        for entry in records.ancestors(metadata, metadata.get("current-snapshot-id")):
            if entry["timestamp-ms"] <= moment.timestamp() * 1000:
                return name.at(entry["snapshot-id"])
        raise NotFound(
            f"{name.text} has no snapshot of {text}.",
            "All that are kept are newer.",
            f"mlinfra catalog snapshots {name.text}",
        )
