"""Named places for tables beside the warehouse, each with the keys of its own storage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.errors import NotFound
from ...core.secrets import resolve
from ..drivers import check_account, with_region
from ..settings import CatalogSettings

if TYPE_CHECKING:
    from ...core.project import Project

HOT = "hot"
"""The warehouse of the catalog itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tier. properties: of its storage, with secrets resolved; empty for those of the catalog. A
    repr does not show them.
    """

    name: str
    warehouse: str
    properties: Mapping[str, str] = field(repr=False)


class Tiers:
    """The tiers of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._settings = project.settings.of(CatalogSettings)

    @property
    def names(self) -> list[str]:
        """All of them; the warehouse first."""
        return [HOT, *self._settings.tiers]

    def get(self, name: str) -> Place:
        """Raises NotFound for a tier that the settings do not name."""
        if name == HOT:
            warehouse = self._settings.warehouse or str(self._project.home / "warehouse")
            return Place(HOT, plain(warehouse), {})
        if name not in self._settings.tiers:
            raise NotFound(
                f"There is no tier {name!r}.",
                f"Tiers: {', '.join(self.names)}.",
                f'Add it to mlinfra.toml: [catalog.tiers.{name}] with warehouse = "s3://…".',
            )
        tier = self._settings.tiers[name]
        warehouse = tier.warehouse
        if "://" not in warehouse:
            warehouse = str(self._project.root / warehouse)
        properties = {key: resolve(value) for key, value in tier.properties.items()}
        if properties:
            check_account(properties, warehouse)
        return Place(name, plain(warehouse), with_region(properties))

    def of(self, location: str) -> str:
        """The tier of a table, by the place that its location begins with; `hot` for any other."""
        return next((place.name for place in self.others if is_below(location, place)), HOT)

    def properties(self, location: str) -> Mapping[str, str]:
        """What the storage at a location needs beside the catalog's properties."""
        name = self.of(location)
        return {} if name == HOT else self.get(name).properties

    @property
    def others(self) -> list[Place]:
        """All but the warehouse; the longest address first."""
        found = [self.get(name) for name in self._settings.tiers]
        return sorted(found, key=lambda place: len(place.warehouse), reverse=True)


def plain(location: str) -> str:
    """A location in the form in which two can be compared."""
    return re.sub(r"^s3[an]://", "s3://", location.removeprefix("file://")).rstrip("/")


def is_below(location: str, place: Place) -> bool:
    """Whether a location is a place, or in it."""
    return f"{plain(location)}/".startswith(f"{place.warehouse}/")
