"""The metadata files of tables, parsed; files never change, so the newest of each is read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..metadata import checked
from ..names import DatasetName
from .opening import Opening

_MAX_CACHED = 4096  # tables


class Documents:
    """The metadata files of one catalog; safe to share between threads."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._parsed: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def metadata(self, name: DatasetName, location: str) -> Mapping[str, Any]:
        """The file of a table. Raises Unavailable if it is gone, Unprocessable if it is damaged."""
        parsed_location, metadata = self._parsed.get(name.text, ("", {}))
        if parsed_location != location:
            with self._opening.faults.explained(f"{name.text} cannot be read."):
                metadata = checked(name, self._read(location), location)
            if len(self._parsed) >= _MAX_CACHED:
                self._parsed.clear()
            # Each commit writes a longer file, so only a table's newest is kept.
            self._parsed[name.text] = (location, metadata)
        return metadata

    def _read(self, location: str) -> bytes:
        path = location.removeprefix("file://")
        if path.startswith("/"):
            return Path(path).read_bytes()
        from pyiceberg.io import load_file_io

        with (
            load_file_io(self._opening.iceberg.properties, location)
            .new_input(location)
            .open() as stream
        ):
            data: bytes = stream.read()
        return data
