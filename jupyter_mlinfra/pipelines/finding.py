"""Where the pipeline files of a project are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from ..core.documents import find_files
from ..core.errors import BadRequest, Conflict, MLInfraError, NotFound
from ..core.files import real_path
from ..core.refs import named
from .definition import Definition
from .file import SUFFIX, load


def pipeline_files(root: Path, home: Path) -> Iterator[Path]:
    """Every `*.mlpipeline.yaml` below the project, in one order, without hidden folders,
    environments and the project's state.
    """
    return find_files(root, home, SUFFIX)


def find_pipeline(root: Path, home: Path, name: str) -> Definition:
    """The pipeline of that name, or in the file of that path (below the project or the working
    directory).

    Raises NotFound, Conflict if two files have that name, Unprocessable if its file is broken.
    """
    if name.endswith((".yaml", ".yml")):
        return load(root, inside(root, name))
    plain = named(name, "pipeline")
    found: list[Definition] = []
    broken: list[tuple[Path, MLInfraError]] = []
    for path in pipeline_files(root, home):
        try:
            found.append(load(root, path))
        except MLInfraError as problem:
            broken.append((path, problem))
    fitting = [item for item in found if item.name == plain]
    if len(fitting) > 1:
        raise Conflict(
            f"Two files define the pipeline {plain}.",
            f"They are {' and '.join(item.path for item in fitting)}.",
            "Give one of them another `pipeline:` name.",
        )
    if fitting:
        return fitting[0]
    for path, error in broken:
        if path.name.removesuffix(SUFFIX) == plain:
            raise error
    names = sorted(item.name for item in found)
    close = get_close_matches(plain, names, n=1)
    why = f"The project has: {', '.join(names) or 'none'}."
    if broken:
        why += (
            f" {len(broken)} of its pipeline files cannot be read:"
            f" {', '.join(path.name for path, _ in broken[:3])}."
        )
    raise NotFound(
        f"There is no pipeline {plain}.",
        why,
        (
            f"Did you mean {close[0]}?"
            if close
            else f"Write {plain}{SUFFIX}, or let it be written: mlinfra pipelines propose NOTEBOOK"
            " --save"
        ),
    )


def texts_of(root: Path, home: Path, name: str) -> frozenset[str]:
    """The parameters of a pipeline whose default is text, and its date; empty if the pipeline is
    missing or broken, which is reported when it is run.
    """
    with contextlib.suppress(MLInfraError):
        found = find_pipeline(root, home, name)
        return frozenset(
            [
                *(key for key, value in found.parameters.items() if isinstance(value, str)),
                *filter(None, [found.date]),
            ]
        )
    return frozenset()


def steps_like(root: Path, home: Path, part: str) -> list[str]:
    """PIPELINE/STEP of all steps of the pipeline `part`, and of steps with that name in any
    pipeline.
    """
    found: list[str] = []
    for path in pipeline_files(root, home):
        with contextlib.suppress(MLInfraError):
            pipeline = load(root, path)
            found += [
                f"{pipeline.name}/{step.name}"
                for step in pipeline.steps
                if part in (pipeline.name, step.name)
            ]
    return found


def inside(root: Path, name: str) -> Path:
    """The file at that path. Raises BadRequest if it is outside the project, or not a path."""
    path = Path(name)
    try:
        from_here = Path(os.path.abspath(path))
        path = (
            from_here
            if path.is_absolute() or os.path.isfile(from_here)
            else Path(os.path.abspath(root / path))
        )
        # The link itself may be in the project and lead out of it.
        real = real_path(path.parent) / path.name
        real_path(path)
    except (OSError, ValueError):  # a loop of links, a name that is too long, a NUL byte
        raise BadRequest(
            f"{name[:80]!r} cannot be a file.",
            "It is not a path that this system accepts.",
            "Give a path below the project.",
        ) from None
    if not real.is_relative_to(root):
        raise BadRequest(
            f"{name} is outside the project.",
            f"The project is {root}.",
            "Move it there, or open the project that it belongs to.",
        )
    return real
