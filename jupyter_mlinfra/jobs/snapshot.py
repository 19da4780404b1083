"""Content-addressed snapshots of a project's code: editing a notebook while its job waits changes nothing.

Layout below `snapshots/`: `objects/ab/cdef…` (files by blake2b digest, read-only), `manifests/ID.json` (which path holds which
object, and what was left out), `trees/ID/` (a checkout, made of hard links to objects and of symbolic links to what is not code).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ..core.errors import NotFound, TooLarge
from ..core.files import explain_os_error, file_lock, write_atomic
from .sources import Sources, find_commit, find_sources, find_the_rest
from .spec import CodeSnapshot, LeftOut

_CHUNK = 1 << 20
_FRESH_SECONDS = 3600.0
# A file changed this shortly before it was read might change again within one tick of its clock: its digest is not trusted later.
_SETTLED_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class _Held:
    """One file of a snapshot. key: of its object, empty for a symbolic link. link: that one's target, else empty."""

    key: str
    size: int
    link: str


class Snapshots:
    """The snapshots of one project; safe to share between processes."""

    def __init__(self, root: Path, home: Path, *, max_mib: float) -> None:
        self._root, self._home, self._max_bytes = root, home, int(max_mib * 2**20)
        self._folder = home / "snapshots"

    def take(self, always: Iterable[str]) -> CodeSnapshot:
        """Snapshot the project as it is now.

        always: paths below the project that must be in it (the notebook), whatever git ignores and however large the rest is.
        Raises TooLarge when they alone pass the limit.
        """
        try:
            with self._locked():
                return self._take(tuple(dict.fromkeys(always)))
        except OSError as error:
            raise explain_os_error(error, "The code snapshot was not written.") from error

    def show(self, ident: str) -> CodeSnapshot:
        """What is in a snapshot. Raises NotFound when it was cleaned away."""
        manifest = self._manifest(ident)
        sizes = [item["size"] for item in manifest["files"].values()]
        left_out = [LeftOut(**item) for item in manifest["left_out"]]
        return CodeSnapshot(id=ident, files=len(sizes), size=sum(sizes), commit=manifest["commit"], left_out=left_out)

    def tree(self, ident: str) -> Path:
        """The checkout of a snapshot; made when it is not there."""
        tree = self.tree_path(ident)
        if not tree.is_dir():
            with self._locked():
                self._check_out(ident, self._manifest(ident))
        return tree

    def tree_path(self, ident: str) -> Path:
        """Where the checkout of a snapshot lies."""
        return self._folder / "trees" / ident

    def prune(self, *, running: Collection[str], known: Collection[str]) -> None:
        """Drop checkouts that no job waits or runs in, and what no known job refers to; whatever is fresh stays."""
        with self._locked():
            limit = time.time() - _FRESH_SECONDS
            for tree in _entries(self._folder / "trees"):
                if tree.name not in running and tree.stat().st_mtime < limit:
                    _remove_tree(tree)
            for manifest in _entries(self._folder / "manifests"):
                if manifest.stem not in known and manifest.stem not in running and manifest.stat().st_mtime < limit:
                    manifest.unlink()
            used = {item["key"] for path in _entries(self._folder / "manifests") for item in json.loads(path.read_bytes())["files"].values()}
            for shelf in _entries(self._folder / "objects"):
                for item in _entries(shelf):
                    if shelf.name + item.name not in used:
                        item.unlink()

    def _take(self, always: tuple[str, ...]) -> CodeSnapshot:
        self._hide_from_git()
        sources = find_sources(self._root, self._home)
        chosen, left_out = self._choose(sources, always)
        cache, files = self._read_cache(), dict[str, _Held]()
        for path, status in chosen.items():
            try:
                files[path] = self._hold(path, status, cache)
            except FileNotFoundError:  # gone since it was listed
                continue
            except PermissionError:
                if path in always:
                    raise
                left_out.append(LeftOut(path=path, size=status.st_size, why="It cannot be read."))
        listing = json.dumps([[path, held.key, held.link] for path, held in sorted(files.items())])
        ident = blake2b(listing.encode(), digest_size=16).hexdigest()
        if not self._refresh(ident):
            manifest = {
                "files": {path: asdict(held) for path, held in sorted(files.items())},
                "left_out": [asdict(item) for item in left_out],
                "commit": find_commit(self._root),
            }
            write_atomic(self._manifest_path(ident), json.dumps(manifest).encode())
            self._check_out(ident, manifest)
        self._write_cache(files, chosen, cache)
        return self.show(ident)

    def _hide_from_git(self) -> None:
        """The state folder ignores itself, or git would list all of it as files that nobody added."""
        mark = self._home / ".gitignore"
        if not mark.exists():
            mark.write_text("*\n")

    def _refresh(self, ident: str) -> bool:
        """Keep a snapshot that is there from being cleaned away; says whether it is there."""
        try:
            os.utime(self._manifest_path(ident))
            os.utime(self.tree_path(ident))
        except FileNotFoundError:
            return False
        return True

    def _choose(self, sources: Sources, always: tuple[str, ...]) -> tuple[dict[str, os.stat_result], list[LeftOut]]:
        """The files to hold, with their status, and those that are left out: the largest, when all together are too much."""
        chosen: dict[str, os.stat_result] = {}
        room = self._max_bytes
        for path in always:
            chosen[path] = (self._root / path).stat()
            room -= chosen[path].st_size
        if room < 0:
            raise TooLarge(
                f"{always[0]} is too large for a code snapshot.",
                f"It has {chosen[always[0]].st_size / 2**20:.1f} MiB; the limit is {self._max_bytes / 2**20:g} MiB.",
                "Clear its outputs, or raise [jobs] snapshot_max_mib in mlinfra.toml.",
            )
        others, left_out = list[tuple[int, str, os.stat_result]](), list(sources.left_out)
        for path in sources.code:
            with contextlib.suppress(OSError):
                status = (self._root / path).lstat()
                if path not in chosen and (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                    others.append((status.st_size, path, status))
        for size, path, status in sorted(others, key=lambda item: item[:2]):
            if size <= room:
                chosen[path] = status
                room -= size
            else:
                left_out.append(LeftOut(path=path, size=size, why=f"The snapshot would pass {self._max_bytes / 2**20:g} MiB."))
        return chosen, left_out

    def _hold(self, path: str, status: os.stat_result, cache: Mapping[str, list[Any]]) -> _Held:
        """Put one file into the store, unless its digest is known and the store has it."""
        source = self._root / path
        if stat.S_ISLNK(status.st_mode):
            return _Held("", 0, os.readlink(source))
        known = cache.get(path)
        unchanged = known is not None and known[0] == _stamp(status) and self._object(known[1]).exists()
        key = str(known[1]) if known is not None and unchanged else self._store(source, executable=bool(status.st_mode & 0o100))
        return _Held(key, self._object(key).stat().st_size, "")

    def _store(self, source: Path, *, executable: bool) -> str:
        """Copy a file into the store under the digest of what was copied: a torn read is at least the same everywhere."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".object.")
        try:
            digest = blake2b(digest_size=20)
            with os.fdopen(handle, "wb") as target, open(source, "rb") as file:
                while part := file.read(_CHUNK):
                    digest.update(part)
                    target.write(part)
            key = digest.hexdigest() + ("x" if executable else "")  # hard links share their mode
            place = self._object(key)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.chmod(draft, 0o500 if executable else 0o400)
            os.replace(draft, place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        return key

    def _object(self, key: str) -> Path:
        return self._folder / "objects" / key[:2] / key[2:]

    def _check_out(self, ident: str, manifest: Mapping[str, Any]) -> None:
        tree = self.tree_path(ident)
        if tree.is_dir():
            return
        tree.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=tree.parent, prefix=".tree."))
        try:
            for path, item in manifest["files"].items():
                place = draft / path
                place.parent.mkdir(parents=True, exist_ok=True)
                if item["link"]:
                    place.symlink_to(self._link_target(path, item["link"]))
                else:
                    _link_or_copy(self._object(item["key"]), place)
            for path in [*find_the_rest(self._root, self._home), *(item["path"] for item in manifest["left_out"])]:
                place = draft / path
                if not place.exists() and not place.is_symlink():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.symlink_to(self._root / path)
            os.rename(draft, tree)
        except BaseException:
            _remove_tree(draft)
            raise

    def _link_target(self, path: str, target: str) -> str:
        """A relative link that leaves the project would point nowhere from the checkout."""
        real = os.path.normpath(self._root / Path(path).parent / target)
        return target if real.startswith(f"{self._root}{os.sep}") and not os.path.isabs(target) else real

    def _manifest(self, ident: str) -> dict[str, Any]:
        try:
            manifest: dict[str, Any] = json.loads(self._manifest_path(ident).read_bytes())
        except FileNotFoundError:
            raise NotFound(f"There is no code snapshot {ident[:8]}.", "It was cleaned away with its job's log.", "Submit the notebook again.") from None
        return manifest

    def _manifest_path(self, ident: str) -> Path:
        return self._folder / "manifests" / f"{ident}.json"

    def _read_cache(self) -> dict[str, list[Any]]:
        with contextlib.suppress(OSError, ValueError):
            cache = json.loads((self._folder / "cache.json").read_bytes())
            if isinstance(cache, dict):
                return cache
        return {}

    def _write_cache(self, files: Mapping[str, _Held], chosen: Mapping[str, os.stat_result], before: Mapping[str, list[Any]]) -> None:
        limit = time.time_ns() - _SETTLED_NS
        cache = {
            path: [_stamp(chosen[path]), held.key]
            for path, held in files.items()
            if not held.link and max(chosen[path].st_mtime_ns, chosen[path].st_ctime_ns) < limit
        }
        if cache != before:
            draft = self._folder / f".cache.{os.getpid()}"
            draft.write_text(json.dumps(cache))
            os.replace(draft, self._folder / "cache.json")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with file_lock(self._folder / "lock"):
            yield


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _link_or_copy(source: Path, place: Path) -> None:
    try:
        os.link(source, place)
    except OSError:  # another file system, or too many links
        shutil.copy2(source, place)


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def _remove_tree(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
