"""A model's files become the model, in a kernel or a job.

Python would run compiled code (`__pycache__`) that lies beside the sources, which no digest covers,
and leave its own there. Neither happens here, however late the model imports its modules.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib import machinery
from pathlib import Path
from types import CodeType
from typing import Any

from . import artifacts

_FOLDERS: set[Path] = set()
"""Whose modules are compiled anew by each process."""


def load(folder: Path) -> Any:
    """The model in its own library, else as MLflow's pyfunc. May run code from its files: only for
    kernels and jobs, never for a server.
    """
    import mlflow

    _compile_anew(folder)
    with _private_bytecode(folder):
        for flavor in (artifacts.read_mlmodel(folder) or {}).get("flavors", {}):
            if flavor != "python_function" and re.fullmatch(r"[a-z0-9_]+", flavor):
                with contextlib.suppress(ModuleNotFoundError, AttributeError):
                    return importlib.import_module(f"mlflow.{flavor}").load_model(str(folder))
        return mlflow.pyfunc.load_model(str(folder))


class _Source(machinery.SourceFileLoader):
    """Looks for no compiled code and keeps none."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        found: CodeType = self.source_to_code(self.get_data(path), path)
        return found


_finder = machinery.FileFinder.path_hook(
    (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
    (_Source, machinery.SOURCE_SUFFIXES),
    (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
)


def _find(path: str) -> Any:
    """What finds modules in a folder of `sys.path`. Raises ImportError for one of no model."""
    if not any(Path(path).is_relative_to(folder) for folder in _FOLDERS):
        raise ImportError(f"{path} is in no model's folder")
    return _finder(path)


def _compile_anew(folder: Path) -> None:
    """Modules of the folder are found by `_find` from now on."""
    _FOLDERS.update((folder, folder.resolve()))
    if _find not in sys.path_hooks:
        sys.path_hooks.insert(0, _find)
    for path in list(sys.path_importer_cache):
        if any(Path(path).is_relative_to(known) for known in _FOLDERS):
            del sys.path_importer_cache[path]


@contextlib.contextmanager
def _private_bytecode(folder: Path) -> Iterator[None]:
    """For a model that is a script of its own, which MLflow loads by its path: all compiled code is
    in a new folder meanwhile.
    """
    if not any(folder.glob("*.py")):
        yield
        return
    before = sys.pycache_prefix
    with tempfile.TemporaryDirectory(prefix="mlinfra-bytecode-") as private:
        sys.pycache_prefix = private
        try:
            yield
        finally:
            sys.pycache_prefix = before
