"""Which files of a project are its code: what git tracks or does not ignore; without git,
everything that is not hidden or installed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..spec import LeftOut

MAX_FILES = 20_000
"""A walk without git ends here, so that a folder with a million images does not block a submit."""
_NOT_CODE = {
    "__pycache__",
    "node_modules",
    "venv",
    "env",
    "site-packages",
    "mlruns",
    "lightning_logs",
}
GIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Code files below the project, and what cannot be among them."""

    code: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def survey(root: Path, home: Path) -> tuple[Sources, list[str], str]:
    """The code of the project at `root`, whose state is in `home`; files and folders that are not
    code (data, environments); and the commit.

    The commit is that of the project's repository, empty without one. The three git commands run at
    the same time.
    """
    listed = ask_git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"
    )
    ignored = ask_git(
        root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"
    )
    head = ask_git(root, "rev-parse", "HEAD")
    code, not_code, commit = listed(), ignored(), (head() or "").strip()
    if code is None or not_code is None:
        return (
            _walked(root, home),
            [path for path, is_code in _walk(root, home) if not is_code],
            commit,
        )
    return _tracked(code, root, home), _ignored(not_code, root, home), commit


def _tracked(listed: str, root: Path, home: Path) -> Sources:
    inside = [
        path for path in listed.split("\0") if path and not (root / path).is_relative_to(home)
    ]
    # Submodules.
    folders = {path for path in inside if (root / path).is_dir() and not (root / path).is_symlink()}
    left_out = [
        LeftOut(path=path, size=0, why="It is a repository of its own.") for path in sorted(folders)
    ]
    return Sources(code=tuple(sorted(set(inside) - folders)), left_out=tuple(left_out))


def _ignored(listed: str, root: Path, home: Path) -> list[str]:
    paths = [path.rstrip("/") for path in listed.split("\0") if path]
    return [
        path
        for path in paths
        if not home.is_relative_to(root / path) and not (root / path).is_relative_to(home)
    ]


def start_git(root: Path, *arguments: str) -> subprocess.Popen[bytes] | None:
    """Start a git command on the repository that contains `root`; None if git is not installed."""
    # A hook's GIT_DIR must not redirect us; and no file monitor should be started for one question.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(root), *arguments]
    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def ask_git(root: Path, *arguments: str) -> Callable[[], str | None]:
    """Run a git command and return its output; None if there is no git, or no repository that
    contains `root`.
    """
    process = start_git(root, *arguments)
    if process is None:
        return lambda: None

    def answer() -> str | None:
        with process:
            try:
                output, _ = process.communicate(timeout=GIT_SECONDS)
            except BaseException as error:
                process.kill()
                if isinstance(error, subprocess.TimeoutExpired):
                    return None
                raise
        return os.fsdecode(output) if process.returncode == 0 else None

    return answer


def _walked(root: Path, home: Path) -> Sources:
    code = list[str]()
    for path, is_code in _walk(root, home):
        if is_code and len(code) == MAX_FILES:
            why = f"Only the first {MAX_FILES:,} files are included: use git, which lists code."
            return Sources(code=tuple(code), left_out=(LeftOut(path=path, size=0, why=why),))
        if is_code:
            code.append(path)
    return Sources(code=tuple(code), left_out=())


def _walk(root: Path, home: Path) -> Iterator[tuple[str, bool]]:
    """Files and folders, each with whether it is code; hidden files, and folders that are hidden,
    installed or links, are not.

    A link to a folder is not followed: it may be a loop, or lead to a disk of data.
    """
    for folder_path, names, files in os.walk(root):
        folder = Path(folder_path)
        for name in sorted(names):
            path = folder / name
            if path == home:
                names.remove(name)
            elif (
                name.startswith(".")
                or name in _NOT_CODE
                or path.is_symlink()
                or (path / "pyvenv.cfg").exists()
            ):
                names.remove(name)
                yield str(path.relative_to(root)), False
        names.sort()
        for name in sorted(files):
            yield str((folder / name).relative_to(root)), not name.startswith(".")
