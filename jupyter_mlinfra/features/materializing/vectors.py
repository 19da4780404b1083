"""Vectors of services with `precompute_online`, from which Feast's SDK answers. They are made of
the rows online, so they are renewed after these; what a killed run left old, the next one renews.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ...core.events import telling
from ...core.files import write_atomic

if TYPE_CHECKING:
    from feast import FeatureStore

    from ...core.project import Project


class Vectors:
    """The vectors of a project, under its lock of features."""

    def __init__(self, project: Project, feast: FeatureStore) -> None:
        self._feast = feast
        self._used = {
            service.name: {view.name for view in service.feature_view_projections}
            for service in feast.registry.list_feature_services(feast.project)
            if service.precompute_online
        }
        self._file = project.folder("features") / "vectors.json"
        self._old = self._noted() if self._used else set()

    def outdate(self, view: str) -> None:
        """Rows of a view are about to be written. Raises Unavailable on a full disk."""
        if any(view in used for used in self._used.values()) and view not in self._old:
            self._note({*self._old, view})

    def renew(self) -> None:
        """Renew those whose rows are newer. What fails is logged, and left to the next run."""
        if not self._old:
            return
        left: set[str] = set()
        for service, used in self._used.items():
            if not (views := used & self._old):
                continue
            renewed = False
            with telling(f"service {service} is precomputed"):
                self._feast.precompute_feature_service(service)
                renewed = True
            if not renewed:
                left |= views
        self._note(left)

    def _noted(self) -> set[str]:
        with contextlib.suppress(OSError, ValueError):
            found: Any = json.loads(self._file.read_text())
            return set(found)
        return set()

    def _note(self, views: Collection[str]) -> None:
        write_atomic(self._file, json.dumps(sorted(views)).encode())
        self._old = set(views)
