"""The content of what steps take and make, as short ids: files by their bytes, references by their
domains.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import file_digest, sha256
from pathlib import Path

from ..core.errors import BadRequest, NotFound, Unavailable, Unprocessable
from .references import kind_of, name_of
from .store import RunStore

Fingerprints = Mapping[str, Callable[[str], str | None]]
"""Kind → function that returns the content id of a name, or None if it does not exist."""

_NOT_CONTENT = {".ipynb_checkpoints", "__pycache__"}
# A file that changed this shortly before it was read might change again within one tick of its
# clock: its digest is not kept.
_SETTLED_SECONDS = 2.0


class Contents:
    """Content ids, each looked up once until `forget`."""

    def __init__(self, root: Path, store: RunStore, fingerprints: Fingerprints) -> None:
        self._root = root
        self._store = store
        self._fingerprints = fingerprints
        self._ids: dict[str, str | None] = {}
        self._stamps: dict[str, str] = {}
        self._keeps = True

    def of(self, reference: str) -> str | None:
        """Content id, None if the thing does not exist. Raises Unprocessable for a file that cannot
        be read.
        """
        if reference not in self._ids:
            kind = kind_of(reference)
            self._ids[reference] = (
                self._of_path(reference)
                if kind == "file"
                else self._of_reference(kind, name_of(reference))
            )
        return self._ids[reference]

    def exists(self, reference: str) -> bool:
        """Whether the thing exists. Files are not read, however large. Raises Unprocessable for a
        file that may not be read.
        """
        if kind_of(reference) != "file":
            return self.of(reference) is not None
        path = self._root / reference
        try:
            exists = path.is_file() or path.is_dir()
            if exists and not os.access(path, os.R_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise _unreadable(path, error) from error
        return exists

    def stamp(self, reference: str) -> str:
        """Differs from an earlier stamp if the content was changed in between, even if it is the
        same again: for files, times and inodes.
        """
        content = self.of(reference)
        return self._stamps.get(reference, content or "")

    def forget(self) -> None:
        """Something may have changed: look everything up again."""
        self._keeps = True
        self._ids.clear()
        self._stamps.clear()

    def _of_reference(self, kind: str, name: str) -> str | None:
        # A version belongs to its model: `version:m@champion` is what the model's domain calls
        # `m@champion`.
        resolve = self._fingerprints.get(kind) or (
            self._fingerprints.get("model") if kind == "version" else None
        )
        if resolve is None:
            raise BadRequest(
                f"{kind}:{name} cannot be looked up.",
                f"Nothing here knows {kind}s.",
                "Open the project through Workbench.",
            )
        try:
            return resolve(name)
        except NotFound:
            return None

    def _of_path(self, reference: str) -> str | None:
        path = self._root / reference
        stamps: list[str] = []
        try:
            if path.is_dir():
                listing = [
                    [place, self._digest(item, stamps) if isinstance(item, Path) else item]
                    for place, item in _listing(path)
                ]
                content = sha256(json.dumps(listing).encode()).hexdigest()
            elif path.is_file():
                content = self._digest(path, stamps)
            else:
                return None
        except OSError as error:
            raise _unreadable(path, error) from error
        self._stamps[reference] = sha256("\n".join([content, *stamps]).encode()).hexdigest()[:16]
        return content

    def _digest(self, path: Path, stamps: list[str]) -> str:
        status = path.stat()
        stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        stamps.append(stamp)
        # A name that is not UTF-8 has halves of characters (surrogates), which SQLite does not
        # accept.
        name = str(path).encode(errors="backslashreplace").decode()
        stored = self._store.file_digest(name, stamp)
        if stored is not None:
            return stored
        with open(path, "rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        if self._keeps and time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
            try:
                self._store.keep_file_digest(name, stamp, digest)
            except Unavailable:  # another process writes: do not wait for it at each file
                self._keeps = False
        return digest


def _unreadable(path: Path, error: OSError) -> Unprocessable:
    return Unprocessable(
        f"{path} cannot be read.",
        f"{error.strerror or error}.",
        "Give this user the right to read it.",
    )


def _listing(folder: Path) -> Iterator[tuple[str, Path | str]]:
    """Each file below a folder with its place, links followed, in the same order everywhere.

    A folder that is reached by several links, or by a loop, is listed once; the other times it
    yields the place where it was listed.
    """
    seen = {os.path.realpath(folder): "."}
    for folder_path, names, files in os.walk(folder, followlinks=True):
        inside = Path(folder_path).relative_to(folder)
        found = sorted(name for name in names if name not in _NOT_CONTENT)
        names.clear()
        for name in found:
            place = (inside / name).as_posix()
            first = seen.setdefault(os.path.realpath(folder / place), place)
            if first == place:
                names.append(name)
            else:
                yield place, first
        for name in sorted(files):
            if (path := Path(folder_path) / name).is_file():
                yield (inside / name).as_posix(), path
