"""The content of what steps take and make, as short ids: files by their bytes, references by their domains."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import file_digest, sha256
from pathlib import Path

from ..core.errors import BadRequest, NotFound, Unprocessable
from .references import kind_of, name_of
from .store import Store

Fingerprints = Mapping[str, Callable[[str], str | None]]
"""Kind → function that gives the content id of a name, or None when there is no such thing."""

_NOT_CONTENT = {".ipynb_checkpoints", "__pycache__"}
# A file changed this shortly before it was read might change again within one tick of its clock: its digest is not kept.
_SETTLED_SECONDS = 2.0


class Contents:
    """Content ids, each asked for once until `forget`."""

    def __init__(self, root: Path, store: Store, fingerprints: Fingerprints) -> None:
        self._root = root
        self._store = store
        self._fingerprints = fingerprints
        self._known: dict[str, str | None] = {}

    def of(self, reference: str) -> str | None:
        """Content id, None when there is no such thing. Raises Unprocessable on a file that cannot be read."""
        if reference not in self._known:
            kind = kind_of(reference)
            self._known[reference] = self._of_path(self._root / reference) if kind == "file" else self._of_reference(kind, name_of(reference))
        return self._known[reference]

    def forget(self) -> None:
        """Something may have changed: ask again."""
        self._known.clear()

    def _of_reference(self, kind: str, name: str) -> str | None:
        # A version is named within its model: `version:m@champion` is what the model's domain calls `m@champion`.
        resolve = self._fingerprints.get(kind) or (self._fingerprints.get("model") if kind == "version" else None)
        if resolve is None:
            raise BadRequest(f"{kind}:{name} cannot be looked up.", f"Nothing here knows {kind}s.", "Open the project through Workbench.")
        try:
            return resolve(name)
        except NotFound:
            return None

    def _of_path(self, path: Path) -> str | None:
        try:
            if path.is_dir():
                listing = [[item.relative_to(path).as_posix(), self._digest(item)] for item in _files(path)]
                return sha256(json.dumps(listing).encode()).hexdigest()
            return self._digest(path) if path.is_file() else None
        except OSError as error:
            raise Unprocessable(f"{path} cannot be read.", f"{error.strerror or error}.", "Give this user the right to read it.") from error

    def _digest(self, path: Path) -> str:
        status = path.stat()
        stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        known = self._store.file_digest(str(path), stamp)
        if known is not None:
            return known
        with open(path, "rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
            self._store.keep_file_digest(str(path), stamp, digest)
        return digest


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in one order everywhere."""
    for here, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in _NOT_CONTENT)
        for name in sorted(files):
            path = Path(here) / name
            if path.is_file():
                yield path
