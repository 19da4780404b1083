"""Settings of deployments on Kubernetes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ...core.settings import Section


class ClusterSettings(Section):
    """`[deployments.kubernetes]`: what `manifest`, `apply` and `deploy --target kubernetes` use
    where they are not told otherwise.
    """

    TABLE: ClassVar[str] = "deployments.kubernetes"

    kind: Literal["", "seldon-v1", "core2", "kserve"] = ""
    """Seldon Core 1, Seldon Core 2, or KServe."""

    image: str = ""
    """Registry and name of the images; the tag names version and content."""

    model_uri: str = ""
    """Where a server reads a model, such as `s3://models/flights/{version}`."""

    model_format: Literal["mlflow", "xgboost", "sklearn", "lightgbm"] = "mlflow"
    """Format of the files at `model_uri`."""

    namespace: str = ""
    """Namespace of the objects; empty = the deployment's own."""

    secret: str = ""
    """Name of the Secret that reads `model_uri`."""

    service_account: str = ""
    """Account of the pods."""

    pull_secret: str = ""
    """Name of the Secret of the registry."""

    timeout_seconds: float = Field(default=600.0, ge=1)
    """How long each cluster may take to become ready after `deploy --target kubernetes`."""
