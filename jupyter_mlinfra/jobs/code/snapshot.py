"""Content-addressed snapshots of a project's code: editing a notebook does not affect a waiting
job.

Layout below `snapshots/`: `objects/ab/cdef…` (files by blake2b digest, read-only),
`manifests/ID.json` (which path holds which object, and what was left out), `trees/ID/` (a checkout,
made of copies of objects and of symbolic links to what is not code), `stamps/ID.json` (how the
files of the checkout were when it was made: no permission keeps root's jobs from changing them),
`diffs/ID.diff` (how they differ from the commit).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ...core.errors import NotFound, TooLarge, Unavailable, Unprocessable
from ...core.files import explain_os_error, file_lock, open_regular, read_regular, write_atomic
from ...core.records import page_of
from ..spec import CodeDiff, CodePreview, CodeSnapshot, LeftOut
from .files import Sources, survey
from .uncommitted import FILE_BYTES, changes, difference

_CHUNK = 1 << 20
_FRESH_SECONDS = 3600.0
_LITTER_SECONDS = 86_400.0
"""Older drafts are leftovers of killed processes."""
# A file that changed this shortly before it was read might change again within one tick of its
# clock: its digest is not trusted later.
_SETTLED_NS = 100_000_000
_EXECUTABLE = "x"
"""Ends the key of an executable file."""
_KEY = re.compile(r"[0-9a-f]{40}x?")
_UNREADABLE = "It cannot be read."


class Damaged(Unprocessable):
    """A snapshot does not hold what was put into it."""


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

    def take(self, always: Iterable[str]) -> CodeSnapshot:
        """Take a snapshot of the project.

        always: paths below the project that must be in it (the notebook), whatever git ignores and
        however large the rest is. Raises TooLarge if they alone exceed the limit.
        """
        wanted = tuple(dict.fromkeys(always))
        try:
            with self._locked():
                try:
                    return self._take(wanted)
                except Damaged:  # the damaged objects have been removed: store them again
                    return self._take(wanted)
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

    def read(self, ident: str, path: str) -> bytes:
        """One file of a snapshot. Raises NotFound if it is not in it, or was removed."""
        held = self._manifest(ident)["files"].get(path)
        if held is None or not held["key"]:
            raise NotFound(
                f"{path} is not in snapshot {ident}.",
                "It was not a file of the project then.",
                f"mlinfra jobs code shows what snapshot {ident} holds.",
            )
        try:
            return self._object(held["key"]).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"{path} of snapshot {ident} is gone.",
                "It was removed.",
                "Submit the notebook again.",
            ) from None

    def tree(self, ident: str) -> Path:
        """The checkout of a snapshot; created if it is missing, repaired if a job changed it."""
        manifest, tree = self._manifest(ident), self.tree_path(ident)
        if not tree.is_dir() or self._changed(ident, manifest):
            with self._locked():
                self._check_out(ident, manifest)
        return tree

    def tree_path(self, ident: str) -> Path:
        """Where the checkout of a snapshot is."""
        return self._folder / "trees" / ident

    def prune(
        self, *, running: Collection[str], known: Collection[str], beat: Callable[[], object]
    ) -> None:
        """Remove checkouts in which no job waits or runs, and objects that no known job refers to;
        fresh ones stay. beat: called before each piece.
        """
        with self._locked():
            limit = time.time() - _FRESH_SECONDS
            for tree in beating(_entries(self._folder / "trees"), beat):
                if tree.name not in running and tree.stat().st_mtime < limit:
                    _remove_tree(tree)
                    self._stamps_path(tree.name).unlink(missing_ok=True)
            for manifest in beating(_entries(self._folder / "manifests"), beat):
                if (
                    manifest.stem not in known
                    and manifest.stem not in running
                    and manifest.stat().st_mtime < limit
                ):
                    manifest.unlink()
                    self._diff_path(manifest.stem).unlink(missing_ok=True)
            used = {
                key
                for path in beating(_entries(self._folder / "manifests"), beat)
                for key in self._keys_of(path.stem)
            }
            for shelf in _entries(self._folder / "objects"):
                for item in beating(_entries(shelf), beat):
                    if shelf.name + item.name not in used:
                        item.unlink()
            _remove_litter(
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
        sources, rest, commit = survey(self._root, self._home)
        chosen, left_out = self._choose(sources, always)
        cache, files = _read_mapping(self._folder / "cache.json"), dict[str, _Held]()
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
            manifest = {
                "files": {path: asdict(held) for path, held in sorted(files.items())},
                "left_out": [asdict(item) for item in left_out],
                "commit": commit,
                **(self._keep_diff(ident, files) if commit else {}),
            }
            write_atomic(self._manifest_path(ident), json.dumps(manifest).encode())
            self._check_out(ident, manifest)
        for path in (*rest, *(item.path for item in left_out)):
            self._link(self.tree_path(ident), path)
        self._write_cache(files, chosen, cache)
        return self.show(ident)

    def _keep_diff(self, ident: str, files: Mapping[str, _Held]) -> dict[str, int]:
        """Store how the files differ from the commit; returns what the manifest says about it."""
        found = changes(self._root, files)
        text, total = difference(self._root, found, lambda path: self._beginning(files[path]))
        if text:
            _replace(self._diff_path(ident), text)
        return {"uncommitted": len(found.files), "diff_bytes": total}

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
        room = self._max_bytes
        for path in always:
            chosen[path] = (self._root / path).stat()
            room -= chosen[path].st_size
        if room < 0:
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
            if size <= room:
                chosen[path] = status
                room -= size
            else:
                left_out.append(
                    LeftOut(
                        path=path,
                        size=size,
                        why=f"The snapshot would pass {self._max_bytes / 2**20:g} MiB.",
                    )
                )
        return chosen, left_out

    def _hold(self, path: str, status: os.stat_result, cache: Mapping[str, list[Any]]) -> _Held:
        """Put one file into the store, unless its digest is known and the store has it."""
        source = self._root / path
        if stat.S_ISLNK(status.st_mode):
            return _Held("", 0, os.readlink(source))
        key = _known_key(cache.get(path), status)
        if not key or not self._object(key).is_file():
            key = self._store(source, executable=bool(status.st_mode & 0o100))
        return _Held(key, self._object(key).stat().st_size, "")

    def _store(self, source: Path, *, executable: bool) -> str:
        """Copy a file into the store under the digest of the copy: a torn read is at least the same
        everywhere.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
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
            place = self._object(key)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.chmod(draft, _mode(key))
            os.replace(draft, place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        return key

    def _beginning(self, held: _Held) -> bytes:
        """The beginning of a file, as much as a difference shows."""
        if not held.key:
            return held.link.encode(errors="surrogateescape")
        with open(self._object(held.key), "rb") as file:
            return file.read(FILE_BYTES + 1)

    def _object(self, key: str) -> Path:
        return self._folder / "objects" / key[:2] / key[2:]

    def _check_out(self, ident: str, manifest: Mapping[str, Any]) -> None:
        """Create the checkout, or restore the frozen files in it; everything else that a job wrote
        there stays. Raises Damaged.
        """
        tree = self.tree_path(ident)
        tree.parent.mkdir(parents=True, exist_ok=True)
        changed = self._changed(ident, manifest)
        draft = Path(tempfile.mkdtemp(dir=tree.parent, prefix=".tree."))
        try:
            for path in changed:
                self._place(path, manifest["files"][path], _real_folder(draft, path))
            if tree.is_dir():
                for path in changed:
                    os.replace(draft / path, _real_folder(tree, path))
            else:
                os.rename(draft, tree)
        except Damaged:
            self._drop_damaged(manifest)
            raise
        finally:
            _remove_tree(draft)
        stamps = {path: _stamp(os.lstat(f"{tree}/{path}")) for path in changed}
        _replace(
            self._stamps_path(ident),
            json.dumps({**_read_mapping(self._stamps_path(ident)), **stamps}).encode(),
        )

    def _changed(self, ident: str, manifest: Mapping[str, Any]) -> list[str]:
        """Files of a checkout that have changed since it was created: all of them if it does not
        exist.
        """
        tree, stamps = self.tree_path(ident), _read_mapping(self._stamps_path(ident))
        return [
            path
            for path in manifest["files"]
            if path not in stamps or _stamp_of(f"{tree}/{path}") != stamps[path]
        ]

    def _place(self, path: str, item: Mapping[str, Any], place: str) -> None:
        if item["link"]:
            os.symlink(self._link_target(path, item["link"]), place)
            return
        digest = blake2b(digest_size=20)
        with open(self._object(item["key"]), "rb") as source, open(place, "xb") as target:
            while part := source.read(_CHUNK):
                digest.update(part)
                target.write(part)
            os.fchmod(target.fileno(), _mode(item["key"]))
        if digest.hexdigest() != item["key"].removesuffix(_EXECUTABLE):
            raise Damaged(
                f"The frozen {path} is damaged.",
                "Its copy in the state folder is not what was stored.",
                "Submit the job again.",
            )

    def _drop_damaged(self, manifest: Mapping[str, Any]) -> None:
        """Remove the objects whose content does not match their name: the next snapshot stores them
        again.
        """
        for key in {item["key"] for item in manifest["files"].values() if item["key"]}:
            with contextlib.suppress(FileNotFoundError), open(self._object(key), "rb") as file:
                if hashlib.file_digest(
                    file, partial(blake2b, digest_size=20)
                ).hexdigest() != key.removesuffix(_EXECUTABLE):
                    self._object(key).unlink()

    def _link(self, tree: Path, path: str) -> None:
        """A link from the checkout to what is not code, if there is none yet: a job that runs from
        here sees new files, and loses nothing.
        """
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

    def _stamps_path(self, ident: str) -> Path:
        return self._folder / "stamps" / f"{ident}.json"

    def _write_cache(
        self,
        files: Mapping[str, _Held],
        chosen: Mapping[str, os.stat_result],
        before: Mapping[str, list[Any]],
    ) -> None:
        limit = time.time_ns() - _SETTLED_NS
        cache = {
            path: [_stamp(chosen[path]), held.key]
            for path, held in files.items()
            if not held.link and max(chosen[path].st_mtime_ns, chosen[path].st_ctime_ns) < limit
        }
        if cache != before:
            _replace(self._folder / "cache.json", json.dumps(cache).encode())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with file_lock(self._folder / "lock"):
            yield


def _manifest_of(data: bytes) -> dict[str, Any]:
    """A manifest, if it is complete. Raises ValueError."""
    found = json.loads(data)
    files = found.get("files") if isinstance(found, dict) else None
    whole = isinstance(files, dict) and all(
        isinstance(item, dict) and set(item) >= {"key", "size", "link"} for item in files.values()
    )
    if (
        not whole
        or not isinstance(found.get("left_out"), list)
        or not isinstance(found.get("commit"), str)
    ):
        raise ValueError("it is no list of files")
    return dict(found)


def _known_key(known: Any, status: os.stat_result) -> str:
    """The object of a file that has not changed since its digest was recorded; empty otherwise, or
    if the record is damaged.
    """
    if (
        not isinstance(known, list)
        or len(known) != 2
        or known[0] != _stamp(status)
        or not _KEY.fullmatch(str(known[1]))
    ):
        return ""
    return str(known[1])


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _stamp_of(path: str) -> list[int] | None:
    try:
        return _stamp(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _mode(key: str) -> int:
    return 0o500 if key.endswith(_EXECUTABLE) else 0o400


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


def _read_mapping(path: Path) -> dict[str, Any]:
    """What `_replace` wrote; empty if that is torn or gone."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _replace(path: Path, data: bytes) -> None:
    """Replace a file that can be recreated or missed, and is therefore not forced to disk."""
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    os.replace(draft, path)


def _remove_litter(*folders: Path) -> None:
    """Remove old drafts of killed processes."""
    for draft in (path for folder in folders for path in folder.glob(".*")):
        with contextlib.suppress(OSError):
            if draft.lstat().st_mtime < time.time() - _LITTER_SECONDS:
                _remove_tree(draft) if draft.is_dir() else draft.unlink()


def beating[T](items: Iterable[T], beat: Callable[[], object]) -> Iterator[T]:
    """The same items, with a heartbeat before each."""
    for item in items:
        beat()
        yield item


def _entries(folder: Path) -> list[Path]:
    return (
        [path for path in folder.iterdir() if not path.name.startswith(".")]
        if folder.is_dir()
        else []
    )


def _remove_tree(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
