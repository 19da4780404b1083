"""Pipeline files before they are saved: what the text in an editor means, and a first text for some
notebooks.
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
from .binding import bind, records
from .document import parse_document
from .editing import parameters_text, read_parameters
from .file import SUFFIX, load_text
from .file_model import NAME
from .finding import inside
from .notebook import read_notebook
from .proposing import propose
from .spec import Draft, Fault, Proposal

_PLACE = re.compile(r"(?P<file>.*?), line (?P<line>\d+)(?:, column \d+)?: ", re.DOTALL)


def draft(root: Path, path: str, text: str) -> Draft:
    """What `text` would mean as the file `path` below the project. Raises BadRequest for a path
    outside the project.
    """
    place = inside(root, path)
    name = place.relative_to(root).as_posix()
    try:
        definition = load_text(root, place, text)
    except MLInfraError as error:
        return Draft(
            path=name,
            name=place.name.removesuffix(SUFFIX),
            graph=(),
            parameters={},
            date="",
            fault=_fault(error),
        )
    bound = bind(definition, definition.values({}), parse_document(text, name).error)
    graph = records(definition, bound)
    texts = {step.name: parameters_text(step.parameters) for step in graph if step.parameters}
    return Draft(
        path=name,
        name=definition.name,
        graph=graph,
        parameters=definition.parameters,
        date=definition.date,
        fault=None,
        written=texts,
    )


def written(parameters: str) -> dict[str, Any] | Fault:
    """The parameters that a user writes, or what is wrong with them."""
    try:
        return read_parameters(parameters)
    except MLInfraError as error:
        return _fault(error)


def _fault(error: MLInfraError) -> Fault:
    """The error of a file without the file's name, since the reader has the text in front
    of them.
    """
    found = _PLACE.match(error.what)
    what = error.what[found.end() :] if found else error.what
    if what.partition(" ")[0].isalpha():  # not a path, whose name would differ
        what = f"{what[:1].upper()}{what[1:]}"
    return Fault(
        line=int(found["line"]) if found else None, what=what, why=error.why, fix=error.fix
    )


def proposal(root: Path, notebooks: Sequence[str], *, name: str | None = None) -> Proposal:
    """A first file for these notebooks, beside them. Raises NotFound, Unprocessable for a file that
    is not a notebook, Conflict if the name is taken.
    """
    places = [inside(root, notebook) for notebook in dict.fromkeys(notebooks)]
    found = {
        place.relative_to(root).as_posix(): read_notebook(place, place.relative_to(root).as_posix())
        for place in places
    }
    folder = PurePosixPath(
        os.path.commonpath([PurePosixPath(path).parent for path in found]) or "."
    )
    if name is None:
        own = (
            ""
            if folder == PurePosixPath(".")
            else re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("._-")
        )
        name = _free(root / folder, own[:90] or "pipeline")
    elif not re.match(NAME, name):
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
        path=(folder / f"{name}{SUFFIX}").as_posix(), text=propose(found, folder=folder, name=name)
    )


def _free(folder: Path, name: str) -> str:
    number = 1
    while exists(folder / f"{(found := name if number == 1 else f'{name}-{number}')}{SUFFIX}"):
        number += 1
    return found
