"""`mlinfra features apply`."""

from __future__ import annotations

from typing import Any

from ....faces.session import Session
from .noun import features


@features.verb("apply")
def _apply(session: Session) -> Any:
    """Apply the definitions of the feature repository to the registry."""
    return session.bench.features.apply()
