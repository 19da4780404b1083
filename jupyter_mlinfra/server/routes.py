"""All routes, by path below `/mlinfra/api`; a part in braces is one part of the path."""

from __future__ import annotations

import re

from . import catalog, deployments, experiments, features, jobs, monitoring, pipelines, schedules, workbench
from .handler import Handler

PREFIX = "/mlinfra/api/"

ROUTES: dict[str, type[Handler]] = {
    path: handler
    for module in (catalog, features, jobs, pipelines, schedules, experiments, deployments, monitoring, workbench)
    for path, handler in module.ROUTES.items()
}


def handlers() -> list[tuple[str, type[Handler]]]:
    """The routes as Tornado takes them; the last one answers for every other address."""
    found = [(PREFIX + re.sub(r"\{\w+\}", r"([^/]+)", re.escape(path).replace(r"\{", "{").replace(r"\}", "}")), handler) for path, handler in ROUTES.items()]
    return [*found, (PREFIX + "(.*)", workbench.Missing)]
