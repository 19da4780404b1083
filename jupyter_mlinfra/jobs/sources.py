"""Which files of a project are its code: what git tracks or does not ignore; without git, what is not hidden or installed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .spec import LeftOut

MAX_FILES = 20_000
"""A walk without git ends here, so that a folder of a million images does not hold up a submit."""
_NOT_CODE = {"__pycache__", "node_modules", "venv", "env", "site-packages", "mlruns", "lightning_logs"}
_GIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Files below the project that are its code, and what cannot be among them."""

    code: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def find_sources(root: Path, home: Path) -> Sources:
    """The code of the project at `root`, whose state is in `home`."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    if listed is None:
        return _walked(root, home)
    inside = [path for path in listed.split("\0") if path and not (root / path).is_relative_to(home)]
    folders = {path for path in inside if (root / path).is_dir() and not (root / path).is_symlink()}  # submodules
    left_out = [LeftOut(path=path, size=0, why="It is a repository of its own.") for path in sorted(folders)]
    return Sources(code=tuple(sorted(set(inside) - folders)), left_out=tuple(left_out))


def find_the_rest(root: Path, home: Path) -> list[str]:
    """Files and folders below the project that are not its code (data, environments), without the state."""
    ignored = _git(root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    if ignored is None:
        return [path for path, is_code in _walk(root, home) if not is_code]
    paths = [path.rstrip("/") for path in ignored.split("\0") if path]
    return [path for path in paths if not home.is_relative_to(root / path) and not (root / path).is_relative_to(home)]


def find_commit(root: Path) -> str:
    """The commit that the project's repository is at; empty without one."""
    return (_git(root, "rev-parse", "HEAD") or "").strip()


def _git(root: Path, *arguments: str) -> str | None:
    """What git says, None when there is no git, or no repository that holds `root`."""
    # A hook's GIT_DIR must not point us elsewhere; a file monitor would be started for one question.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None


def _walked(root: Path, home: Path) -> Sources:
    code = list[str]()
    for path, is_code in _walk(root, home):
        if is_code and len(code) == MAX_FILES:
            why = f"Only the first {MAX_FILES:,} files are held: use git, which says what is code."
            return Sources(code=tuple(code), left_out=(LeftOut(path=path, size=0, why=why),))
        if is_code:
            code.append(path)
    return Sources(code=tuple(code), left_out=())


def _walk(root: Path, home: Path) -> Iterator[tuple[str, bool]]:
    """Files that are code, and folders that are not, each with whether it is code."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        for name in sorted(names):
            path = here / name
            if path == home:
                names.remove(name)
            elif name.startswith(".") or name in _NOT_CODE or (path / "pyvenv.cfg").exists():
                names.remove(name)
                yield str(path.relative_to(root)), False
        names.sort()
        for name in sorted(files):
            if not name.startswith("."):
                yield str((here / name).relative_to(root)), True
