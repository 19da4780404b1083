"""Stores that plain MLflow left in the project's folders: `mlflow.db` beside a notebook, or a
folder `mlruns`.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import NotFound

IMPORTED = "mlinfra.imported"
"""Tag of an imported run: its id in the store that it came from."""

DEPTH, FOLDERS = 3, 300
"""How deep below the project, and in how many folders, stores are looked for: a list of experiments
must not wait for a walk through a data folder.
"""

RUNS = 20_000
"""The most runs that are counted in one folder `mlruns`. An import imports all of them."""

_SETTLED_NANOSECONDS = 2_000_000_000
"""A file that changed more recently may change again within one tick of its clock."""

_SKIPPED = {"node_modules", "__pycache__", "site-packages", "mlruns", "mlartifacts"}
_RUN = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Stray:
    """One such store. runs: ids of its runs that have ended and were not imported."""

    path: Path
    runs: Sequence[str]

    @property
    def uri(self) -> str:
        """Its address for MLflow."""
        return f"sqlite:///{self.path}" if self.path.is_file() else self.path.as_uri()


def strays(root: Path, own: Path | None) -> list[Stray]:
    """The stores below the project that hold runs. own: the project's store, which does not
    count.
    """
    stores = (
        stray_at(folder / name) for folder in _folders(root) for name in ("mlflow.db", "mlruns")
    )
    return [item for item in stores if item.runs and item.path != own]


def stray_at(path: Path) -> Stray:
    """The store at a path; without runs if there is none or it cannot be read."""
    return Stray(path, sorted(_in_file(path) if path.is_file() else _in_folder(path)))


def without(stores: Sequence[Stray], imported: Collection[str]) -> list[Stray]:
    """The stores without the runs that were imported, and without stores of which none is left."""
    remaining = [
        Stray(item.path, [id for id in item.runs if id not in imported]) for item in stores
    ]
    return [item for item in remaining if item.runs]


def address_of(store: str, root: Path) -> str:
    """The address of a store for MLflow: an address stays, a path becomes one.
    Raises NotFound if nothing is there.
    """
    if re.match(r"[a-z][a-z0-9+]+:", store):
        return store
    path = next((item.resolve() for item in (Path(store), root / store) if item.exists()), None)
    if path is None:
        raise NotFound(
            f"There is no store {store}.",
            "Neither below the working directory nor below the project.",
            "mlinfra experiments list names them.",
        )
    return Stray(path, ()).uri


def is_same_store(first: str, second: str) -> bool:
    """Whether two addresses name one store, whatever links, relative paths, drivers or users they
    contain.
    """
    return _normalized(first) == _normalized(second)


def _normalized(uri: str) -> str:
    scheme, _, rest = uri.partition(":")
    kind = scheme.lower().partition("+")[0]
    if kind in ("sqlite", "file"):
        path = unquote(rest).partition("?")[0]
        return str(Path(path.removeprefix("///" if kind == "sqlite" else "//") or "/").resolve())
    parts = urlsplit(rest)
    return f"{kind}://{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/')}"


def note_of(stores: Sequence[Stray], root: Path) -> str:
    """A note that names the stores and says how to import their runs; empty if there are none."""
    notes = []
    for item in stores:
        count = f"{len(item.runs):,} run{'s' if len(item.runs) > 1 else ''}"
        shown = item.path.relative_to(root) if item.path.is_relative_to(root) else item.path
        notes.append(
            f"{shown} holds {count} that plain MLflow wrote there. Import them: mlinfra runs"
            f" import {shown}"
        )
    return " ".join(f"{text}." for text in notes)


def _folders(root: Path) -> Iterator[Path]:
    """The project's folders, those closest to its root first."""
    level, visited = [root], 0
    for _ in range(DEPTH + 1):
        next_level = list[Path]()
        for folder in level:
            visited += 1
            if visited > FOLDERS:
                return
            yield folder
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
                next_level += [
                    Path(entry.path)
                    for entry in inner
                    if not entry.name.startswith(".") and entry.name not in _SKIPPED
                ]
        level = [folder for folder in sorted(next_level) if not (folder / "pyvenv.cfg").exists()]


def _in_file(path: Path) -> set[str]:
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)
        ) as connection,
    ):
        return {
            row[0]
            for row in connection.execute(
                "SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active' AND status != 'RUNNING'"
            )
        }
    return set()


def _in_folder(path: Path) -> set[str]:
    """MLflow's older form: a file `meta.yaml` per run. Each is read once, and again when it has
    changed.
    """
    run_ids = set()
    for run in islice(_run_folders(path), RUNS):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            meta = os.path.join(run, "meta.yaml")
            status = os.stat(meta)
            settled = time.time_ns() - status.st_mtime_ns > _SETTLED_NANOSECONDS
            if (_has_ended if settled else _has_ended.__wrapped__)(
                meta, status.st_mtime_ns, status.st_size
            ):
                run_ids.add(os.path.basename(run))
    return run_ids


def _run_folders(path: Path) -> Iterator[str]:
    """A folder per experiment, and in it one per run."""
    with contextlib.suppress(OSError):
        for experiment in sorted(name for name in os.listdir(path) if name[:1].isdecimal()):
            with contextlib.suppress(OSError), os.scandir(path / experiment) as entries:
                yield from (entry.path for entry in entries if _RUN.match(entry.name))


@lru_cache(maxsize=2 * RUNS)
def _has_ended(meta: str, changed: int, size: int) -> bool:  # noqa: ARG001 - part of the cache's key
    """Whether the file is of a run that has ended; status 1 means running."""
    text = Path(meta).read_text()
    return "lifecycle_stage: active" in text and not re.search(
        r"^status: (1|RUNNING)$", text, re.MULTILINE
    )
