"""What is checked before a job is accepted: paths, parameters, secrets, and which file is its
script.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import BadRequest, MLInfraError, NotFound
from ...core.files import real_path
from ...core.secrets import check_secret, references, resolve
from ...notebooks.parameters import check_parameters, read_notebook
from ..spec import JobSpec

# Programs whose first argument that is not an option is the file they run.
_RUNNERS = re.compile(r"(python|pypy)[\d.]*|sh|bash|dash|zsh|ksh|Rscript|julia|node|perl|ruby")
_TAKES_A_VALUE = {"-W", "-X", "--check-hash-based-pycs"}


def examine(spec: JobSpec, root: Path, *, code: Path | None = None) -> JobSpec:
    """The spec with its paths relative to the project, after a check that everything it names
    exists.

    code: folder with the project's code of some time, whose notebook is run; default the project
    itself. Raises BadRequest, NotFound or Unprocessable with what to fix.
    """
    if spec.notebook is not None:
        spec = _examine_notebook(spec, root, code or root)
    elif spec.parameters or spec.output:
        raise BadRequest(
            "A command takes no parameters and no output.",
            "They are for notebooks.",
            "Put them into the command.",
        )
    if spec.checkpoints is not None:
        spec = replace(spec, checkpoints=inside(spec.checkpoints, root, "folder of checkpoints"))
    if spec.cwd is not None:
        folder = inside(spec.cwd, root, "working folder")
        if not (root / folder).is_dir():
            raise NotFound(
                f"There is no folder {spec.cwd}.",
                f"{root / folder} does not exist.",
                "Make it first, or omit cwd.",
            )
        spec = replace(spec, cwd=folder)
    _check_secrets(spec)
    return spec


def name_of(spec: JobSpec) -> str:
    """The default name of a job."""
    return (
        Path(spec.notebook).stem if spec.notebook is not None else os.path.basename(spec.command[0])
    )


def working_folder(spec: JobSpec, root: Path) -> Path:
    """Where the job runs: as given, else where JupyterLab would run the notebook, else the
    project's root.
    """
    if spec.cwd is not None:
        return root / spec.cwd
    return (root / spec.notebook).parent if spec.notebook is not None else root


def script_of(command: Sequence[str], folder: Path, root: Path) -> int | None:
    """Which word of a command is the file of the project that it runs; None when there is none.

    A program of the project itself (`./train.sh`), or the file of an interpreter (`python
    train.py`). Programs inside an environment or a hidden folder are installed, not written, and
    stay where they are.
    """
    if os.sep in command[0] and _written_here(command[0], folder, root):
        return 0
    runner = _RUNNERS.fullmatch(os.path.basename(command[0]))
    skip = False
    for number, argument in enumerate(command[1:], 1) if runner else ():
        if skip or argument in _TAKES_A_VALUE:
            skip = not skip
        elif argument.startswith("-"):
            if argument in ("-c", "-m", "-e", "-"):
                return None
        else:
            return number if _written_here(argument, folder, root) else None
    return None


def _written_here(argument: str, folder: Path, root: Path) -> bool:
    path = Path(os.path.normpath(folder / argument))
    # Also for a word that is too long for a path.
    if not path.is_relative_to(root) or not os.path.isfile(path):
        return False
    parts = path.relative_to(root).parts
    parents = [root.joinpath(*parts[:depth]) for depth in range(1, len(parts))]
    return not any(part.startswith(".") for part in parts) and not any(
        (parent / "pyvenv.cfg").exists() for parent in parents
    )


def _examine_notebook(spec: JobSpec, root: Path, code: Path) -> JobSpec:
    shown = inside(spec.notebook or "", code, "notebook")
    notebook = read_notebook(code / shown, shown)
    for values in (spec.parameters, *spec.array):
        _check_values(values)
    check_parameters(
        notebook,
        {**spec.parameters, **{name: None for element in spec.array for name in element}},
        shown,
    )
    output = spec.output
    if output is not None:
        output = inside(output, root, "output")
        if not output.endswith(".ipynb"):
            raise BadRequest(
                f"The executed notebook cannot be written to {output}.",
                "Its name does not end in .ipynb.",
                f"Use {output}.ipynb.",
            )
        if output == shown or (root / output).is_dir():
            raise BadRequest(
                f"The executed notebook cannot be written to {output}.",
                "That is the notebook itself, or a folder.",
                "Use another name.",
            )
        if (root / output).exists() and not _was_output(root / output):
            raise BadRequest(
                f"The executed notebook cannot be written to {output}.",
                "A file exists there that no job has written.",
                f"Use another name, or remove {output} first.",
            )
    return replace(spec, notebook=shown, output=output)


def _was_output(path: Path) -> bool:
    """Whether the file is an executed notebook that was written there, by papermill's own note in
    it; a copy under another name is not.
    """
    try:
        noted = read_notebook(path, path.name).get("metadata", {})["papermill"]["output_path"]
        return isinstance(noted, str) and Path(noted).name == path.name
    except (MLInfraError, KeyError, TypeError, AttributeError):
        return False


def inside(path: str, root: Path, kind: str) -> str:
    """`path` relative to the project, after links are followed. Raises BadRequest, whether or not
    such a file exists outside.
    """
    try:
        real = real_path(root / path)
    except (OSError, ValueError):  # a loop of links, a name that is too long, a NUL byte
        raise BadRequest(
            f"The {kind} {path!r} is not a path.",
            "It leads nowhere.",
            "Give its path below the project.",
        ) from None
    if not real.is_relative_to(root):
        raise BadRequest(
            f"The {kind} {path} is not in the project.",
            f"It is outside {root}.",
            "Copy it below the project, or open the project it belongs to.",
        )
    plain = Path(os.path.normpath(root / path))
    return str((plain if plain.is_relative_to(root) else real).relative_to(root))


def _check_values(parameters: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        check_secret(name, value, f"Parameter {name}")
        if not name.isidentifier():
            raise BadRequest(
                f"{name!r} cannot be a parameter.",
                "It is not a Python name.",
                "Use letters, digits and underscores.",
            )
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            raise BadRequest(
                f"Parameter {name} cannot be passed.",
                f"A {type(value).__name__} has no JSON form.",
                "Use numbers, text, lists or mappings.",
            ) from None


def _check_secrets(spec: JobSpec) -> None:
    """Secrets must exist when a job is submitted, not hours later when it starts. Their values are
    only checked here.

    None may be given in clear: environment and array values are stored with the job.
    """
    for values in (spec.environment, *spec.array):
        for name, value in values.items():
            check_secret(
                name,
                value,
                (
                    f"Variable {name}"
                    if spec.command or values is spec.environment
                    else f"Parameter {name}"
                ),
            )
    for text in references([spec.parameters, *spec.array, spec.environment]):
        if text.removeprefix("env:") not in spec.environment:
            resolve(text)
