"""All routes, by path below `/mlinfra/api`; a part in braces is one part of the path."""

from __future__ import annotations

import logging
import re

from ..core.domain import Domain, load
from ..core.domains import domains
from ..faces.handler import Handler
from . import workbench

PREFIX = "/mlinfra/api/"
_log = logging.getLogger(__name__)


def _routes() -> dict[str, type[Handler]]:
    found: dict[str, type[Handler]] = {}
    for item in domains():
        for path, handler in _routes_of(item).items():
            if path in found or path in workbench.ROUTES:
                _log.warning("The route %s of %s is left out: it is taken.", path, item.name)
            found.setdefault(path, handler)
    return found | workbench.ROUTES


def _routes_of(domain: Domain) -> dict[str, type[Handler]]:
    """The routes of a domain; of one that another package has and that cannot be loaded, none."""
    try:
        return load(domain.routes) if domain.routes else {}
    except Exception as error:
        if domain.routes.startswith(f"{__name__.partition('.')[0]}."):
            raise
        _log.warning("%s has no routes: %s: %s", domain.name, type(error).__name__, error)
        return {}


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
