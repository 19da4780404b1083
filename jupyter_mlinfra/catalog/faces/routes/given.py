"""What a request may name as the place of rows: files and folders of the project, objects of the
catalog's store, a SQLite file of the project, and databases that the settings allow. More than that
the server could read, but a panel must not.
"""

from __future__ import annotations

from glob import escape, glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.errors import BadRequest, Conflict, Forbidden, NotFound
from ....core.files import real_path

if TYPE_CHECKING:
    from ....core.project import Project

_ELSEWHERE = "Copy it into the project, or ingest it from a notebook or the command line."


def source_of(project: Project, text: str) -> str:
    """A source as the verbs of the catalog take it. Raises Forbidden for one that a request may not
    name, NotFound for a file that does not exist, BadRequest for an address that cannot be.
    """
    from ...addresses import OBJECTS, check_objects, scheme_of
    from ...databases.urls import is_database, require_allowed
    from ...settings import CatalogSettings

    if scheme_of(text) in OBJECTS:
        check_objects(text)
        return text
    if not is_database(text):
        return str(_path(project, text))
    if scheme_of(text).partition("+")[0] == "sqlite":
        return _sqlite(project, text)
    require_allowed(text, project.settings.of(CatalogSettings).databases)
    return text


def place_in(project: Project, text: str) -> str:
    """A file, a folder or a pattern of files of the project, or objects of the catalog's store."""
    from ...addresses import OBJECTS, check_objects, scheme_of

    if scheme_of(text) in OBJECTS:
        check_objects(text)
        return text
    return str(_path(project, text))


def file_in(project: Project, text: str) -> Path:
    """A file of the project. Raises Forbidden and BadRequest as `source_of`, NotFound."""
    path = _inside(project, text)
    if not path.is_file():
        raise NotFound(f"There is no file {text}.", f"Looked in {project.root}.")
    return path


def new_file_in(project: Project, text: str) -> Path:
    """A file that is to be written, in a folder of the project. Raises Conflict if it exists,
    NotFound without that folder, Forbidden and BadRequest as `source_of`.
    """
    path = _inside(project, text)
    if path.exists():
        raise Conflict(f"{text} exists already.", "It is not overwritten.", "Name another file.")
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder for {text}.", f"Looked in {project.root}.")
    return path


def _pattern(project: Project, text: str) -> Path:
    """A pattern of files of the project, all of which it may name now. Raises NotFound if it names
    none.
    """
    parts = Path(text).parts
    first = next(place for place, part in enumerate(parts) if has_magic(part))
    folder, rest = _inside(project, str(Path(*parts[:first]))), Path(*parts[first:])
    if ".." in rest.parts:
        raise BadRequest(f"{text[:80]} cannot be a pattern.", "After a `*` it leads up again.")
    found = glob(str(rest), root_dir=folder, recursive=True)
    if not found:
        raise NotFound(f"No file matches {text}.", f"Looked in {project.root}.")
    for name in found:
        _inside(project, str(folder / name))
    return Path(escape(str(folder))) / rest


def _sqlite(project: Project, text: str) -> str:
    from urllib.parse import quote

    from ...databases.urls import sqlite_file

    file, table = sqlite_file(text)
    path = _inside(project, file)
    if not path.is_file():
        raise NotFound(f"There is no file {file}.", f"Looked in {project.root}.")
    return f"sqlite:///{quote(str(path))}#{table}"


def _path(project: Project, text: str) -> Path:
    """A file, a folder or a pattern of files of the project, or a member of an archive there."""
    from ...formats.packed import split

    shown, member = split(Path(text))
    path = _inside(project, str(shown))
    if path.is_dir():
        _refuse_links(project, path)
    elif not path.is_file() and not member and has_magic(text):
        return _pattern(project, text)
    elif not path.is_file():
        raise NotFound(f"There is no file {text}.", f"Looked in {project.root}.")
    return Path(f"{path}!{member}") if member else path


def _inside(project: Project, text: str) -> Path:
    """The real path of a name, which must be in the project, and not in the workbench's own
    folder.
    """
    try:
        path = real_path(project.root / text)
        path.stat()
    except (OSError, ValueError) as error:  # a loop of links, a name that is too long
        if not isinstance(error, FileNotFoundError):
            raise BadRequest(f"{text[:80]} cannot be a file.", f"{error}.") from None
    if not path.is_relative_to(project.root):
        raise Forbidden(
            f"{text} lies outside the project.", f"The project is {project.root}.", _ELSEWHERE
        )
    if path.is_relative_to(real_path(project.home)):
        raise Forbidden(
            f"{text} belongs to the workbench.",
            "Its own files are not data: some have secrets.",
            "Name a file of the project.",
        )
    return path


def _refuse_links(project: Project, folder: Path) -> None:
    """Raise Forbidden for a folder with a link that leads out of the project."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            _inside(project, str(path))
