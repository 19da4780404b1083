"""What a deployment may be called: it stands in addresses and in the names of processes."""

from __future__ import annotations

import re

from ..core.errors import BadRequest

_LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def check_name(name: str) -> None:
    """Raise BadRequest for what is no name."""
    if not _NAME.match(name):
        raise BadRequest(
            f"{name!r} cannot name a deployment.",
            f"Small letters, digits and hyphens, at most {_LONGEST}.",
            f"For example {name_for(name)}.",
        )


def name_for(version: str) -> str:
    """The deployment of a model's version where nobody names it: `Churn_2026/1` is served by
    `churn-2026`.
    """
    model = re.split("[/@]", version.removeprefix("version:"))[0]
    return re.sub(r"[^a-z0-9]+", "-", model.lower())[:_LONGEST].strip("-") or "model"
