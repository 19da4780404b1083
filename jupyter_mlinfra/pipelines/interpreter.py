"""The interpreter that a kernel runs in, asked directly: where it looks for modules, and what its
editable installs map.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import Unavailable

_QUESTION = """
import json, os, sys
found = {}
for name, module in list(sys.modules.items()):
    if name.startswith("__editable__"):
        found.update(getattr(module, "MAPPING", {}))
    elif name == "editables.redirector":
        found.update(module.RedirectingFinder._redirections)
paths = [path for path in sys.path if path]
print(json.dumps(["%d.%d.%d" % sys.version_info[:3], paths, os.path.dirname(os.__file__), found]))
"""
_SECONDS = 60
_PYTHON = re.compile(r"(python|pypy)[\d.]*t?(\.exe)?")
_OURS = (
    "python",
    f"python{sys.version_info[0]}",
    f"python{sys.version_info[0]}.{sys.version_info[1]}",
)
"""Names for which Jupyter uses the interpreter of the running process."""
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """version: `3.12.1`, or what is known instead. paths: its folders of modules, in order. own:
    those without installed packages.

    modules: dotted name → file or folder to which an editable install maps it.
    """

    version: str
    paths: Sequence[Path] = ()
    own: Sequence[Path] = ()
    modules: Mapping[str, Path] = field(default_factory=dict)


_cache: dict[str, tuple[object, Interpreter]] = {}


def interpreter_of(kernel: str) -> Interpreter:
    """The interpreter of a kernel by its name in Jupyter. It is asked once, and again when one of
    its folders has changed.

    A kernel that is unknown here, or whose program is not Python, has no paths: only its command is
    known. Raises Unavailable if it does not answer.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec(kernel)
    except NoSuchKernel:
        return Interpreter(version="unknown: there is no such kernel here")
    return ask(
        [str(word) for word in spec.argv], {name: str(value) for name, value in spec.env.items()}
    )


def ask(argv: Sequence[str], environment: Mapping[str, str]) -> Interpreter:
    """argv, environment: of the kernel, as in its `kernel.json`."""
    command = [sys.executable if argv[0] in _OURS else argv[0], *argv[1:]] if argv else []
    program = command[: command.index("-m")] if "-m" in command else []
    # A shell would take the question for its own arguments.
    if not any(_PYTHON.fullmatch(os.path.basename(word)) for word in program):
        return Interpreter(version=" ".join(command))
    question = [*program, "-c", _QUESTION]
    variables = {**os.environ, **environment}
    key = json.dumps(
        [
            question,
            {
                name: value
                for name, value in variables.items()
                if name.startswith("PYTHON") or name in environment
            },
        ],
        sort_keys=True,
    )
    cached = _cache.get(key)
    if cached is None or cached[0] != _stamp(question[0], cached[1].paths):
        answer = _answer(question, variables)
        _cache[key] = cached = (_stamp(question[0], answer.paths), answer)
    return cached[1]


def _answer(command: Sequence[str], variables: Mapping[str, str]) -> Interpreter:
    entries = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
    variables = {**variables, "PYTHONPATH": os.pathsep.join(filter(os.path.isabs, entries))}
    try:
        done = subprocess.run(
            command,
            env=variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
        version, paths, standard, modules = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"{command[0]} does not answer.",
            f"It was asked for its packages {_SECONDS} s ago.",
            "Try again when the machine is less busy.",
        ) from error
    except (
        OSError,
        subprocess.CalledProcessError,
        ValueError,
        IndexError,
    ):
        # There is no such program, or it is not Python.
        return Interpreter(version=" ".join(command[:-2]))
    folders = [Path(os.path.realpath(path)) for path in paths]
    own = [
        folder
        for folder in folders
        if folder.name not in _INSTALLED
        and not folder.is_relative_to(os.path.realpath(standard))
        and folder.suffix != ".zip"
    ]
    return Interpreter(
        version=version,
        paths=tuple(folders),
        # A relative path starts where the kernel runs.
        own=(*(Path(entry) for entry in entries if not os.path.isabs(entry)), *own),
        modules={name: Path(os.path.realpath(place)) for name, place in modules.items()},
    )


def _stamp(program: str, folders: Iterable[Path]) -> object:
    """Changes when the interpreter, its environment or one of its path files does."""
    places = [Path(program), Path(program).parent.parent / "pyvenv.cfg", *folders]
    for folder in folders:
        with contextlib.suppress(OSError):
            places += [folder / name for name in os.listdir(folder) if name.endswith(".pth")]
    found: list[tuple[str, int]] = []
    for place in places:
        with contextlib.suppress(OSError):
            found.append((str(place), place.stat().st_mtime_ns))
    return sorted(found)
