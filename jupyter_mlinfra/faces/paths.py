"""Command-line paths: from the working directory if that is in the project, else from the project's
root.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import BadRequest


def in_project(root: Path, path: str) -> str:
    """`path` relative to the project. A path that does not exist from the working directory is
    taken from the root; its user reports it if it is missing there too.
    """
    working_folder = Path(os.path.realpath(os.curdir))
    if not working_folder.is_relative_to(root):
        return path
    found = Path(os.path.normpath(working_folder / path))
    return (
        found.relative_to(root).as_posix()
        if found.is_relative_to(root) and found.exists()
        else path
    )


def from_here(root: Path, path: str) -> str:
    """A path that is relative to the project, as it can be opened from the working directory."""
    working_folder = Path(os.path.realpath(os.curdir))
    if os.path.isabs(path) or not working_folder.is_relative_to(root):
        return str(root / path)
    return os.path.relpath(root / path, working_folder)


def check_files(root: Path, command: Sequence[str]) -> None:
    """Raise BadRequest if a word of a command is a file only in the working directory: the command
    would look for it in the project's root.
    """
    working_folder = Path(os.path.realpath(os.curdir))
    if working_folder == root or not working_folder.is_relative_to(root):
        return
    folder = working_folder.relative_to(root).as_posix()
    for word in command:
        if (
            not os.path.isabs(word)
            and (working_folder / word).is_file()
            and not (root / word).exists()
        ):
            fix = f"mlinfra jobs submit --cwd {shlex.quote(folder)} -- {shlex.join(command)}"
            raise BadRequest(
                f"The job would not find {word}.",
                f"It is in {folder}, and a command runs in the project's root unless --cwd says"
                " otherwise.",
                fix,
            )


def pipeline_in_project(root: Path, name: str) -> str:
    """The same for a pipeline that is named by its file; a plain name is unchanged."""
    return in_project(root, name) if name.endswith((".yaml", ".yml")) else name
