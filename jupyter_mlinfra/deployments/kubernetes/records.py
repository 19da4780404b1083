"""The records of manifests and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """A deployment as a cluster takes it. yaml: all of them in one text, in the order in which they
    are applied. path: where it was written; empty if it was not.
    """

    deployment: str
    kind: str
    namespace: str
    manifests: Sequence[Mapping[str, Any]]
    yaml: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContext:
    """A folder from which an image of one version is built. tag: names version and content, so the
    same tag always means the same image. command: what its container runs.
    """

    deployment: str
    version: str
    model: str
    folder: str
    tag: str
    base: str
    command: Sequence[str]
    packages: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionState:
    """What was applied to a cluster last, and what became of it. outcome: `ready`, `rolled back`,
    `failed`, or `applying` while a rollout is in progress or if it was killed.
    """

    deployment: str
    context: str
    outcome: str
    reason: str
    kinds: Sequence[str]
    user: str
    at: datetime
