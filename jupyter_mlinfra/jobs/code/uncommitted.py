"""What of a project's code is not committed: which files, and how they differ from the commit."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .files import GIT_SECONDS, ask_git, start_git

KEPT_BYTES = 2_000_000
"""How much of the text of a difference is stored."""
_PATHS = 1000
"""How many files git is asked about: their names are arguments of its command line."""
FILE_BYTES = 1 << 20
"""A longer new file is named but not shown."""
_BINARY = 8000
"""A NUL in this many bytes at the start makes a file binary, as in git."""
_CHUNK = 1 << 16
_DIFF = (
    "--relative",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs from the commit, by path below the project. edited: known to git. new: not
    known, or not yet. gone: no longer there.
    """

    edited: Sequence[str] = ()
    new: Sequence[str] = ()
    gone: Sequence[str] = ()

    @property
    def files(self) -> list[str]:
        """All of them, sorted."""
        return sorted({*self.edited, *self.new, *self.gone})


def changes(root: Path, held: Collection[str]) -> Changes:
    """How the files of the project at `root` differ from its commit; among existing ones only those
    in `held`. Runs two git commands at the same time.
    """
    differing = ask_git(root, "diff", "--name-only", "-z", *_DIFF, "HEAD")
    tracked_files = ask_git(root, "ls-files", "-z", "--cached")
    names, tracked = _paths(differing()), {*_paths(tracked_files())}
    return Changes(
        edited=[path for path in names if path in held and path in tracked],
        new=sorted(path for path in held if path not in tracked),
        gone=[path for path in names if path not in held and not (root / path).exists()],
    )


def difference(root: Path, found: Changes, read: Callable[[str], bytes]) -> tuple[bytes, int]:
    """The text of the difference, as git writes it, and its total size in bytes; at most what is
    stored is returned.

    read: returns the beginning of a new file, at most one byte more than is shown.
    """
    text, total = bytearray(), 0
    paths = sorted([*found.edited, *found.gone])[:_PATHS]
    if paths:
        diff, total = _read_git(root, "--literal-pathspecs", "diff", *_DIFF, "HEAD", "--", *paths)
        text += diff
    for path in found.new:
        part = _added(path, read(path))
        text += part[: max(0, KEPT_BYTES - len(text))]
        total += len(part)
    return bytes(text), total


def _paths(output: str | None) -> list[str]:
    return [path for path in (output or "").split("\0") if path]


def _read_git(root: Path, *arguments: str) -> tuple[bytes, int]:
    """git's output, cut, and its total size. A git that does not end is killed: then the output so
    far.
    """
    process = start_git(root, *arguments)
    if process is None or process.stdout is None:
        return b"", 0
    text, total = bytearray(), 0
    timer = threading.Timer(GIT_SECONDS, process.kill)
    timer.start()
    try:
        with process:
            while part := process.stdout.read(_CHUNK):
                text += part[: max(0, KEPT_BYTES - len(text))]
                total += len(part)
    finally:
        timer.cancel()
    return bytes(text), total


def _added(path: str, data: bytes) -> bytes:
    """A file that the commit does not have, in git's format."""
    name = path if path.isprintable() else json.dumps(path)
    head = f"diff --git a/{name} b/{name}\nnew file\n"
    if b"\0" in data[:_BINARY]:
        return f"{head}Binary files /dev/null and b/{name} differ\n".encode(
            errors="surrogateescape"
        )
    if len(data) > FILE_BYTES:
        return f"{head}Not shown: it is longer than {FILE_BYTES >> 20} MiB\n".encode(
            errors="surrogateescape"
        )
    lines = data.split(b"\n")
    ends_with_newline = not lines[-1]
    if ends_with_newline:
        lines.pop()
    head += f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n" if lines else ""
    body = b"".join(b"+" + line + b"\n" for line in lines)
    return (
        head.encode(errors="surrogateescape")
        + body
        + (b"" if ends_with_newline else b"\\ No newline at end of file\n")
    )
