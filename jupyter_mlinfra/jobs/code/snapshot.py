"""Content-addressed snapshots of a project's code: editing a notebook does not affect a waiting
job.

Layout below `snapshots/`: `objects/ab/cdef…` (files by blake2b digest, see `objects`),
`manifests/ID.json` (which path holds which object, and what was left out), `trees/ID/` (a checkout,
made of copies of objects and of symbolic links to what is not code) and `stamps/ID.json` (see
`checkouts`), `diffs/ID.diff` (how the files differ from the commit).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ...core.errors import NotFound, TooLarge, Unavailable
from ...core.files import explain_os_error, file_lock, read_regular, write_atomic
from ...core.records import page_of
from ..spec import CodeDiff, CodePreview, CodeSnapshot, LeftOut
from .checkouts import Checkouts, stamp
from .files import Sources, survey
from .objects import Damaged, Objects
from .own_files import beating, entries, read_mapping, remove_litter, remove_tree, replace_file
from .snapshot_files import SnapshotFiles
from .uncommitted import FILE_BYTES, changes, difference

_FRESH_SECONDS = 3600.0
# A file that changed this shortly before it was read might change again within one tick of its
# clock: its digest is not trusted later.
_SETTLED_NS = 100_000_000
_KEY = re.compile(r"[0-9a-f]{40}x?")
_UNREADABLE = "It cannot be read."


@dataclass(frozen=True, slots=True)
class _Held:
    """One file of a snapshot. key: of its object, empty for a symbolic link. link: the target of a
    link, else empty.
    """

    key: str
    size: int
    link: str


class Snapshots:
    """The snapshots of one project; safe to share between processes."""

    def __init__(self, root: Path, home: Path, *, max_mib: float) -> None:
        self._root, self._home, self._max_bytes = root, home, int(max_mib * 2**20)
        self._folder = home / "snapshots"
        self._objects = Objects(self._folder)
        self._checkouts = Checkouts(root, self._folder, self._objects)

    def take(self, always: Iterable[str]) -> CodeSnapshot:
        """Take a snapshot of the project.

        always: paths below the project that must be in it (the notebook), whatever git ignores and
        however large the rest is. Raises TooLarge if they alone exceed the limit.
        """
        required = tuple(dict.fromkeys(always))
        try:
            with self._locked():
                try:
                    return self._take(required)
                except Damaged:  # the damaged objects have been removed: store them again
                    return self._take(required)
        except OSError as error:
            raise explain_os_error(error, "The code snapshot was not written.") from error

    def show(self, ident: str) -> CodeSnapshot:
        """The content of a snapshot. Raises NotFound if it was removed."""
        manifest = self._manifest(ident)
        sizes = [item["size"] for item in manifest["files"].values()]
        left_out = [LeftOut(**item) for item in manifest["left_out"]]
        return CodeSnapshot(
            id=ident,
            files=len(sizes),
            size=sum(sizes),
            commit=manifest["commit"],
            left_out=left_out,
            uncommitted=manifest.get("uncommitted"),
        )

    def diff(self, ident: str, *, limit: int) -> CodeDiff:
        """How a snapshot differs from its commit, at most `limit` bytes. Raises NotFound if it was
        removed.
        """
        manifest = self._manifest(ident)
        try:
            text = self._diff_path(ident).read_bytes()
        except FileNotFoundError:
            text = b""
        cut = text if len(text) <= limit else text[: text.rfind(b"\n", 0, limit) + 1]
        return CodeDiff(
            id=ident,
            commit=manifest["commit"],
            uncommitted=manifest.get("uncommitted"),
            text=cut.decode(errors="replace"),
            shown=len(cut),
            total=manifest.get("diff_bytes", 0),
        )

    def preview(self, always: Iterable[str], *, limit: int) -> CodePreview:
        """What a snapshot would contain if taken now, its lists cut at `limit`; nothing is stored.
        Raises TooLarge as `take` does.
        """
        sources, _, commit = survey(self._root, self._home)
        chosen, left_out = self._choose(sources, tuple(dict.fromkeys(always)))
        for path in [
            path
            for path in chosen
            if not os.access(self._root / path, os.R_OK, follow_symlinks=False)
        ]:
            left_out.append(LeftOut(path=path, size=chosen.pop(path).st_size, why=_UNREADABLE))
        return CodePreview(
            files=len(chosen),
            size=sum(status.st_size for status in chosen.values()),
            commit=commit,
            uncommitted=page_of(changes(self._root, chosen).files if commit else [], limit=limit),
            left_out=page_of(left_out, limit=limit),
        )

    def files(self, ident: str) -> SnapshotFiles:
        """The files of a snapshot, to read several of them. Raises NotFound if it was removed."""
        files = self._manifest(ident)["files"]
        keys = {path: item["key"] for path, item in files.items() if item["key"]}
        return SnapshotFiles(ident, keys, self._objects)

    def read(self, ident: str, path: str) -> bytes:
        """One file of a snapshot. Raises NotFound if it is not in it, or was removed."""
        return self.files(ident).read(path)

    def tree(self, ident: str) -> Path:
        """The checkout of a snapshot; created if it is missing, repaired if a job changed it."""
        manifest, tree = self._manifest(ident), self.tree_path(ident)
        if not tree.is_dir() or self._checkouts.changed(ident, manifest["files"]):
            with self._locked():
                self._checkouts.restore(ident, manifest["files"])
        return tree

    def tree_path(self, ident: str) -> Path:
        """Where the checkout of a snapshot is."""
        return self._checkouts.path(ident)

    def prune(
        self, *, running: Collection[str], known: Collection[str], beat: Callable[[], object]
    ) -> None:
        """Remove checkouts in which no job waits or runs, and objects that no known job refers to;
        fresh ones stay. beat: called before each piece.
        """
        with self._locked():
            limit = time.time() - _FRESH_SECONDS
            for tree in beating(entries(self._folder / "trees"), beat):
                if tree.name not in running and tree.stat().st_mtime < limit:
                    remove_tree(tree)
                    self._checkouts.stamps_path(tree.name).unlink(missing_ok=True)
            for manifest in beating(entries(self._folder / "manifests"), beat):
                if (
                    manifest.stem not in known
                    and manifest.stem not in running
                    and manifest.stat().st_mtime < limit
                ):
                    manifest.unlink()
                    self._diff_path(manifest.stem).unlink(missing_ok=True)
            used = {
                key
                for path in beating(entries(self._folder / "manifests"), beat)
                for key in self._keys_of(path.stem)
            }
            self._objects.prune(used, beat)
            remove_litter(
                self._folder,
                self._folder / "trees",
                self._folder / "manifests",
                self._folder / "stamps",
                self._folder / "diffs",
            )

    def _keys_of(self, ident: str) -> list[str]:
        """The objects of a snapshot; a damaged one uses none, and is removed. Raises Unavailable if
        what it uses is unknown.
        """
        try:
            return [item["key"] for item in self._manifest(ident)["files"].values()]
        except Damaged:
            self._manifest_path(ident).unlink(missing_ok=True)
            return []

    def _take(self, always: tuple[str, ...]) -> CodeSnapshot:
        sources, not_code, commit = survey(self._root, self._home)
        chosen, left_out = self._choose(sources, always)
        cache, files = read_mapping(self._folder / "cache.json"), dict[str, _Held]()
        for path, status in chosen.items():
            try:
                files[path] = self._hold(path, status, cache)
            except FileNotFoundError:  # gone since it was listed
                continue
            except PermissionError:
                if path in always:
                    raise
                left_out.append(LeftOut(path=path, size=status.st_size, why=_UNREADABLE))
        # Everything in the manifest except sizes: a log that is left out and grows is not different
        # code.
        listing = (
            [[path, held.key, held.link] for path, held in sorted(files.items())],
            commit,
            [[item.path, item.why] for item in left_out],
        )
        ident = blake2b(json.dumps(listing).encode(), digest_size=16).hexdigest()
        if not self._refresh(ident):
            manifest: dict[str, Any] = {
                "files": {path: asdict(held) for path, held in sorted(files.items())},
                "left_out": [asdict(item) for item in left_out],
                "commit": commit,
                **(self._keep_diff(ident, files) if commit else {}),
            }
            write_atomic(self._manifest_path(ident), json.dumps(manifest).encode())
            self._checkouts.restore(ident, manifest["files"])
        for path in (*not_code, *(item.path for item in left_out)):
            self._checkouts.link(ident, path)
        self._write_cache(files, chosen, cache)
        return self.show(ident)

    def _keep_diff(self, ident: str, files: Mapping[str, _Held]) -> dict[str, int]:
        """Store how the files differ from the commit; returns what the manifest says about it."""
        changed = changes(self._root, files)
        text, total = difference(self._root, changed, lambda path: self._beginning(files[path]))
        if text:
            replace_file(self._diff_path(ident), text)
        return {"uncommitted": len(changed.files), "diff_bytes": total}

    def _refresh(self, ident: str) -> bool:
        """Keep an existing snapshot from being removed; returns whether it exists."""
        try:
            self._manifest(ident)
            os.utime(self._manifest_path(ident))
            os.utime(self.tree_path(ident))
        except (NotFound, Damaged, Unavailable, FileNotFoundError):  # it is written again
            return False
        return True

    def _choose(
        self, sources: Sources, always: tuple[str, ...]
    ) -> tuple[dict[str, os.stat_result], list[LeftOut]]:
        """The files to include, with their status, and those left out: the largest, if all together
        are too large.
        """
        chosen: dict[str, os.stat_result] = {}
        free_bytes = self._max_bytes
        for path in always:
            chosen[path] = (self._root / path).stat()
            free_bytes -= chosen[path].st_size
        if free_bytes < 0:
            raise TooLarge(
                f"{always[0]} is too large for a code snapshot.",
                f"It has {chosen[always[0]].st_size / 2**20:.1f} MiB; the limit is"
                f" {self._max_bytes / 2**20:g} MiB.",
                "Clear its outputs, or raise [jobs] snapshot_max_mib in mlinfra.toml.",
            )
        others, left_out = list[tuple[int, str, os.stat_result]](), list(sources.left_out)
        for path in sources.code:
            with contextlib.suppress(OSError):
                status = (self._root / path).lstat()
                if path not in chosen and (
                    stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)
                ):
                    others.append((status.st_size, path, status))
        for size, path, status in sorted(others, key=lambda item: item[:2]):
            if size <= free_bytes:
                chosen[path] = status
                free_bytes -= size
            else:
                left_out.append(
                    LeftOut(
                        path=path,
                        size=size,
                        why=f"The snapshot would pass {self._max_bytes / 2**20:g} MiB.",
                    )
                )
        return chosen, left_out

    def _beginning(self, held: _Held) -> bytes:
        """The beginning of a file, as much as a difference shows."""
        if not held.key:
            return held.link.encode(errors="surrogateescape")
        with open(self._objects.path(held.key), "rb") as file:
            return file.read(FILE_BYTES + 1)

    def _hold(self, path: str, status: os.stat_result, cache: Mapping[str, list[Any]]) -> _Held:
        """Put one file into the store, unless its digest is known and the store has it."""
        source = self._root / path
        if stat.S_ISLNK(status.st_mode):
            return _Held("", 0, os.readlink(source))
        key = _cached_key(cache.get(path), status)
        if not key or not self._objects.path(key).is_file():
            key = self._objects.store(source, executable=bool(status.st_mode & 0o100))
        return _Held(key, self._objects.path(key).stat().st_size, "")

    def _manifest(self, ident: str) -> dict[str, Any]:
        """The manifest. Raises NotFound, Damaged if its content is, and Unavailable if it cannot be
        read now.
        """
        try:
            return _manifest_of(read_regular(self._manifest_path(ident)))
        except FileNotFoundError:
            raise NotFound(
                f"There is no code snapshot {ident[:8]}.",
                "It was removed with its job's log.",
                "Submit the notebook again.",
            ) from None
        except OSError as error:
            if error.errno == errno.EINVAL:  # something that is not a file is in its place
                raise self._damaged(ident, error) from error
            raise explain_os_error(
                error, f"The code snapshot {ident[:8]} cannot be read."
            ) from error
        except (ValueError, RecursionError) as error:
            raise self._damaged(ident, error) from error

    def _damaged(self, ident: str, error: Exception) -> Damaged:
        why = f"Its list of files {self._manifest_path(ident)} cannot be used: {error}."
        return Damaged(
            f"The code snapshot {ident[:8]} is damaged.",
            why,
            "Submit the job again, from the code as it is now.",
        )

    def _manifest_path(self, ident: str) -> Path:
        return self._folder / "manifests" / f"{ident}.json"

    def _diff_path(self, ident: str) -> Path:
        return self._folder / "diffs" / f"{ident}.diff"

    def _write_cache(
        self,
        files: Mapping[str, _Held],
        chosen: Mapping[str, os.stat_result],
        before: Mapping[str, list[Any]],
    ) -> None:
        limit = time.time_ns() - _SETTLED_NS
        cache = {
            path: [stamp(chosen[path]), held.key]
            for path, held in files.items()
            if not held.link and max(chosen[path].st_mtime_ns, chosen[path].st_ctime_ns) < limit
        }
        if cache != before:
            replace_file(self._folder / "cache.json", json.dumps(cache).encode())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with contextlib.suppress(OSError):  # the lock says what is wrong
            # Not its parent: of a project that was removed nothing may come back.
            self._folder.mkdir(exist_ok=True)
        with file_lock(self._folder / "lock"):
            yield


def _manifest_of(data: bytes) -> dict[str, Any]:
    """A manifest, if it is complete. Raises ValueError."""
    manifest = json.loads(data)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    complete = isinstance(files, dict) and all(
        isinstance(item, dict) and set(item) >= {"key", "size", "link"} for item in files.values()
    )
    if (
        not complete
        or not isinstance(manifest.get("left_out"), list)
        or not isinstance(manifest.get("commit"), str)
    ):
        raise ValueError("it is not a list of files")
    return dict(manifest)


def _cached_key(record: Any, status: os.stat_result) -> str:
    """The object of a file that has not changed since its digest was recorded; empty otherwise, or
    if the record is damaged.
    """
    if (
        not isinstance(record, list)
        or len(record) != 2
        or record[0] != stamp(status)
        or not _KEY.fullmatch(str(record[1]))
    ):
        return ""
    return str(record[1])
