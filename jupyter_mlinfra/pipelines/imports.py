"""The project's own Python files that a notebook imports, near or far: they are part of its code.

Found by reading, never by running. What only running can tell (`importlib.import_module(name)`, a path made by hand) is not seen:
such a file belongs under `in:` of the step.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from ..jobs.plain import parse
from .notebook import Notebook

_RUN = re.compile(r"^\s*%run\s+(?:-\S+\s+)*['\"]?([^\s'\"]+)", re.MULTILINE)
_IMPORT = re.compile(r"^\s*(?:from\s+([.\w]+)\s+import\s+([\w, ]+)|import\s+([\w., ]+))", re.MULTILINE)
_MAX_BYTES = 5_000_000


def local_modules(notebook: Notebook, folder: Path, root: Path) -> dict[str, str]:
    """Path below `root` → sha256, for every file of the project that the notebook may import.

    folder: where the notebook runs. Names are looked for there and at `root`, as Python would with both on its path.
    """
    if notebook.language != "python":
        return {}
    found: dict[Path, str] = {}
    bases = [folder] if folder == root else [folder, root]
    todo = [path for cell in notebook.cells for path in _files_of(cell.source, bases, None)]
    while todo:
        path = todo.pop()
        if path in found or not path.is_relative_to(root):
            continue
        try:
            data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
        except OSError:
            continue
        found[path] = sha256(data).hexdigest()
        if path.suffix == ".py":
            todo += _files_of(data.decode(errors="replace"), bases, path)
    return {path.relative_to(root).as_posix(): digest for path, digest in sorted(found.items())}


def _files_of(source: str, bases: Sequence[Path], module: Path | None) -> Iterator[Path]:
    """Files that the imports of `source` name. module: the file that holds it, None for a cell."""
    for level, name in _imported(source):
        if level and module is None:
            continue
        above = [_up(module, level)] if level and module else bases
        for base in above:
            yield from _resolve(base, name)
    for target in _RUN.findall(source) if module is None else ():
        script = bases[0] / target
        yield from (path for path in (script, script.with_name(f"{script.name}.py")) if path.is_file())


def _up(module: Path, level: int) -> Path:
    folder = module.parent
    for _ in range(level - 1):
        folder = folder.parent
    return folder


def _resolve(base: Path, name: str) -> Iterator[Path]:
    """`a.b.c` → `a/__init__.py`, `a/b/__init__.py`, and `a/b/c.py` or its package; what is not there is somebody else's."""
    place = base
    for part in [part for part in name.split(".") if part]:
        module, package = place / f"{part}.py", place / part
        if module.is_file():
            yield module
            return
        if not package.is_dir():
            return
        place = package
        if (package / "__init__.py").is_file():
            yield package / "__init__.py"


def _imported(source: str) -> Iterator[tuple[int, str]]:
    """(number of leading dots, dotted name) of each import; a name after `import` may be a module as well."""
    tree = parse(source)
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
    """For a cell that is no plain Python (`%%time` with an odd body): rather a file too many than one too few."""
    for module, names, modules in _IMPORT.findall(source):
        level = len(module) - len(module.lstrip("."))
        plain = module[level:]
        if module:
            yield level, plain
            yield from ((level, f"{plain}.{name}") for name in _listed(names))
        yield from ((0, name) for name in _listed(modules))


def _listed(names: str) -> list[str]:
    return [name.split(" as ")[0].strip() for name in names.split(",") if name.strip()]
