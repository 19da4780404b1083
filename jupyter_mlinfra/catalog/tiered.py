"""Access to files in several tiers: each location with the keys of its own storage."""

from __future__ import annotations

import json
from typing import Any

from pyiceberg.io import InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFile

from .durable import DurableFileIO

TIERS = "mlinfra.tiers"
"""Property of a catalog: JSON, the properties of each place by the beginning of its locations."""


class TieredFileIO(DurableFileIO):
    """pyiceberg's file access, with the keys of the tier in which a file is."""

    def __init__(self, properties: Any) -> None:
        super().__init__(properties)
        places = json.loads(properties.get(TIERS, "{}"))
        self._places = {
            place: DurableFileIO({**properties, **own}) for place, own in places.items()
        }

    def new_input(self, location: str) -> PyArrowFile:
        found = self._of(location)
        return super().new_input(location) if found is None else found.new_input(location)

    def new_output(self, location: str) -> PyArrowFile:
        found = self._of(location)
        return super().new_output(location) if found is None else found.new_output(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        text = location if isinstance(location, str) else location.location
        found = self._of(text)
        if found is None:
            super().delete(location)
        else:
            found.delete(location)

    def _of(self, location: str) -> DurableFileIO | None:
        path = location.removeprefix("file://")
        # The longest address comes first.
        return next(
            (io for place, io in self._places.items() if path.startswith(f"{place}/")), None
        )
