"""What the newest verification of each dataset found, kept for whoever asks later."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.files import write_atomic
from ..core.records import now, to_json
from .spec import Damage, Verification, Verified

if TYPE_CHECKING:
    from ..core.project import Project

_FORMAT = 1


class LastVerified:
    """The newest verifications of one project. They can be made again: what is damaged counts as
    never made.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def keep(self, found: Verification) -> Verification:
        """Keep it, and return it."""
        kept = {"format": _FORMAT, "at": now(), "found": found}
        with contextlib.suppress(OSError, MLInfraError):  # on a full disk, what it says counts
            write_atomic(self._file(found.dataset), json.dumps(to_json(kept)).encode())
        return found

    def of(self, dataset: str) -> Verified:
        """The one of a dataset; `still_out` is empty."""
        never = Verified(dataset=dataset, at=None, found=None, still_out=())
        try:
            kept = json.loads(self._file(dataset).read_bytes())
            if kept["format"] != _FORMAT or kept["found"]["dataset"] != dataset:
                return never
            damaged = [Damage(**item) for item in kept["found"]["damaged"]]
            found = Verification(**{**kept["found"], "damaged": damaged})
            return replace(never, at=datetime.fromisoformat(kept["at"]), found=found)
        except (OSError, ValueError, KeyError, TypeError):
            return never

    def _file(self, dataset: str) -> Path:
        folder = self._project.folder("verified")
        return folder / f"{sha256(dataset.encode()).hexdigest()[:32]}.json"
