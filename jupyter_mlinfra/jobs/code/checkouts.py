"""Checkouts of snapshots, `trees/ID/`: what jobs run in. `stamps/ID.json` says how their files were
when they were made, because no permission keeps root's jobs from changing them.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .objects import Damaged, Objects
from .own_files import read_mapping, remove_tree, replace_file

Files = Mapping[str, Mapping[str, Any]]
"""The files of a manifest: path → key, size and link."""


class Checkouts:
    """The checkouts of the project at `root`, below the folder of its snapshots."""

    def __init__(self, root: Path, folder: Path, objects: Objects) -> None:
        self._root, self._folder, self._objects = root, folder, objects

    def path(self, ident: str) -> Path:
        """Where the checkout of a snapshot is."""
        return self._folder / "trees" / ident

    def stamps_path(self, ident: str) -> Path:
        """Where the stamps of its files are."""
        return self._folder / "stamps" / f"{ident}.json"

    def changed(self, ident: str, files: Files) -> list[str]:
        """Files of a checkout that have changed since it was created: all of them if it does not
        exist.
        """
        tree, stamps = self.path(ident), read_mapping(self.stamps_path(ident))
        return [
            path
            for path in files
            if path not in stamps or _stamp_of(f"{tree}/{path}") != stamps[path]
        ]

    def restore(self, ident: str, files: Files) -> None:
        """Create the checkout, or restore the frozen files in it; everything else that a job wrote
        there stays. Raises Damaged.
        """
        tree = self.path(ident)
        tree.parent.mkdir(exist_ok=True)
        changed = self.changed(ident, files)
        draft = Path(tempfile.mkdtemp(dir=tree.parent, prefix=".tree."))
        try:
            for path in changed:
                self._place(path, files[path], _real_folder(draft, path))
            if tree.is_dir():
                for path in changed:
                    os.replace(draft / path, _real_folder(tree, path))
            else:
                os.rename(draft, tree)
        except Damaged:
            self._objects.drop_damaged({item["key"] for item in files.values() if item["key"]})
            raise
        finally:
            remove_tree(draft)
        stamps = {path: stamp(os.lstat(f"{tree}/{path}")) for path in changed}
        replace_file(
            self.stamps_path(ident),
            json.dumps({**read_mapping(self.stamps_path(ident)), **stamps}).encode(),
        )

    def _place(self, path: str, item: Mapping[str, Any], place: str) -> None:
        if item["link"]:
            os.symlink(self._link_target(path, item["link"]), place)
        else:
            self._objects.copy(item["key"], place, name=path)

    def link(self, ident: str, path: str) -> None:
        """A link from the checkout to what is not code, if there is none yet: a job that runs from
        here sees new files, and loses nothing.
        """
        self._link(self.path(ident), path)

    def _link(self, tree: Path, path: str) -> None:
        place, target = f"{tree}/{path}", f"{self._root}/{path}"
        if os.path.islink(place):
            return
        # A folder of both: the notebook that runs is in a folder that git ignores.
        if os.path.isdir(place) and os.path.isdir(target):
            for name in os.listdir(target):
                self._link(tree, f"{path}/{name}")
        elif not os.path.lexists(place) and Path(os.path.dirname(place)).resolve().is_relative_to(
            tree.resolve()
        ):
            with contextlib.suppress(FileExistsError):  # a job has just created it
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.symlink(target, place)

    def _link_target(self, path: str, target: str) -> str:
        """A relative link that leaves the project would point nowhere from the checkout."""
        real = os.path.normpath(self._root / Path(path).parent / target)
        return (
            target
            if real.startswith(f"{self._root}{os.sep}") and not os.path.isabs(target)
            else real
        )


def stamp(status: os.stat_result) -> list[int]:
    """What changes when a file does."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _stamp_of(path: str) -> list[int] | None:
    try:
        return stamp(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _real_folder(tree: Path, path: str) -> str:
    """Where `path` is below `tree`, after creating its folders; none of them may be a link, which a
    job may have put there to lead out of it.
    """
    folder = str(tree)
    for part in path.split("/")[:-1]:
        folder = f"{folder}/{part}"
        if os.path.islink(folder):
            os.unlink(folder)
        if not os.path.isdir(folder):
            os.mkdir(folder)
    return f"{tree}/{path}"
