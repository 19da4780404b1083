"""All routes, by path below `/mlinfra/api`; a part in braces is one part of the path."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from ..core.domain import Domain, load
from ..core.domains import domains, ours
from ..faces.handler import Endpoint, Handler
from . import workbench

PREFIX = "/mlinfra/api/"
_PART = r"([\w.-]+|\{[A-Za-z_]\w*\})"
_PATH = re.compile(rf"{_PART}(/{_PART})*")
_log = logging.getLogger(__name__)


def _routes() -> dict[str, type[Handler]]:
    """Ours first: Tornado takes the first that matches."""
    found: dict[str, type[Handler]] = {}
    for item in ours():
        if item.routes:
            found |= load(item.routes)
    found |= workbench.ROUTES
    for item in domains()[len(ours()) :]:
        for path, handler in _routes_of(item).items():
            if why := "it is taken" if path in found else _fault(item, path, handler):
                _log.warning("The route %s of %s is left out: %s.", path, item.name, why)
            else:
                found[path] = handler
    return found


def _routes_of(domain: Domain) -> Mapping[str, type[Handler]]:
    """The routes of a domain of another package; of one that cannot be loaded, none."""
    try:
        return dict(load(domain.routes)) if domain.routes else {}
    except Exception as error:  # noqa: BLE001  # somebody's package must not stop the extension
        _log.warning("%s has no routes: %s: %s", domain.name, type(error).__name__, error)
        return {}


def _fault(domain: Domain, path: object, handler: object) -> str:
    """Why a route of another package is not served: each of its methods must be guarded by the
    resource of its domain.
    """
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return "its path has other parts than words and {names}"
    if len(names := re.findall(r"{\w+}", path)) > len(set(names)):
        return "its path has a name twice"
    if not isinstance(handler, type) or not issubclass(handler, Handler):
        return "it is not a Handler"
    for verb in handler.SUPPORTED_METHODS:
        method = getattr(handler, verb.lower(), None)
        if method is getattr(Handler, verb.lower(), None):
            continue
        endpoint = getattr(method, "endpoint", None)
        if not isinstance(endpoint, Endpoint):
            return f"its {verb} is not guarded"
        if endpoint.resource != f"mlinfra:{domain.guarded_as}":
            return f"its {verb} is guarded as {endpoint.resource}"
    return ""


ROUTES = _routes()


def handlers() -> list[tuple[str, type[Handler]]]:
    """The routes for Tornado; the last one answers every other address."""
    return [
        *((PREFIX + _pattern(path), handler) for path, handler in ROUTES.items()),
        (PREFIX + "(?P<path>.*)", workbench.Missing),
    ]


def _pattern(path: str) -> str:
    """Each part in braces as a named group: a handler reads it in `path_kwargs`, and its method
    takes it by that name.
    """
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
