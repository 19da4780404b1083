"""What all verbs of the feature store stand on: the registry's copy, and Feast."""

from __future__ import annotations

import difflib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound, Unprocessable
from ...core.passwords import without_passwords
from ...core.records import now
from ...core.refs import decoded, named
from ..definitions import Definition, Registered, ServiceSpec, split_version
from ..online import OnlineReader
from ..settings import FeatureSettings
from ..spec import Unapplied
from ..store import REMOTE_SECONDS, FeatureFiles
from ..worker import call

if TYPE_CHECKING:
    from feast import FeatureStore

    from ...core.lineage import Edge
    from ...core.project import Project
    from ..knowing.uses import Uses

_log = logging.getLogger(__name__)


def _nothing(_: Sequence[str]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Above:
    """What higher domains tell of what was made from features. names: of objects whose references
    hold an id, by reference. aliases: of models, alias → version.
    """

    names: Callable[[Sequence[str]], Mapping[str, str]] = _nothing
    aliases: Callable[[Sequence[str]], Mapping[str, Mapping[str, int]]] = _nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """What the last look-up asked for: the next often asks for the same."""

    found: Registered
    settings: Mapping[str, Any]
    features: tuple[str, ...]
    requested: Mapping[str, Sequence[str]]
    views: Mapping[str, Definition]

    def same(self, found: Registered, settings: Mapping[str, Any], features: Sequence[str]) -> bool:
        """Whether these features are asked for again, with the same definitions and settings."""
        is_same = self.found is found and self.settings is settings
        return is_same and self.features == tuple(features)


class FeatureVerbs:
    """The feature store of one project, and what is named in it; a base of the other verbs."""

    def __init__(self, project: Project, *, above: Above | None = None) -> None:
        """above: what is asked of the domains above this one."""
        self._project = project
        self._above = above or Above()
        self._store = FeatureFiles(project)
        self._online = OnlineReader(project)
        self._lock = threading.Lock()  # one read of the registry at a time
        self._opening = threading.Lock()  # separate: a panel must not wait for Feast to load
        self._feast: tuple[str, dict[str, Any], FeatureStore] | None = None
        self._renewing = threading.Lock()  # one renewal of the copy at a time
        self._indexed: tuple[Registered, str] | None = None  # the fingerprint of the search
        self._tags: tuple[Registered, Collection[str]] | None = None
        self._told: tuple[Sequence[Edge], Uses] | None = None
        self._asked: Asked | None = None  # by the last look-up
        self._not_before = 0.0  # the clock of the next one, after one that failed

    def feast(self) -> FeatureStore:
        """Feast's own object for this repository, up to date with the registry."""
        from ..feast_errors import feast_errors
        from ..repo import YAML, configuration, open_store

        with self._opening:
            state, settings = self._store.current_mark(), configuration(self._project)
            fix = f"Look at {YAML} and the registry that it names."
            with feast_errors("The feature store cannot be opened.", fix):
                if self._feast is None or self._feast[1] != settings:
                    opened = open_store(self._project)
                    _ = opened.registry  # opens it here
                    self._feast = state, settings, opened
                elif self._feast[0] != state:
                    self._feast[2].refresh_registry()
                    self._feast = state, settings, self._feast[2]
            return self._feast[2]

    def _registered(self) -> Registered:
        with self._lock:
            return self._store.registered(lambda: call(self._project, "index"))

    def _copy(self) -> Registered:
        """What the registry held when it was copied last, so that a look-up needs no registry. If
        it has changed since, the copy is renewed in a thread; one that fails is logged.
        """
        copy = self._store.copy()
        if copy is None:
            return self._registered()
        if not copy.current and not self._renewing.locked() and time.monotonic() > self._not_before:
            threading.Thread(target=self._renew, name="mlinfra-index", daemon=True).start()
        return copy.registered

    def _renew(self) -> None:
        if not self._renewing.acquire(blocking=False):
            return
        try:
            self._registered()
        except Exception as error:  # noqa: BLE001  # each registry raises errors of its own library
            self._not_before = time.monotonic() + REMOTE_SECONDS
            _log.warning(
                "Look-ups go on with the old copy of the registry: %s",
                without_passwords(str(error)),
            )
        finally:
            self._renewing.release()

    def _views(self) -> Mapping[str, Definition]:
        return self._registered().views

    def _view(self, name: str, found: Registered | None = None) -> Definition:
        """A view, or a version of one: `view@v2`. found: what there is, if that is known."""
        name, found = named(name, "view"), found or self._registered()
        if name in found.views:
            return found.views[name]
        view, version = split_version(name)
        if version is not None and (pinned := found.versions.get(f"{view}@v{version}")):
            return pinned
        if view in found.views and version is None:  # view@latest
            return found.views[view]
        if view in found.views:
            kept = [item.name for item in found.versions.values() if item.view == view]
            raise NotFound(
                f"There is no {name}.",
                f"The registry keeps {', '.join(kept) or 'no version of it'}.",
                f"Name one of these, or {view} as it is now.",
            )
        if left := self._left_out().get(name):
            raise Unprocessable(f"{name} is not applied. {left.what}", left.why, left.fix)
        raise NotFound(
            f"There is no view {name}.",
            similar(name, found.views),
            "mlinfra features list shows what there is; apply brings definitions in.",
        )

    def _service(self, name: str, found: Registered | None = None) -> ServiceSpec:
        name, services = named(name, "service"), (found or self._registered()).services
        if name not in services:
            raise NotFound(
                f"There is no service {name}.",
                similar(name, services),
                "mlinfra features services shows what there is; apply brings definitions in.",
            )
        return services[name]

    def _definitions(self, names: Iterable[str]) -> dict[str, Definition]:
        """By name: these views, and all as they are now."""
        return {**self._views(), **{name: self._view(name) for name in names}}

    def _left_out(self) -> dict[str, Unapplied]:
        """Views that the last `apply` left out."""
        return {name: item for name, item in self._store.left_out().items() if item.kind == "view"}

    def _requested(
        self, refs: Sequence[str], found: Registered | None = None
    ) -> dict[str, list[str]]:
        """Requested features by view, or by the version of one (`view@v2`), in the order of the
        request.

        refs: `view:feature`, `view:*`, `service:NAME`, or references. found: what there is, if that
        is known.
        """
        if not refs:
            raise BadRequest(
                "No features were named.",
                fix="Name some as view:feature, or all of a view as view:*.",
            )
        refs = [refs] if isinstance(refs, str) else refs
        found = found or self._registered()
        requested: dict[str, list[str]] = {}
        for ref in [part for asked in refs for part in self._parts(asked, found)]:
            view, _, feature = ref.removeprefix("feature:").partition(":")
            if ref.startswith("feature:"):
                view, feature = decoded(view), decoded(feature)
            elif view == "view" and view not in found.views:
                view, feature = decoded(feature), "*"
            definition = self._view(view, found)
            names = [column.name for column in definition.features]
            if feature not in ("*", *names):
                raise NotFound(
                    f"{view} has no feature {feature or '(none named)'}.",
                    similar(feature, names),
                    f"Name one as {view}:feature, or all as {view}:*.",
                )
            chosen = requested.setdefault(definition.name, [])
            chosen += [
                name for name in (names if feature == "*" else [feature]) if name not in chosen
            ]
        return requested

    def _parts(self, ref: str, found: Registered) -> Sequence[str]:
        """The features of a service, else the reference itself. A view may be called `service`."""
        if not ref.startswith("service:") or "service" in found.views:
            return [ref]
        service = self._service(ref, found)
        if service.renamed:
            raise BadRequest(
                f"The service {service.name} renames {', '.join(service.renamed)}.",
                "Its keys or its name are others there, which references cannot say.",
                "Use feast().get_historical_features or get_online_features with"
                f" features=feast().get_feature_service({service.name!r}).",
            )
        return service.features

    def _now(self) -> datetime:
        at = self._project.settings.of(FeatureSettings).as_of or now()
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def similar(name: str, names: Mapping[str, Any] | Sequence[str]) -> str:
    """The sentence that names those close to it, else those there are."""
    close = difflib.get_close_matches(name, list(names), n=3)
    return (
        f"Close to it: {', '.join(close)}."
        if close
        else f"There are {', '.join(list(names)[:10]) or 'none'}."
    )
