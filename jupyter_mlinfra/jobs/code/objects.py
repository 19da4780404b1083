"""The store of files by their digest, `objects/ab/cdef…`: read-only copies, shared by snapshots."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterable
from functools import partial
from hashlib import blake2b
from pathlib import Path

from ...core.errors import Unprocessable
from ...core.files import make_below, open_regular
from .own_files import beating, entries

_CHUNK = 1 << 20
_EXECUTABLE = "x"
"""Ends the key of an executable file."""


class Damaged(Unprocessable):
    """A snapshot does not hold what was put into it."""


class Objects:
    """The objects below `folder`, the one of the snapshots."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where an object is."""
        return self._folder / "objects" / key[:2] / key[2:]

    def store(self, source: Path, *, executable: bool) -> str:
        """Copy a file into the store under the digest of the copy: a torn read is at least the same
        everywhere. Returns its key.
        """
        self._folder.mkdir(exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".object.")
        try:
            digest = blake2b(digest_size=20)
            with (
                os.fdopen(handle, "wb") as target,
                os.fdopen(open_regular(source, follow=True), "rb") as file,
            ):
                while part := file.read(_CHUNK):
                    digest.update(part)
                    target.write(part)
            key = digest.hexdigest() + (_EXECUTABLE if executable else "")
            place = self.path(key)
            make_below(self._folder, place.parent)
            os.chmod(draft, _mode(key))
            os.replace(draft, place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        return key

    def copy(self, key: str, target_path: str, *, name: str) -> None:
        """Write an object as a new file. name: for errors. Raises Damaged if its content does not
        match its key.
        """
        digest = blake2b(digest_size=20)
        with open(self.path(key), "rb") as source, open(target_path, "xb") as target:
            while part := source.read(_CHUNK):
                digest.update(part)
                target.write(part)
            os.fchmod(target.fileno(), _mode(key))
        if digest.hexdigest() != key.removesuffix(_EXECUTABLE):
            raise Damaged(
                f"The frozen {name} is damaged.",
                "Its copy in the state folder is not what was stored.",
                "Submit the job again.",
            )

    def drop_damaged(self, keys: Iterable[str]) -> None:
        """Remove the objects whose content does not match their key: the next snapshot stores them
        again.
        """
        for key in keys:
            with contextlib.suppress(FileNotFoundError), open(self.path(key), "rb") as file:
                digest = hashlib.file_digest(file, partial(blake2b, digest_size=20))
                if digest.hexdigest() != key.removesuffix(_EXECUTABLE):
                    self.path(key).unlink()

    def prune(self, used: Collection[str], beat: Callable[[], object]) -> None:
        """Remove the objects that are not used. beat: called before each."""
        for shelf in entries(self._folder / "objects"):
            for item in beating(entries(shelf), beat):
                if shelf.name + item.name not in used:
                    item.unlink()


def _mode(key: str) -> int:
    return 0o500 if key.endswith(_EXECUTABLE) else 0o400
