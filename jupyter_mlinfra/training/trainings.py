"""Which of the trainings of one job or folder this is: each has a folder of its own, and none uses
the checkpoints of another.
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
# What this process has done and the disk does not show: each attempt of a job runs the same
# trainings in the same order.
_begun, _ended = set[Path](), set[Path]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """folder: of its checkpoints. note: what each of them records about it. newest: the last whole
    one, None before there is any.
    """

    folder: Path
    note: Mapping[str, Any]
    newest: Checkpoint | None

    def end(self) -> None:
        """It is done: the next request with the same facts is another training."""
        _ended.add(self.folder)


def take_up(
    root: Path, facts: Mapping[str, Any], *, name: str | None = None, content: str = "", sure: bool
) -> Training:
    """The training with these facts, as far as it came in an earlier attempt; or one that begins.

    facts: what its model hangs on, as values for JSON. content: a digest of what else it does; two
    attempts of one job are alike without it. sure: whether equal facts make equal models. If not,
    this process has had its turn with a training that it has brought to its end. Raises BadRequest
    when the name is none for a folder.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot name a training.",
            "It becomes the name of a folder.",
            "Use letters, digits, dots, dashes and underscores.",
        )
    known: dict[str, Any] = json.loads(
        json.dumps({**facts, "name": name}, sort_keys=True, default=str)
    )
    digest = blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=8).hexdigest()
    job = os.environ.get(JOB, "")
    for number in count(1):
        folder = root / "-".join(
            [*([name] if name else []), digest, *([str(number)] if number > 1 else [])]
        )
        if not sure and folder in _ended:
            continue
        newest = checkpoints.newest_in(folder)
        before = newest.training if newest else {}
        if newest is None or before.get("content") == content or (job and before.get("job") == job):
            break
    if newest is None:
        _warn_of_another(root, known)
    _begun.add(folder)
    note = {
        "facts": known,
        "content": content,
        "job": job,
        "began_at": before.get("began_at") or now().isoformat(),
    }
    return Training(folder=folder, note=note, newest=newest)


def resumed_run() -> str | None:
    """Id of the MLflow run that an earlier attempt of this job saved its work under:
    `ml.track("flights", run=resumed_run())` continues it.

    Of several trainings, the run of the first one that has not come to its end in this attempt.
    None in a first attempt, and outside of a job.
    """
    root = os.environ.get(CHECKPOINTS)
    found = (
        (
            checkpoints.newest_in(folder)
            for folder in checkpoints.folders(Path(root))
            if folder not in _ended
        )
        if root
        else iter(())
    )
    return next((item.run for item in found if item is not None), None)


def _warn_of_another(root: Path, facts: Mapping[str, Any]) -> None:
    """Warn of a training that an earlier attempt stopped and that this one does not continue:
    perhaps it should have.
    """
    for folder in checkpoints.folders(root):
        left = checkpoints.newest_in(folder, sums=False) if folder not in _begun else None
        if left is not None and left.training and not left.finished:
            other = left.training["facts"]
            differ = [key for key in {**other, **facts} if other.get(key) != facts.get(key)] or [
                "content"
            ]
            words = (
                f"The training in {folder} was stopped after {left.step} steps, and this is"
                f" another one, which differs in {', '.join(differ)}."
            )
            warnings.warn(f"{words} This one starts from the beginning.", stacklevel=4)
            return
