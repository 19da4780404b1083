"""The definition files of a repository: run, as Feast does, and collected."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, Unprocessable
from ..core.files import HOME
from .load_fixes import fix_of_definition

if TYPE_CHECKING:
    from feast.repo_contents import RepoContents

UNCHANGED = "the registry is unchanged"
"""How the fix of an error ends that stopped an `apply`."""


def load_definitions(repo: Path) -> RepoContents:
    """Import every definition file, as Feast would, and collect what they define.

    Raises Unprocessable naming file and line.
    """
    repo = repo.resolve()  # it may be a link, and Feast gives resolved files
    os.chdir(repo)  # Feast derives module names from the working directory
    sys.path.insert(0, str(repo))
    files = files_of(repo)
    for file in files:
        if not file.is_relative_to(repo):
            raise Unprocessable(
                f"{file} is outside of the repository.",
                "A link in the repository leads there; Feast imports files of the repository.",
                "Put the file itself into it, or name the link in .feastignore.",
            )
        module = ".".join(file.relative_to(repo).with_suffix("").parts)
        try:
            loaded = importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise _load_error(file, repo, error) from error
        if Path(loaded.__file__ or "").resolve() != file:
            raise Unprocessable(
                f"{file.relative_to(repo)} was not read.",
                f"Its name is that of a module of {loaded.__file__}.",
                "Rename the file.",
            )
    os.chdir(repo)  # a file may have left it
    return _parsed(repo, files)


def files_of(repo: Path) -> list[Path]:
    """The files that Feast would import, but for the state of a project whose own folder is the
    repository.
    """
    from feast.repo_operations import get_repo_files

    state = repo / HOME
    return [file for file in get_repo_files(repo) if not file.is_relative_to(state)]


def _parsed(repo: Path, files: list[Path]) -> RepoContents:
    """What Feast finds in these files; it takes no list of them."""
    from feast import repo_operations

    original = repo_operations.get_repo_files
    repo_operations.get_repo_files = lambda _: files
    try:
        return repo_operations.parse_repo(repo)
    finally:
        repo_operations.get_repo_files = original


def _load_error(file: Path, repo: Path, error: BaseException) -> Unprocessable:
    locations = [
        (Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        locations.append((Path(error.filename), error.lineno))
    # "<frozen …>" is not a file.
    in_repo = [
        (path, line) for path, line in locations if path.is_absolute() and path.is_relative_to(repo)
    ]
    path, line = in_repo[-1] if in_repo else (file, None)
    if isinstance(error, MLInfraError):
        reason = f"{error.what} {error.why}".strip()
    else:
        words = error.msg if isinstance(error, SyntaxError) else f"{error}"
        reason = f"{type(error).__name__}: {' '.join(words.split())}"
    return Unprocessable(
        f"{path.relative_to(repo)}, line {line or 1}: the definitions cannot be loaded.",
        f"{reason}.",
        f"{fix_of_definition(error) or 'Correct it'}; {UNCHANGED}.",
    )
