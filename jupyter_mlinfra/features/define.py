"""Define: write a definition file, after it was tried beside the others.

Runs in a process of its own (`worker.py`): definition files are the user's code. The new text is
tried in a copy of the repository whose other files are links, so that a text that fails leaves the
repository as it was.
"""

from __future__ import annotations

import keyword
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, Unprocessable
from ..core.files import HOME, file_lock, write_atomic
from .applying import refused
from .checking import broken_views
from .leaving_out import views_of, without
from .loading import UNCHANGED, load_definitions
from .registry import registered
from .repo import folder, open_store

if TYPE_CHECKING:
    from types import ModuleType

    from feast import FeatureStore
    from feast.repo_contents import RepoContents

    from ..core.project import Project

_KINDS = ("views", "services", "entities")
_NONE_OF_FEAST = (".git", ".venv")
"""Folders in which Feast looks for no definitions."""


def check_name(name: str) -> None:
    """Raise BadRequest unless a module of the repository can have this name."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,63}", name) or keyword.iskeyword(name):
        raise BadRequest(
            f"{name!r} cannot be the name of a definition file.",
            "It is imported as a Python module.",
            "Use small letters, digits and `_`, and begin with a letter: user_stats.",
        )
    if name in sys.stdlib_module_names:
        raise BadRequest(
            f"{name} is the name of a module of Python.",
            "The definition file would not be imported.",
            "Use another name.",
        )


def define(project: Project, name: str, text: str, *, replace: bool) -> dict[str, Any]:
    """Write `text` as the definition file `name`.py of the repository. replace: views and services
    that it takes out of the definitions may go.

    Returns {"file", "replaced", "views", "services", "entities"}: the path below the project,
    whether there was such a file, and names of what the file defines. Raises BadRequest for a bad
    name or a text that defines nothing, Unprocessable (file and line) for one that cannot be
    applied, Conflict if something would be deleted; nothing is written then.
    """
    check_name(name)
    repo = folder(project)
    file = repo / f"{name}.py"
    with file_lock(project.folder("features") / "lock"):
        feast = open_store(project)
        with tempfile.TemporaryDirectory(prefix="mlinfra-define-") as scratch:
            trial = Path(scratch).resolve() / "feature_repo"
            _copy(repo, trial)
            (trial / file.name).write_text(text, encoding="utf-8")
            contents = _loaded(trial)
            defined = _names_in(sys.modules[name], contents)
            _check(contents, defined, feast, repo, trial)
            os.chdir(project.root)
        if not replace:
            _check_kept(contents, feast)
        replaced = file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, text.encode())
    return {"file": str(file.relative_to(project.root)), "replaced": replaced, **defined}


def _copy(source: Path, target: Path) -> None:
    """The definition files of a folder, and links to all else in it."""
    target.mkdir()
    if not source.is_dir():
        return
    for entry in source.iterdir():
        if entry.name in ("__pycache__", HOME):
            continue
        if entry.is_dir() and entry.name not in _NONE_OF_FEAST and any(entry.rglob("*.py")):
            _copy(entry, target / entry.name)
        elif entry.suffix == ".py":
            (target / entry.name).write_bytes(entry.read_bytes())
        else:
            (target / entry.name).symlink_to(entry.resolve())


def _loaded(trial: Path) -> RepoContents:
    try:
        return load_definitions(trial)
    except Unprocessable as error:
        fix = error.fix.replace(UNCHANGED, "nothing was written")
        raise Unprocessable(error.what, error.why, fix) from error


def _names_in(module: ModuleType, contents: RepoContents) -> dict[str, list[str]]:
    """Names of what a definition file defines, by kind."""
    own = {id(item) for item in vars(module).values()}
    parts = (views_of(contents), contents.feature_services, contents.entities)
    defined = {
        kind: sorted(item.name for item in items if id(item) in own)
        for kind, items in zip(_KINDS, parts, strict=True)
    }
    if not any(defined.values()):
        raise BadRequest(
            "The text defines no view, service or entity.",
            "Feast takes objects that have a name in a definition file.",
            "Write `NAME = FeatureView(…)`, as in docs/features.md.",
        )
    return defined


def _check(
    contents: RepoContents,
    defined: Mapping[str, list[str]],
    feast: FeatureStore,
    repo: Path,
    trial: Path,
) -> None:
    """Raise Unprocessable if what the file defines cannot be applied."""
    from feast.errors import FeastError

    broken = broken_views(contents, repo, feast.config, files=trial)
    applicable, left_out = without(contents, feast, broken)
    for item in left_out:
        if item.name in (*defined["views"], *defined["services"]):
            raise Unprocessable(item.what, item.why, item.fix or "Correct it.")
    try:
        feast.plan(applicable)
    except (FeastError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise refused(error, "nothing was written") from error


def _check_kept(contents: RepoContents, feast: FeatureStore) -> None:
    """Raise Conflict if the registry has a view or service that is no longer defined: `apply` would
    delete it.
    """
    found = registered(feast)
    names = {item.name for item in [*views_of(contents), *contents.feature_services]}
    gone = [name for name in (*found.views, *found.services) if name not in names]
    if gone:
        raise Conflict(
            f"{', '.join(gone[:5])} would be deleted.",
            "No definition file has it any more; its online values would go too.",
            "Keep it in the text, or define with --replace.",
        )
