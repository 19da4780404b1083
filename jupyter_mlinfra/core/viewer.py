"""Who asks to see values that are masked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Face = Literal["rest", "cli", "magic", "python"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who may see masked values, and the face that shows them. user: empty for the user of this
    process.
    """

    face: Face
    user: str = ""
    noted: set[tuple[str, ...]] = field(default_factory=set, compare=False, repr=False)
    """What of this look is written down: an answer that is too large is asked for again, with fewer
    items, and is still one look.
    """


Reveal = Viewer | bool
"""Who sees masked values: nobody (False), the user of this process (True), or a user whom a face
knows.
"""
