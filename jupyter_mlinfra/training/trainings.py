"""The trainings of one job or folder: each has a folder of its own, and none uses the checkpoints
of another.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest
from ..core.records import now
from ..core.variables import CHECKPOINTS, JOB
from . import checkpoints
from .checkpoints import Checkpoint

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Not on disk, because each attempt of a job runs the same trainings in the same order.
_opened, _ended = set[Path](), set[Path]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training. folder: of its checkpoints. note: what each checkpoint records about it.
    newest: the last complete checkpoint, None before there is any.
    """

    folder: Path
    note: Mapping[str, Any]
    newest: Checkpoint | None

    def end(self) -> None:
        """Record that it is done: the next one with the same facts is another training."""
        _ended.add(self.folder)


def open_training(
    root: Path,
    facts: Mapping[str, Any],
    *,
    name: str | None = None,
    content: str = "",
    reproducible: bool,
) -> Training:
    """The training with these facts, with its progress from an earlier attempt, or a new one.

    facts: what its model depends on, as values for JSON. content: a digest of everything else that
    it does; attempts of one job need not agree in it. reproducible: whether equal facts give equal
    models. If not, a training that this process has ended is not opened again. Raises BadRequest
    if the name cannot be that of a folder.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot name a training.",
            "It becomes the name of a folder.",
            "Use letters, digits, dots, dashes and underscores.",
        )
    stored_facts: dict[str, Any] = json.loads(
        json.dumps({**facts, "name": name}, sort_keys=True, default=str)
    )
    digest = blake2b(json.dumps(stored_facts, sort_keys=True).encode(), digest_size=8).hexdigest()
    job = os.environ.get(JOB, "")
    for number in count(1):
        folder = root / "-".join(
            [*([name] if name else []), digest, *([str(number)] if number > 1 else [])]
        )
        if not reproducible and folder in _ended:
            continue
        newest = checkpoints.newest_in(folder)
        record = newest.training if newest else {}
        if newest is None or record.get("content") == content or (job and record.get("job") == job):
            break
    if newest is None:
        _warn_of_another(root, stored_facts)
    _opened.add(folder)
    note = {
        "facts": stored_facts,
        "content": content,
        "job": job,
        "began_at": record.get("began_at") or now().isoformat(),
    }
    return Training(folder=folder, note=note, newest=newest)


def resumed_run() -> str | None:
    """Id of the MLflow run that an earlier attempt of this job saved its work under:
    `ml.track("flights", run=resumed_run())` continues it.

    Of several trainings, the run of the first one that has not ended in this attempt. None in a
    first attempt, and outside of a job.
    """
    root = os.environ.get(CHECKPOINTS)
    newest = (
        (
            checkpoints.newest_in(folder)
            for folder in checkpoints.folders(Path(root))
            if folder not in _ended
        )
        if root
        else iter(())
    )
    return next((item.run for item in newest if item is not None), None)


def _warn_of_another(root: Path, facts: Mapping[str, Any]) -> None:
    """Warn about a training that was stopped in an earlier attempt and is not continued by this
    one, in case that is a mistake.
    """
    for folder in checkpoints.folders(root):
        stopped = checkpoints.newest_in(folder, check_sums=False) if folder not in _opened else None
        if stopped is not None and stopped.training and not stopped.finished:
            stopped_facts = stopped.training["facts"]
            differences = [
                key
                for key in {**stopped_facts, **facts}
                if stopped_facts.get(key) != facts.get(key)
            ] or ["content"]
            message = (
                f"The training in {folder} was stopped after {stopped.step} steps, and this is"
                f" another one, which differs in {', '.join(differences)}."
            )
            warnings.warn(f"{message} This one starts from the beginning.", stacklevel=4)
            return
