"""The project's own Python files that a notebook imports, directly or not: they are part of its
code.

They are found by reading, never by running. What only running can show
(`importlib.import_module(name)`, a computed path) is not found: such a file belongs under `in:` of
the step.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256

# An impossible path, such as a name of 300 letters, does not exist for them.
from os.path import isdir, isfile
from pathlib import Path

from ..core.errors import MLInfraError
from ..notebooks.syntax import parse
from .interpreter import Interpreter
from .notebook import Notebook, read_notebook

_RUN = re.compile(
    r"""^[ \t]*%run[ \t]+((?:-\S+[ \t]+)*)(?:"([^"\n]+)"|'([^'\n]+)'|([^\s'"]+))""", re.MULTILINE
)
_IMPORT = re.compile(
    r"^\s*(?:from\s+([.\w]+)\s+import\s+([\w, ]+)|import\s+([\w., ]+))", re.MULTILINE
)
_MAX_CHARACTERS = 5_000_000
"""The largest file whose syntax is parsed; in a larger one imports are found by pattern."""
_NOWHERE = Interpreter(version="")


@dataclass(frozen=True, slots=True)
class _Where:
    """Where names are looked up: in folders, in order, and in what editable installs have mapped.
    folder: where the notebook runs.
    """

    folder: Path
    bases: tuple[Path, ...]
    modules: Mapping[str, Path]

    def within(self, script: Path) -> _Where:
        """The same for a file that `%run` runs: its own folder comes first."""
        return replace(self, bases=tuple(dict.fromkeys([script.parent, *self.bases])))


def local_modules(
    notebook: Notebook, folder: Path, root: Path, python: Interpreter = _NOWHERE
) -> dict[str, str]:
    """Path below `root` → sha256, for every file of the project that the notebook may import. For a
    notebook that it runs, only the code cells count.

    folder: where the notebook runs. Names are looked up there, at `root`, and where `python` looks
    for modules that are not installed.
    """
    if notebook.language != "python":
        return {}
    found: dict[Path, str] = {}
    where = _Where(
        folder,
        tuple(
            dict.fromkeys(
                [folder, root, *(Path(os.path.normpath(folder / base)) for base in python.own)]
            )
        ),
        python.modules,
    )
    todo = [item for cell in notebook.cells for item in _files_of(cell.source, where, None)]
    while todo:
        path, where = todo.pop()
        if path in found or not path.is_relative_to(root):
            continue
        with contextlib.suppress(OSError):
            sources = _sources(path)
            found[path] = (
                sha256("\0".join(sources).encode()).hexdigest()
                if path.suffix == ".ipynb"
                else _digest(path)
            )
            for source in sources:
                todo += _files_of(
                    source, where, None if path.suffix in (".ipynb", ".ipy") else path
                )
    return {path.relative_to(root).as_posix(): digest for path, digest in sorted(found.items())}


def _sources(path: Path) -> list[str]:
    """The code of a file that may import others; of a notebook, each of its cells."""
    if path.suffix == ".ipynb":
        try:
            return [cell.source for cell in read_notebook(path, path.name).cells]
        except MLInfraError:  # it is not a notebook: only its text counts
            return [path.read_text(errors="replace")]
    return [path.read_text(errors="replace")] if path.suffix in (".py", ".ipy") else []


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _files_of(source: str, where: _Where, module: Path | None) -> Iterator[tuple[Path, _Where]]:
    """Files that `source` imports or runs, each with where its own imports are looked up. module:
    the file that contains it, None for a cell.
    """
    for level, name in _imported(source):
        if level and module is None:
            continue
        for base in [_up(module, level)] if level and module else where.bases:
            yield from ((path, where) for path in _resolve(base, name))
        if not level:
            yield from ((path, where) for path in _in_place_of(name, where.modules))
    for options, *targets in _RUN.findall(source) if module is None else ():
        target = "".join(targets)
        if "-m" in options.split():
            yield from ((path, where) for base in where.bases for path in _resolve(base, target))
            continue
        script = Path(os.path.normpath(where.folder / os.path.expanduser(target)))
        yield from (
            (path, where.within(path)) for path in (script, Path(f"{script}.py")) if isfile(path)
        )


def _in_place_of(name: str, modules: Mapping[str, Path]) -> Iterator[Path]:
    """Files of a module that an editable install maps: `churnlib` → `src/churnlib`, its
    `__init__.py`, or the file `src/churnlib.py`.
    """
    for mapped, place in modules.items():
        if name == mapped or name.startswith(f"{mapped}."):
            yield from (
                path for path in (place, place / "__init__.py", Path(f"{place}.py")) if isfile(path)
            )
            yield from _resolve(place.parent if isfile(place) else place, name[len(mapped) + 1 :])


def _up(module: Path, level: int) -> Path:
    folder = module.parent
    for _ in range(level - 1):
        folder = folder.parent
    return folder


def _resolve(base: Path, name: str) -> Iterator[Path]:
    """`a.b.c` → `a/__init__.py`, `a/b/__init__.py`, and `a/b/c.py` or its package; anything else is
    not the project's.
    """
    place = base
    for part in [part for part in name.split(".") if part]:
        module, package = place / f"{part}.py", place / part
        place = package
        if isfile(package / "__init__.py"):  # comes before a module of that name, as in Python
            yield package / "__init__.py"
        elif isfile(module):
            yield module
            return
        elif not isdir(package):
            return


def _imported(source: str) -> Iterator[tuple[int, str]]:
    """(number of leading dots, dotted name) of each import; a name after `import` may be a module
    as well.
    """
    tree = parse(source) if len(source) <= _MAX_CHARACTERS else None
    if tree is None:
        yield from _imported_by_words(source)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield node.level, module
            yield from ((node.level, f"{module}.{alias.name}") for alias in node.names)


def _imported_by_words(source: str) -> Iterator[tuple[int, str]]:
    """For a cell that is not plain Python (`%%time` with an unusual body): rather one file too many
    than one too few.
    """
    for module, names, modules in _IMPORT.findall(source):
        level = len(module) - len(module.lstrip("."))
        plain = module[level:]
        if module:
            yield level, plain
            yield from ((level, f"{plain}.{name}") for name in _listed(names))
        yield from ((0, name) for name in _listed(modules))


def _listed(names: str) -> list[str]:
    return [name.split(" as ")[0].strip() for name in names.split(",") if name.strip()]
