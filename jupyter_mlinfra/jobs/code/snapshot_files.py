"""The files of one snapshot, whose list is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ...core.errors import NotFound
from .objects import Objects


class SnapshotFiles:
    """What a snapshot held when it was opened. keys: of the objects, by path below the project."""

    def __init__(self, ident: str, keys: Mapping[str, str], objects: Objects) -> None:
        self._ident, self._keys, self._objects = ident, keys, objects

    def changed(self, later: SnapshotFiles) -> list[str]:
        """Paths whose content is another in a later snapshot, or that only one has, sorted."""
        paths = self._keys.keys() | later._keys.keys()
        return sorted(path for path in paths if self._keys.get(path) != later._keys.get(path))

    def __contains__(self, path: str) -> bool:
        return path in self._keys

    def size(self, path: str) -> int:
        """The bytes of a file. Raises NotFound like `read`."""
        return self._found(path, lambda file: file.stat().st_size)

    def read(self, path: str) -> bytes:
        """A file as it was. Raises NotFound if it is not in the snapshot, or was removed."""
        return self._found(path, Path.read_bytes)

    def _found[T](self, path: str, ask: Callable[[Path], T]) -> T:
        key = self._keys.get(path)
        if key is None:
            raise NotFound(
                f"{path} is not in snapshot {self._ident}.",
                "It was not a file of the project then.",
                f"mlinfra jobs code shows what snapshot {self._ident} holds.",
            )
        try:
            return ask(self._objects.path(key))
        except FileNotFoundError:
            raise NotFound(
                f"{path} of snapshot {self._ident} is gone.",
                "It was removed.",
                "Submit the notebook again.",
            ) from None
