"""Pipeline files before they are saved: what the text in an editor means, its changes, and a first
text for some notebooks.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence

# An impossible path, such as a name of 300 letters, does not exist for it.
from os.path import exists
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.errors import BadRequest, Conflict, MLInfraError
from . import editing
from .binding import bind, records
from .document import parse_document
from .file import SUFFIX, load_text
from .file_model import NAME
from .finding import inside
from .notebook import read_notebook
from .proposing import propose
from .spec import Draft, Edited, Fault, Proposal

_POSITION = re.compile(r"(?P<file>.*?), line (?P<line>\d+)(?:, column \d+)?: ", re.DOTALL)


def draft(root: Path, path: str, text: str) -> Draft:
    """What `text` would mean as the file `path` below the project. Raises BadRequest for a path
    outside the project.
    """
    file = inside(root, path)
    name = file.relative_to(root).as_posix()
    try:
        definition = load_text(root, file, text)
    except MLInfraError as error:
        return Draft(
            path=name,
            name=file.name.removesuffix(SUFFIX),
            graph=(),
            parameters={},
            date="",
            fault=_fault(error),
        )
    bound = bind(definition, definition.values({}), parse_document(text, name).error)
    graph = records(definition, bound)
    texts = {
        step.name: editing.parameters_text(step.parameters) for step in graph if step.parameters
    }
    return Draft(
        path=name,
        name=definition.name,
        graph=graph,
        parameters=definition.parameters,
        date=definition.date,
        fault=None,
        written=texts,
    )


def edit(
    text: str,
    at: Sequence[str],
    value: Any,
    *,
    parameters: str | None,
    rename: str | None,
    new: bool,
) -> Edited:
    """See `Pipelines.edit`."""
    if rename is not None:
        return Edited(text=editing.rename_step(text, at[-1], rename), name=rename)
    if parameters is not None:
        try:
            values = editing.read_parameters(parameters)
        except MLInfraError as error:
            return Edited(text=text, name=at[-1], fault=_fault(error))
        return Edited(text=editing.set_parameters(text, at, values), name=at[-1])
    name = editing.free_name(text, at) if new else at[-1]
    return Edited(text=editing.set_value(text, [*at[:-1], name], value), name=name)


def _fault(error: MLInfraError) -> Fault:
    """The error of a file without the file's name, since the reader has the text in front
    of them.
    """
    position = _POSITION.match(error.what)
    what = error.what[position.end() :] if position else error.what
    if what.partition(" ")[0].isalpha():  # not a path, whose name would differ
        what = f"{what[:1].upper()}{what[1:]}"
    return Fault(
        line=int(position["line"]) if position else None, what=what, why=error.why, fix=error.fix
    )


def proposal(root: Path, notebooks: Sequence[str], *, name: str | None = None) -> Proposal:
    """A first file for these notebooks, beside them. Raises NotFound, Unprocessable for a file that
    is not a notebook, Conflict if the name is taken.
    """
    paths = [inside(root, notebook) for notebook in dict.fromkeys(notebooks)]
    contents = {
        path.relative_to(root).as_posix(): read_notebook(path, path.relative_to(root).as_posix())
        for path in paths
    }
    folder = PurePosixPath(
        os.path.commonpath([PurePosixPath(path).parent for path in contents]) or "."
    )
    if name is None:
        folder_name = (
            ""
            if folder == PurePosixPath(".")
            else re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("._-")
        )
        name = _free_name(root / folder, folder_name[:90] or "pipeline")
    elif not re.fullmatch(NAME, name):
        raise BadRequest(
            f"{name[:100]!r} cannot be the name of a pipeline.",
            "It has letters, digits, and . _ - between them.",
            "Give another name.",
        )
    elif exists(root / folder / f"{name}{SUFFIX}"):
        raise Conflict(
            f"There already is a pipeline file {name}.",
            f"{folder / name}{SUFFIX} exists.",
            "Give another name.",
        )
    return Proposal(
        path=(folder / f"{name}{SUFFIX}").as_posix(),
        text=propose(contents, folder=folder, name=name),
    )


def _free_name(folder: Path, name: str) -> str:
    number, free = 1, name
    while exists(folder / f"{free}{SUFFIX}"):
        number += 1
        free = f"{name}-{number}"
    return free
