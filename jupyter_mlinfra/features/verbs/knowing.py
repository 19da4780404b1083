"""The verbs that tell what is known of a view: rows of a join, statistics, lineage, uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from ...core.lineage import Edge
from ...core.records import Page, page_of
from ...core.refs import reference
from ...core.viewer import Reveal
from ..knowing.uses import Use, records
from ..masking import hidden_of
from ..repo import folder
from .browsing import BrowsingVerbs

if TYPE_CHECKING:
    from ..definitions import Definition
    from ..knowing.spec import Explained, ViewComparison, ViewStatistics

MOST_ROWS = 200


class KnowingVerbs(BrowsingVerbs):
    """What is known of a view; a base of `Features`."""

    def explain(
        self,
        view: str,
        entity: Mapping[str, Any],
        at: datetime | None = None,
        *,
        known_only: bool = False,
        limit: int = 20,
        reveal: Reveal = False,
    ) -> Explained:
        """Which row a join takes for one entity at a time, and why it refuses every other; of a
        view with aggregations, which rows are in each window, and what the window gives.

        entity: its join keys. at: without a zone it is UTC; None: now, or `features.as_of`.
        known_only: rows count only once they are written, as with Feast's
        `filter_by_created_timestamp`. limit: rows that are shown, those nearest in time. reveal:
        who sees values of masked features too, which is recorded. Raises NotFound, BadRequest for a
        key that is missing or of a wrong type, Conflict for a view whose values Feast computes,
        Forbidden if the settings show masked values to nobody.
        """
        from ..knowing.explain import explain

        if not 1 <= limit <= MOST_ROWS:
            raise BadRequest(f"limit={limit} is out of range.", fix=f"1 to {MOST_ROWS} rows.")
        definition, repo = self._view(view), folder(self._project)
        return explain(
            definition,
            repo,
            entity,
            at or self._now(),
            known_only=known_only,
            limit=limit,
            masked=hidden_of(
                self._project, definition, self._views(), reveal, verb="features explain"
            ),
        )

    def statistics(
        self, view: str, *, reveal: Reveal = False, compute: bool = False
    ) -> ViewStatistics:
        """Type, fill, distribution, freshness, drift and skew of each feature of a view. Rows are
        read once for each state of the source. The values of windows are those at a sample of
        events; those of an on-demand view are told from its last stored training set.

        reveal: as in `explain`. compute: run the code of an on-demand view, in this process, on a
        sample of the rows that it is computed from; the answer is kept until these change. Raises
        NotFound, Forbidden, and with `compute` Conflict for another view, Unprocessable if the code
        fails.
        """
        from ..knowing.figures import statistics_of

        found = self._registered()
        return statistics_of(
            self._project,
            self._view(view, found),
            self._now(),
            found.views,
            reveal=reveal,
            feast=self.feast if compute else None,
        )

    def compare_views(self, before: str, after: str) -> ViewComparison:
        """What differs between two versions of a view (`view@v1`), or between two views: features,
        source, ttl, keys, tags, windows, and the text of the transformation, which is not run.
        Raises NotFound.
        """
        from ..knowing.versions import compare

        found = self._registered()
        return compare(self._view(before, found), self._view(after, found))

    def lineage(self, view: str) -> Page[Edge]:
        """What a view was made from, and what was made from it. Raises NotFound."""
        return self._project.lineage.around(reference("view", self._view(view).view))

    def uses(
        self,
        view: str,
        *,
        named: Collection[str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Use]:
        """What was made from the features of a view: versions of models, champions first, then
        runs, datasets, jobs and notebooks, by their names.

        named: domains whose objects are named, of `experiments` and `jobs`; None for both. Raises
        NotFound.
        """
        definition = self._view(view)
        features = {
            reference("feature", definition.view, column.name): column.name
            for column in definition.features
        }
        kinds = {"experiments": "run:", "jobs": "job:"}
        shown = tuple(kind for domain, kind in kinds.items() if named is None or domain in named)
        items = records(
            self._uses(),
            features,
            names=lambda refs: self._above.names([ref for ref in refs if ref.startswith(shown)]),
            aliases=self._above.aliases
            if named is None or "experiments" in named
            else lambda _: {},
        )
        return page_of(items, limit=limit, cursor=cursor)

    def registered_views(self) -> Mapping[str, Definition]:
        """The definitions of all views, by name."""
        return self._views()

    def personal(self, views: Collection[str]) -> frozenset[str]:
        """The names of the features and keys of these views, as training sets call them, that come
        from a column tagged `pii`; a view that is gone has none.
        """
        from ..knowing.masked import masked_features

        found, known, repo = set[str](), self._views(), folder(self._project)
        for name in views:
            if (view := known.get(name)) is not None:
                masked = masked_features(view, repo, known)
                found |= masked | {f"{name}__{feature}" for feature in masked}
        return frozenset(found)
