"""A version that is deployed already: what a further deploy takes from it, and may not change."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Conflict, Unprocessable
from .packaging import load_bundle

if TYPE_CHECKING:
    from .featuring import FeatureWish
    from .logged import Answers
    from .rows import DeploymentRow, VersionRow


def proved(row: DeploymentRow, label: str, model: str) -> VersionRow | None:
    """The version of that model, if it is deployed already and has passed its tests."""
    if row.model != model:
        return None
    return next((item for item in row.versions if item.version == label and item.proved), None)


def check_runtime(item: VersionRow, runtime: str | None) -> None:
    """Raise Conflict for a version that is deployed on another runtime: its processes answer, and
    must not be taken away before others do.
    """
    if runtime not in (None, item.runtime):
        raise Conflict(
            f"{item.version} of {item.deployment} is deployed already on {item.runtime}.",
            "Its processes answer requests, and those of another runtime would have to be tested"
            " first.",
            f"Remove it first: mlinfra deployments remove {item.deployment} {item.version}; or"
            " deploy it under another name.",
        )


def check_features(item: VersionRow, wish: FeatureWish | None) -> None:
    """Raise Conflict for a version that is deployed with other features: its clients would have to
    send other columns.
    """
    if wish is None or wish == wish_in(item):
        return
    raise Conflict(
        f"{item.version} of {item.deployment} is deployed already with other features.",
        "Its clients would have to send other columns, or would get other answers.",
        f"Remove it first: mlinfra deployments remove {item.deployment} {item.version}; or deploy"
        " it under another name.",
    )


def features_of(row: DeploymentRow | None) -> FeatureWish | None:
    """The features of the version with most traffic: a further version takes the same requests."""
    packaged = row.packaged if row is not None else None
    return wish_in(packaged) if packaged is not None else None


def wish_in(item: VersionRow) -> FeatureWish | None:
    """What a deployed version reads from views."""
    from .featuring import FeatureWish

    with contextlib.suppress(Unprocessable):
        if plan := load_bundle(Path(item.bundle)).features:
            return FeatureWish(
                views=plan["asked"], missing=plan["missing"], defaults=plan["defaults"]
            )
    return None


def answers_of(item: VersionRow) -> Answers | None:
    """What a deployed version answers, so that it keeps it; None if its bundle cannot be read, or
    it answers values.
    """
    with contextlib.suppress(Unprocessable):
        answers = load_bundle(Path(item.bundle)).answers
        return None if answers == "values" else answers
    return None
