"""What all verbs of the feature store stand on: the registry's copy, and Feast."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound
from ...core.records import now
from ...core.refs import decoded, named
from ..definitions import Definition
from ..online import OnlineReader
from ..settings import FeatureSettings
from ..store import FeatureFiles
from ..worker import call

if TYPE_CHECKING:
    from feast import FeatureStore

    from ...core.project import Project


class FeatureVerbs:
    """The feature store of one project, and what is named in it; a base of the other verbs."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = FeatureFiles(project)
        self._online = OnlineReader(project)
        self._lock = threading.Lock()  # one read of the registry at a time
        self._opening = threading.Lock()  # separate: a panel must not wait for Feast to load
        self._feast: tuple[str, FeatureStore] | None = None

    def feast(self) -> FeatureStore:
        """Feast's own object for this repository, up to date with the registry."""
        from ..repo import open_store, reaching_registry

        with self._opening:
            state = self._store.current_mark()
            with reaching_registry("The feature store cannot be opened."):
                if self._feast is None:
                    opened = open_store(self._project)
                    _ = opened.registry  # opens it here
                    self._feast = state, opened
                elif self._feast[0] != state:
                    self._feast[1].refresh_registry()
                    self._feast = state, self._feast[1]
            return self._feast[1]

    def _views(self) -> dict[str, Definition]:
        with self._lock:
            return self._store.definitions(lambda: call(self._project, "index"))

    def _view(self, name: str, views: Mapping[str, Definition] | None = None) -> Definition:
        name, views = named(name, "view"), self._views() if views is None else views
        if name not in views:
            raise NotFound(
                f"There is no view {name}.",
                _similar(name, views),
                "mlinfra features list shows what there is; apply brings definitions in.",
            )
        return views[name]

    def _requested(
        self, refs: Sequence[str], views: Mapping[str, Definition] | None = None
    ) -> dict[str, list[str]]:
        """Requested features by view, in the order of the request. views: all, if they are
        known.
        """
        if not refs:
            raise BadRequest(
                "No features were named.",
                fix="Name some as view:feature, or all of a view as view:*.",
            )
        views = self._views() if views is None else views
        requested: dict[str, list[str]] = {}
        for ref in refs:
            view, _, feature = ref.removeprefix("feature:").partition(":")
            if ref.startswith("feature:"):
                view, feature = decoded(view), decoded(feature)
            elif view == "view" and view not in views:
                view, feature = decoded(feature), "*"
            names = [column.name for column in self._view(view, views).features]
            if feature not in ("*", *names):
                raise NotFound(
                    f"{view} has no feature {feature or '(none named)'}.",
                    _similar(feature, names),
                    f"Name one as {view}:feature, or all as {view}:*.",
                )
            chosen = requested.setdefault(view, [])
            chosen += [
                name for name in (names if feature == "*" else [feature]) if name not in chosen
            ]
        return requested

    def _now(self) -> datetime:
        at = self._project.settings.of(FeatureSettings).as_of or now()
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def _similar(name: str, names: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=3)
    return (
        f"Close to it: {', '.join(close)}."
        if close
        else f"There are {', '.join(list(names)[:10]) or 'none'}."
    )
