"""What a deployment may be called: its name is part of addresses and of process names."""

from __future__ import annotations

import re

from ..core.errors import BadRequest

_LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def check_name(name: str) -> None:
    """Raise BadRequest for an invalid name."""
    if not _NAME.match(name):
        raise BadRequest(
            f"{name!r} cannot name a deployment.",
            f"Small letters, digits and hyphens, at most {_LONGEST}.",
            f"For example {name_for(name)}.",
        )


def name_for(version: str) -> str:
    """The default deployment of a model's version: `Churn_2026/1` is served by `churn-2026`."""
    model = re.split("[/@]", version.removeprefix("version:"))[0]
    return re.sub(r"[^a-z0-9]+", "-", model.lower())[:_LONGEST].strip("-") or "model"
