"""The verb that says who saw masked values."""

from __future__ import annotations

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
        with table.explained():
            return self._revealing.hidden(table, columns, reveal, verb=verb)

    def check_trial(self, name: str, reveal: Reveal) -> None:
        """Write down that the dry run of an upsert is asked of a dataset with masked columns: its
        counts tell which of the new values are there. Raises Forbidden if the viewer may not see
        them. There is nothing to tell of a dataset that is not there yet.
        """
        table = self._tables.find(self.named(name))
        try:
            with table.explained():
                columns = [column.name for column in table.detail().schema]
                masked = {*table.masked(columns), *table.personal(columns)}
        except NotFound:
            return
        if masked:
            self._revealing.trial(table.name.text, masked, reveal)

    def audit(
        self, name: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Revealed]:
        """Masked values that were shown to somebody, newest first; of one dataset or of all, also
        of those that are gone.
        """
        dataset = None if name is None else whole(name).text
        return self._revealing.entries(dataset, limit=limit, cursor=cursor)
