"""Who sees masked values: it is written down before they leave."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ...core.errors import Forbidden
from ...core.newest import newest_first
from ...core.records import Page, from_seconds, now, to_seconds
from ...core.viewer import Reveal, Viewer
from ..settings import CatalogSettings
from .records import Revealed

if TYPE_CHECKING:
    from ...core.project import Project
    from ..tables import ReadTable


class Revealing:
    """The masked values of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def check(self, reveal: Reveal) -> None:
        """Raise Forbidden if the settings show masked values to nobody."""
        if reveal and self._project.settings.of(CatalogSettings).reveal == "never":
            raise Forbidden(
                "Masked values are not shown.",
                'The project says so: [catalog] reveal = "never" in mlinfra.toml.',
                "Leave --reveal out (in Python reveal=True), or change that setting.",
            )

    def untag(self, dataset: str, column: str, reveal: Reveal) -> None:
        """Write down that a column is masked no longer, before it is so. Raises Forbidden if the
        settings, or the right of the user, do not allow it.
        """
        self._check_unmasking(f"The tag pii was not taken off {dataset}.{column}.", reveal)
        self.record(dataset, [column], reveal, verb="untag")

    def delete(
        self, dataset: str, columns: Collection[str], reveal: Reveal, *, in_place: bool
    ) -> None:
        """Write down that a dataset with masked columns is deleted, before it is: models that were
        made from it stay masked. The files of one in place show their values under another name:
        raises Forbidden as `untag`.
        """
        if columns and in_place:
            self._check_unmasking(f"{dataset} was not forgotten, nor its tags pii.", reveal)
        if columns:
            self._write(dataset, columns, reveal, verb="delete")

    def _check_unmasking(self, what: str, reveal: Reveal) -> None:
        if self._project.settings.of(CatalogSettings).reveal == "never":
            raise Forbidden(
                what,
                'Its values would be shown: [catalog] reveal = "never" in mlinfra.toml forbids it.',
                "Change that setting first.",
            )
        if not reveal:
            raise Forbidden(
                what,
                "Its values would be shown, and the Jupyter server does not allow you to read"
                " mlinfra:catalog-pii.",
                "Ask whoever runs the server for that right.",
            )

    def may(self, reveal: Reveal) -> bool:
        """Whether the viewer, and the settings, let him see masked values."""
        return bool(reveal) and self._project.settings.of(CatalogSettings).reveal != "never"

    def ask(self, dataset: str, columns: Collection[str], reveal: Reveal) -> None:
        """Write down that a rule asks of the values of masked columns. Raises Forbidden if the
        viewer may not see them.
        """
        if not self.may(reveal):
            raise Forbidden(
                f"Column {min(columns)!r} of {dataset} is masked.",
                "Which rows fail would tell its values (tag pii). To see them needs the right to"
                ' read mlinfra:catalog-pii, and a project without [catalog] reveal = "never".',
                "Of a masked column, ask only whether it is not null or unique.",
            )
        self.record(dataset, columns, reveal, verb="rule")

    def trial(self, dataset: str, columns: Collection[str], reveal: Reveal) -> None:
        """Write down that a dry run compares new rows with masked columns. Raises Forbidden if the
        viewer may not see them.
        """
        if not self.may(reveal):
            raise Forbidden(
                f"Column {min(columns)!r} of {dataset} is masked.",
                "How many rows an upsert would change, or which rules new rows fail, tells its"
                " values (tag pii). To see them needs the right to read mlinfra:catalog-pii, and a"
                ' project without [catalog] reveal = "never".',
                "Run the ingest itself, or look at the file with inspect.",
            )
        self.record(dataset, columns, reveal, verb="dry run")

    def hidden(
        self, table: ReadTable, columns: Sequence[str], reveal: Reveal, *, verb: str
    ) -> Collection[str]:
        """Those of the columns of an answer whose values the viewer does not see. Before he sees
        personal data it is written down. Raises Forbidden as `check`, and Unavailable if it cannot
        be written down.
        """
        masked = table.masked(columns)
        personal = table.personal(columns) if reveal else ()
        if personal:
            self.record(table.name.text, personal, reveal, verb=verb)
        return frozenset(masked) - frozenset(personal)

    def record(self, dataset: str, columns: Collection[str], reveal: Reveal, *, verb: str) -> None:
        """Write down that values of these columns are shown. Raises as `hidden`."""
        self.check(reveal)
        self._write(dataset, columns, reveal, verb=verb)

    def _write(self, dataset: str, columns: Collection[str], reveal: Reveal, *, verb: str) -> None:
        viewer = reveal if isinstance(reveal, Viewer) else Viewer("python")
        look = (verb, dataset, *sorted(columns))
        if look in viewer.noted:
            return
        user = viewer.user or self._project.user
        row = (to_seconds(now()), user, verb, dataset, json.dumps(sorted(columns)))
        with self._project.database.write() as connection:
            connection.execute(
                "INSERT INTO catalog_audit (at, user, verb, dataset, columns, face)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*row, viewer.face),
            )
        viewer.noted.add(look)

    def entries(self, dataset: str | None, *, limit: int, cursor: str | None) -> Page[Revealed]:
        """What was shown to whom, newest first; of one dataset or of all."""
        where, values = ("1", ()) if dataset is None else ("dataset = ?", (dataset,))
        with self._project.database.read() as connection:
            return newest_first(
                connection,
                "catalog_audit",
                _entry,
                where=where,
                values=values,
                limit=limit,
                cursor=cursor,
            )


def _entry(row: sqlite3.Row) -> Revealed:
    return Revealed(
        id=row["id"],
        at=from_seconds(row["at"]),
        user=row["user"],
        verb=row["verb"],
        dataset=row["dataset"],
        columns=json.loads(row["columns"]),
        face=row["face"],
    )
