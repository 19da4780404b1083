"""Files of a local warehouse are on disk before the catalog names them, so that a power cut cannot
leave a table that points to nothing.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from ..core.files import sync_folder


class DurableFileIO(PyArrowFileIO):
    """pyiceberg's file access, with every local file synced when it is closed."""

    def new_output(self, location: str) -> PyArrowFile:
        file = super().new_output(location)
        scheme, _, path = self.parse_location(location, self.properties)
        return _LocalFile(location, path) if scheme == "file" else file


class _LocalFile(PyArrowFile):
    def __init__(self, location: str, path: str) -> None:
        from pyarrow.fs import LocalFileSystem

        super().__init__(location=location, path=path, fs=LocalFileSystem())
        self._local = Path(path)

    def create(self, overwrite: bool = False) -> Any:
        """A stream into the file. Raises FileExistsError if the file exists and may not be
        replaced.
        """
        _create_folder(self._local.parent)
        return io.BufferedWriter(_Synced(str(self._local), "wb" if overwrite else "xb"), 1 << 20)


class _Synced(io.FileIO):
    def close(self) -> None:
        if not self.closed:
            try:
                os.fsync(self.fileno())
            finally:
                super().close()
            sync_folder(Path(str(self.name)).parent)


def _create_folder(folder: Path) -> None:
    """Create a folder and force its entry to disk."""
    if not folder.is_dir():
        _create_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
