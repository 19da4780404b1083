"""Deployments: model versions that answer requests, on Seldon's runtime behind Envoy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "BASE_COLUMNS",
    "Change",
    "DeployedVersion",
    "Deployment",
    "DeploymentDetail",
    "DeploymentState",
    "Deployments",
    "Gate",
    "Measurement",
    "Part",
    "Prediction",
    "VersionState",
    "name_for",
    "unservable",
]

if TYPE_CHECKING:
    from .names import name_for
    from .parts import Part
    from .payloads import BASE_COLUMNS
    from .servable import unservable
    from .service import Deployments
    from .spec import (
        Change,
        DeployedVersion,
        Deployment,
        DeploymentDetail,
        DeploymentState,
        Gate,
        Measurement,
        Prediction,
        VersionState,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {
        "BASE_COLUMNS": ".payloads",
        "Deployments": ".service",
        "Part": ".parts",
        "name_for": ".names",
        "unservable": ".servable",
    }.get(name, ".spec")
    return getattr(import_module(home, __name__), name)
