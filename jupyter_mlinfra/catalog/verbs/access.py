"""The verb that says who saw masked values."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

from ...core.errors import NotFound
from ...core.records import Page
from ...core.viewer import Reveal
from ..access.records import Revealed
from .base import Verbs, whole


class AccessVerbs(Verbs):
    """Who sees what; a base of `Catalog`."""

    def hidden(
        self, name: str, columns: Sequence[str], reveal: Reveal, *, verb: str
    ) -> Collection[str]:
        """Those of the columns of a dataset whose values a viewer does not see; for other domains
        that show them. What he sees although it is tagged `pii` is recorded first, as shown by
        `verb`. Raises Forbidden if the settings do not allow it, NotFound.
        """
        table = self._tables.find(self.named(name))
        self._revealing.check(reveal)
        present, found = set[str](), set[str]()
        with contextlib.suppress(NotFound), table.explained():
            present = {*table.masked(columns)}
            found = {*self._revealing.hidden(table, columns, reveal, verb=verb)}
        gone = (self.personal(name) & {*columns}) - present
        if gone and reveal:
            self._revealing.record(table.name.text, gone, reveal, verb=verb)
            return found
        return found | gone

    def personal(self, name: str) -> frozenset[str]:
        """The columns of a dataset that are tagged `pii`, also those that it had once, or had when
        it was deleted: other domains may keep their values. Raises NotFound for one that is not
        there, and had none.
        """
        from ..personal import deleted_columns, personal_columns

        table = self._tables.find(self.named(name))
        text = table.name.text
        deleted = deleted_columns(self._project, [text]).get(text, frozenset())
        try:
            with table.explained():
                columns = [column.name for column in table.detail().schema]
                found = personal_columns(self._project, [text], dropped=True)
                return deleted | found.get(text, frozenset()) | {*table.masked(columns)}
        except NotFound:
            if deleted:
                return deleted
            raise

    def check_trial(self, name: str, reveal: Reveal, *, by_key: bool) -> None:
        """Write down that a dry run compares new rows with masked values: its counts, or the rules
        that fail, tell which of the new values are there. Raises Forbidden if the viewer may not
        see them. There is nothing to tell of a dataset that is not there yet. by_key: it is an
        upsert, whose counts tell of every column.
        """
        table = self._tables.find(self.named(name))
        dataset = table.name.text
        try:
            with table.explained():
                columns = [column.name for column in table.detail().schema]
                masked = {*table.masked(columns), *table.personal(columns)} if by_key else set()
        except NotFound:
            masked = set()
        found = self._compared(dataset)
        found.setdefault(dataset, set()).update(masked)
        for other, hidden in found.items():
            if hidden:
                self._revealing.trial(other, hidden, reveal)

    def _compared(self, dataset: str) -> dict[str, set[str]]:
        """The masked columns, by their dataset, with which its rules compare new rows."""
        from ..quality.masked import told_by_new_rows
        from ..quality.words import stored_check

        found = dict[str, set[str]]()
        for rule in self._rules.rules(dataset, certain=True):
            told = told_by_new_rows(self._project, dataset, stored_check(rule.text))
            for name, columns in told.items():
                found.setdefault(name, set()).update(columns)
        return found

    def audit(
        self, name: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Revealed]:
        """Masked values that were shown to somebody, newest first; of one dataset or of all, also
        of those that are gone.
        """
        dataset = None if name is None else whole(name).text
        return self._revealing.entries(dataset, limit=limit, cursor=cursor)
