"""Seldon's own microservice: the default, because it is what a cluster with Seldon runs.

seldon-core 1.19 pins numpy < 2 and protobuf 5.29.5; the overrides lift those pins, and the tests
before traffic check the result. The workbench itself never imports seldon-core, whose license
(Business Source License 1.1 from 1.18 on) is for its user to accept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..environment import NO_GPU, Recipe
from ..packaging import RUNTIME_NAME, Bundle


class SeldonCore:
    """`seldon-core-microservice` with gunicorn: one process, several threads."""

    name = "seldon-core"
    recipe = Recipe(
        "serving environment",
        packages=("seldon-core>=1.19,<2", "orjson>=3.10"),
        overrides=("protobuf>=5", "grpcio-reflection>=1.62", *NO_GPU),
        defaults=("numpy>=2",),
    )

    def refusal(self, bundle: Bundle) -> str:  # noqa: ARG002
        """It takes every bundle."""
        return ""

    def python_for(self, needed: str) -> str:
        """That of the model's files."""
        return needed

    def command(self, python: str, *, threads: int, keepalive_seconds: int) -> Sequence[str]:
        """See `Runtime`."""
        script = Path(python).parent / "seldon-core-microservice"
        options = {
            "--service-type": "MODEL",
            "--grpc-workers": "0",
            "--workers": "1",
            "--threads": str(threads),
            "--keepalive": str(keepalive_seconds),
            "--log-level": "ERROR",
        }
        flat = [part for option in options.items() for part in option]
        return [python, str(script), f"{RUNTIME_NAME}.model.Model", *flat]

    def variables(self, *, deployment: str, version: str) -> Mapping[str, str]:
        """Bytes in, bytes out: the component parses and answers by itself. The others are Seldon's
        own names, for its logs and metadata.
        """
        return {
            "PAYLOAD_PASSTHROUGH": "true",
            "PREDICTIVE_UNIT_ID": deployment,
            "SELDON_DEPLOYMENT_ID": deployment,
            "PREDICTOR_ID": version,
        }
