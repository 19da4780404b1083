"""Deployments: model versions that answer requests, on Seldon's runtime behind Envoy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "BASE_COLUMNS",
    "MAX_ERRORS",
    "AccessKey",
    "AnswerComparison",
    "AuditEntry",
    "BatchSubmission",
    "Batches",
    "Change",
    "DeliveryPlan",
    "DeliverySpec",
    "DeployedVersion",
    "Deployment",
    "DeploymentDetail",
    "DeploymentState",
    "Deployments",
    "Gate",
    "ImageContext",
    "LatencySeries",
    "LiveComparison",
    "LoggedRequest",
    "LoggedRequestDetail",
    "ManifestKind",
    "ManifestOptions",
    "Manifests",
    "Measurement",
    "NewKey",
    "Part",
    "Prediction",
    "RegionState",
    "VersionState",
    "VersionVerdict",
    "Vitals",
    "as_logged",
    "hides_values",
    "inputs_of",
    "is_output",
    "masked_columns",
    "masked_inputs",
    "name_for",
    "needs_model",
    "payload_logs",
    "request_of",
    "runs_code",
    "unservable",
]

if TYPE_CHECKING:
    from .access.records import AccessKey, AuditEntry, NewKey
    from .batch.spec import MAX_ERRORS
    from .batch.submitting import Batches
    from .comparing import AnswerComparison
    from .delivery.spec import DeliveryPlan, DeliverySpec
    from .kubernetes.plan import ManifestKind, ManifestOptions
    from .kubernetes.records import ImageContext, Manifests, RegionState
    from .latencies import LatencySeries
    from .live_changes import LiveComparison
    from .logs import hides_values, masked_columns, masked_inputs, payload_logs
    from .names import name_for
    from .payload_log.frames import BASE_COLUMNS, is_output
    from .payload_log.parts import Part
    from .payload_log.training import as_logged, inputs_of, needs_model, request_of
    from .requests import LoggedRequest, LoggedRequestDetail
    from .servable import runs_code, unservable
    from .service import Deployments
    from .spec import (
        BatchSubmission,
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
    from .targets.vitals_log import Vitals
    from .version_verdicts import VersionVerdict


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {
        "AccessKey": ".access.records",
        "AuditEntry": ".access.records",
        "NewKey": ".access.records",
        "BASE_COLUMNS": ".payload_log.frames",
        "Batches": ".batch.submitting",
        "MAX_ERRORS": ".batch.spec",
        "AnswerComparison": ".comparing",
        "DeliverySpec": ".delivery.spec",
        "DeliveryPlan": ".delivery.spec",
        "Deployments": ".service",
        "ImageContext": ".kubernetes.records",
        "LatencySeries": ".latencies",
        "LiveComparison": ".live_changes",
        "LoggedRequest": ".requests",
        "LoggedRequestDetail": ".requests",
        "ManifestKind": ".kubernetes.plan",
        "Manifests": ".kubernetes.records",
        "RegionState": ".kubernetes.records",
        "ManifestOptions": ".kubernetes.plan",
        "VersionVerdict": ".version_verdicts",
        "Vitals": ".targets.vitals_log",
        "Part": ".payload_log.parts",
        "as_logged": ".payload_log.training",
        "inputs_of": ".payload_log.training",
        "is_output": ".payload_log.frames",
        "needs_model": ".payload_log.training",
        "hides_values": ".logs",
        "masked_columns": ".logs",
        "masked_inputs": ".logs",
        "payload_logs": ".logs",
        "request_of": ".payload_log.training",
        "name_for": ".names",
        "runs_code": ".servable",
        "unservable": ".servable",
    }.get(name, ".spec")
    return getattr(import_module(home, __name__), name)
