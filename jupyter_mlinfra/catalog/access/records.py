"""The record of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...core.viewer import Face


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """Masked values that were shown to somebody. verb: what showed them, such as `preview`, or
    `untag` where the tag `pii` was taken off, or `delete` of a dataset with it. face:
    where. dataset, columns: whose they are.
    """

    id: int
    at: datetime
    user: str
    verb: str
    dataset: str
    columns: Sequence[str]
    face: Face
