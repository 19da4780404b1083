"""Reading a pipeline file `*.mlpipeline.yaml`; whatever is wrong with it is reported with line and
fix.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from ..core.errors import BadRequest, Unprocessable
from ..jobs import Needs, needs_of
from .binding import OF_STEP, bind, grouped
from .definition import Definition, StepDefinition, placeholders
from .document import Document, KeyPath, parse_document, read_document
from .file_checks import (
    check_notebook,
    check_parameter_secret,
    check_placeholders,
    check_schedule,
    placeholders_of,
)
from .file_model import NAME, PipelineFile, Resources, StepEntry, explained, seconds_of
from .references import normalize

SUFFIX = ".mlpipeline.yaml"


def load(root: Path, path: Path) -> Definition:
    """Read and check a pipeline file. Everything but the presence of its inputs is checked here.

    Raises NotFound if there is no such file, Unprocessable with line and fix for anything wrong in
    it.
    """
    name = shown(root, path)
    if os.fsencode(name) != os.fsencode(
        path.relative_to(root) if path.is_relative_to(root) else path
    ):
        raise Unprocessable(
            f"{name} cannot be a pipeline.",
            "Its path is not text in UTF-8.",
            "Rename the file, or the folder that it is in.",
        )
    return _define(root, path, read_document(path, name))


def declared_schedule(root: Path, path: Path) -> dict[str, Any] | None:
    """The `schedule:` of a loaded pipeline file, as fields of a ScheduleSpec; None if it
    has none.
    """
    found = PipelineFile.model_validate(read_document(path, shown(root, path)).data).schedule
    if found is None:
        return None
    return {**found.model_dump(exclude={"grace"}), "grace_seconds": seconds_of(found.grace)}


def shown(root: Path, path: Path) -> str:
    """How a file is named: its path below the project, as text even if it is not valid text."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return os.fsencode(name).decode(errors="replace")


def load_text(root: Path, path: Path, text: str) -> Definition:
    """The same for a text that is not saved yet; `path` is where it will be."""
    return _define(root, path, parse_document(text, path.relative_to(root).as_posix()))


def _define(root: Path, path: Path, document: Document) -> Definition:
    if not isinstance(document.data, dict):
        raise document.error(
            (),
            "a pipeline file is a mapping.",
            f"It holds a {type(document.data).__name__}.",
            "Begin with `pipeline: NAME` and `steps:`.",
        )
    try:
        file = PipelineFile.model_validate(document.data)
    except ValidationError as error:
        raise explained(error, document) from error
    folder = (
        PurePosixPath(path.parent.relative_to(root).as_posix())
        if path.parent.is_relative_to(root)
        else PurePosixPath()
    )
    name = file.pipeline or path.name.removesuffix(SUFFIX)
    if not re.fullmatch(NAME, name):
        raise document.error(
            (),
            f"the file's name, {name!r}, cannot be the pipeline's.",
            "It has no `pipeline:`.",
            "Add `pipeline: NAME` of letters, digits, . - _",
        )
    steps = [_step(name, entry, file, document, folder) for name, entry in file.steps.items()]
    for step in steps:
        check_placeholders(step, {*file.parameters, file.date_parameter}, document)
    for key, value in file.parameters.items():
        check_parameter_secret(("parameters", key), key, value, document)
    uses_date = file.date_parameter in file.parameters or any(
        file.date_parameter in placeholders_of(step) for step in steps
    )
    definition = Definition(
        name=name,
        path=document.name,
        description=file.description,
        parameters=file.parameters,
        steps=tuple(steps),
        date=file.date_parameter if uses_date else "",
    )
    if file.schedule is not None:
        check_schedule(file.schedule.parameters, definition, document)
    bound = bind(definition, definition.values({}), document.error)
    checked = [check_notebook(root, step, document) for step in steps]
    return grouped(replace(definition, steps=tuple(checked)), bound)


def _step(
    name: str, entry: StepEntry, file: PipelineFile, document: Document, folder: PurePosixPath
) -> StepDefinition:
    def pick(key: str, own: BaseModel, fallback: Any) -> Any:
        return next(
            (
                value
                for value in (getattr(own, key), getattr(file.defaults, key))
                if value is not None
            ),
            fallback,
        )

    position: KeyPath = ("steps", name)
    return StepDefinition(
        name=name,
        notebook=_path(entry.notebook, (*position, "notebook"), document, folder),
        description=entry.description,
        parameters=entry.params,
        inputs=_references(entry.inputs, (*position, "in"), document, folder, steps=file.steps),
        outputs=_references(entry.outputs, (*position, "out"), document, folder),
        after=(),
        **{
            need.name: pick(
                need.name,
                entry.resources if need.name in Resources.model_fields else entry,
                need.default,
            )
            for need in needs_of(Needs)
        },
        cache=pick("cache", entry, True),
        line=document.line(position),
        foreach=entry.foreach,
    )


def _path(text: str, position: KeyPath, document: Document, folder: PurePosixPath) -> str:
    try:
        path = normalize(f"file:{text}", folder=folder)
    except BadRequest as error:
        raise document.error(position, error.what, error.why, error.fix) from error
    if path.startswith("/"):
        raise document.error(
            position,
            f"notebook {text} is an absolute path.",
            "A pipeline runs notebooks of its own project.",
            "Write a path below this file's folder.",
        )
    return path


def _references(
    texts: Sequence[str],
    position: KeyPath,
    document: Document,
    folder: PurePosixPath,
    *,
    steps: Collection[str] | None = None,
) -> tuple[str, ...]:
    """References in normal form, except those with a placeholder, whose form is known when it is
    filled. steps: those whose outputs may be taken.
    """
    found: list[str] = []
    for index, text in enumerate(texts):
        if steps is not None and text.startswith(OF_STEP):
            _check_step(text.removeprefix(OF_STEP), steps, (*position, index), document)
            reference = text
        elif any(True for _ in placeholders(text)):
            reference = text
        else:
            try:
                reference = normalize(text, folder=folder)
            except BadRequest as error:
                raise document.error(
                    (*position, index), error.what, error.why, error.fix
                ) from error
        if reference in found:
            raise document.error(
                (*position, index), f"{text} is given twice.", fix="Keep one of them."
            )
        found.append(reference)
    return tuple(found)


def _check_step(name: str, steps: Collection[str], position: KeyPath, document: Document) -> None:
    if name not in steps:
        close = get_close_matches(name, steps, n=1)
        fix = f"Did you mean step:{close[0]}?" if close else "Name a step of this file."
        raise document.error(
            position, f"there is no step {name}.", f"The file has: {', '.join(steps)}.", fix
        )
