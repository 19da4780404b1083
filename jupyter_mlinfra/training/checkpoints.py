"""Checkpoints that are whole or absent: a folder each, with a manifest of every file's checksum.

    FOLDER/step-0000000300/…            what was saved
    FOLDER/step-0000000300/manifest.json
    FOLDER/TRAINING/step-…              the same of one of several trainings

A checkpoint is written in a hidden folder beside the others, synced and renamed, so that neither a
kill nor a power cut leaves half of one under its name. Later damage by a disk or a user is found by
the checksums.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal

from ..core.errors import BadRequest, Unprocessable
from ..core.files import explain_os_error, make_below, sync_folder, write_atomic
from ..core.records import now
from ..core.variables import CHECKPOINTS, PROGRESS

MANIFEST = "manifest.json"
_PREFIX, _DRAFT, _GONE = "step-", ".draft-", ".gone-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One whole checkpoint. step: optimizer steps or rounds done. epoch: complete epochs, from 0.
    run: id of the MLflow run it belongs to.

    finished: whether the training was done. training: which training this is.
    """

    folder: Path
    step: int
    epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    run: str | None = None
    finished: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)


def checkpoint_folder(folder: Path | str | None = None) -> Path:
    """Where the checkpoints of this training are: the given folder, else that of the job, which is
    the same for all its attempts.

    Raises BadRequest if there is neither.
    """
    path = folder or os.environ.get(CHECKPOINTS)
    if not path:
        raise BadRequest(
            "There is no folder for checkpoints.",
            "This is not a job, and no folder was given.",
            "Give folder=…, or submit it as a job.",
        )
    return Path(path)


def make_folder(folder: Path) -> None:
    """Make a folder for checkpoints. In a job whose own is in the project's state, nothing is made
    once that was removed. Raises OSError.
    """
    own, progress = os.environ.get(CHECKPOINTS, ""), os.environ.get(PROGRESS, "")
    job = Path(own).parent
    if own and folder.is_relative_to(own) and Path(progress).parent.parent == job:
        make_below(job, folder)
    else:
        folder.mkdir(parents=True, exist_ok=True)


def begin(folder: Path, step: int) -> Path:
    """An empty hidden folder to write a checkpoint into. Leftovers of killed writers are removed: a
    job writes one at a time.
    """
    try:
        make_folder(folder)
        for leftover in [*folder.glob(f"{_DRAFT}*"), *folder.glob(f"{_GONE}*")]:
            shutil.rmtree(leftover, ignore_errors=True)
        draft = draft_of(folder, step)
        draft.mkdir()
    except OSError as error:
        raise explain_os_error(error, f"No checkpoint can be written to {folder}.") from error
    return draft


def draft_of(folder: Path, step: int) -> Path:
    """The hidden folder of a checkpoint in progress; every rank of a training knows it."""
    return folder / f"{_DRAFT}{_name(step)}"


def commit(
    draft: Path,
    *,
    step: int,
    epoch: int = 0,
    metrics: Mapping[str, float] | None = None,
    run: str | None = None,
    finished: bool = False,
    training: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Turn what was written since `begin` into a checkpoint, in one step. Raises Unavailable if the
    disk does not take it.
    """
    values = {key: float(value) for key, value in (metrics or {}).items() if math.isfinite(value)}
    facts: dict[str, Any] = {
        "step": step,
        "epoch": epoch,
        "metrics": values,
        "run": run,
        "finished": finished,
        "training": dict(training or {}),
    }
    target = draft.parent / _name(step)
    try:
        files = {str(path.relative_to(draft)): _sync_and_hash(path) for path in _files(draft)}
        manifest = {**facts, "saved_at": now().isoformat(), "files": files}
        write_atomic(draft / MANIFEST, json.dumps(manifest, indent=1).encode(), mode=0o644)
        for inner in [path for path in draft.rglob("*") if path.is_dir()]:
            sync_folder(inner)
        sync_folder(draft)
        if target.exists():  # of the same step: an earlier attempt came this far
            _remove(target)
        draft.rename(target)
        sync_folder(draft.parent)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise explain_os_error(error, f"The checkpoint of step {step} was not written.") from error
    return Checkpoint(folder=target, **facts)


def save(folder: Path, write: Callable[[Path], object], *, step: int, **facts: Any) -> Checkpoint:
    """A checkpoint of what `write` puts into its folder. facts: see `commit`."""
    draft = begin(folder, step)
    try:
        write(draft)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise explain_os_error(
                error, f"The checkpoint of step {step} was not written."
            ) from error
        raise
    return commit(draft, step=step, **facts)


def latest(folder: Path | str | None = None) -> Checkpoint | None:
    """The newest whole checkpoint of the job or folder; None if there is none. Of several
    trainings, that of the one that began last.

    Newer ones that are not whole are skipped with a warning.
    """
    return next(
        (
            checkpoint
            for subfolder in reversed(folders(checkpoint_folder(folder)))
            if (checkpoint := newest_in(subfolder)) is not None
        ),
        None,
    )


def newest_in(folder: Path, *, check_sums: bool = True) -> Checkpoint | None:
    """As `latest`, in this folder only. check_sums: whether the files are read to verify their
    checksums.
    """
    for path in reversed(_all(folder)):
        try:
            return _read(path, check_sums=check_sums)
        except Unprocessable as error:
            warnings.warn(f"Checkpoint {path} is skipped: {error.why}", stacklevel=3)
    return None


def folders(root: Path) -> list[Path]:
    """Where checkpoints are in a job's folder: directly in it, then in those of its trainings, in
    the order in which these began.
    """
    began_at = {}
    for folder in root.iterdir() if root.is_dir() else ():
        first = next(_readable(_all(folder)), None) if folder.is_dir() else None
        if first is not None:
            began_at[folder] = str(first.training.get("began_at", ""))
    return [root, *sorted(began_at, key=lambda folder: (began_at[folder], folder))]


def prune(
    folder: Path,
    *,
    written: int,
    keep: int,
    monitor: str | None = None,
    mode: Literal["min", "max"] = "min",
) -> None:
    """Remove all but the newest `keep` checkpoints, and the best one by the metric `monitor`, if it
    is given. written: step of the one that was just written.

    One that is not whole does not count: it replaces no good one, and is removed. One beyond
    `written` was skipped when the training was resumed, so it is removed too, even if its sizes are
    right.
    """
    checkpoints = [item for item in _readable(_all(folder)) if item.step <= written]
    remaining = {item.folder for item in checkpoints[-keep:]}
    rated = [item for item in checkpoints if monitor is not None and monitor in item.metrics]
    if monitor is not None and rated:
        remaining.add(
            (min if mode == "min" else max)(rated, key=lambda item: item.metrics[monitor]).folder
        )
    if checkpoints:
        for path in _all(folder):
            if path not in remaining:
                _remove(path)


def _name(step: int) -> str:
    return f"{_PREFIX}{step:010d}"


def _all(folder: Path) -> list[Path]:
    """Folders of checkpoints, whole or not, oldest first."""
    return sorted(
        (path for path in folder.glob(f"{_PREFIX}*") if path.is_dir()),
        key=lambda path: (len(path.name), path.name),
    )


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST
    )


def _sync_and_hash(path: Path) -> dict[str, Any]:
    """Sync a file; returns its size and checksum."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        digest = file_digest(file, "sha256").hexdigest()
        return {"size": os.fstat(file.fileno()).st_size, "sha256": digest}


def _remove(path: Path) -> None:
    """Remove it in one step, so that a reader never finds half of it."""
    gone = path.with_name(f"{_GONE}{path.name}")
    shutil.rmtree(gone, ignore_errors=True)
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _readable(paths: Sequence[Path]) -> Iterator[Checkpoint]:
    for path in paths:
        with contextlib.suppress(Unprocessable):
            yield _read(path, check_sums=False)


def _read(path: Path, *, check_sums: bool) -> Checkpoint:
    """A checkpoint with all its files in the right size and, if `check_sums`, with the right
    content. Raises Unprocessable with the reason otherwise.
    """
    message = f"{path} is not a whole checkpoint."
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        files = {
            str(name): (int(fact["size"]), str(fact["sha256"]))
            for name, fact in manifest["files"].items()
        }
        run = manifest["run"]
        checkpoint = Checkpoint(
            folder=path,
            step=int(manifest["step"]),
            epoch=int(manifest["epoch"]),
            metrics=dict(manifest["metrics"]),
            run=None if run is None else str(run),
            finished=bool(manifest.get("finished")),
            training=dict(manifest.get("training", {})),
        )
    except FileNotFoundError:
        raise Unprocessable(message, "it has no manifest.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unprocessable(
            message, f"its manifest cannot be read ({type(error).__name__}: {error})."
        ) from error
    for name, (size, digest) in files.items():
        try:
            with open(path / name, "rb") as file:
                actual_size = os.fstat(file.fileno()).st_size
                if actual_size != size:
                    raise Unprocessable(message, f"{name} has {actual_size} bytes and had {size}.")
                if check_sums and file_digest(file, "sha256").hexdigest() != digest:
                    raise Unprocessable(message, f"{name} is not what was saved.")
        except OSError as error:
            raise Unprocessable(message, f"{name} cannot be read ({error.strerror}).") from error
    return checkpoint
