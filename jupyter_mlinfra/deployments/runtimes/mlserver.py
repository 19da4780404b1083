"""MLServer: Seldon's own server of the Open Inference Protocol, under the Apache license.

MLServer 1.7.1 declares Python below 3.13, so its processes run on a Python 3.12, whatever the
workbench runs on.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

from ...core.errors import Unavailable
from ..environment import NO_GPU, Recipe, uv_binary
from ..packaging import RUNTIME_NAME, Bundle

PYTHON = "3.12"
"""The version that both MLServer and this package declare."""


class MLServer:
    """MLServer without parallel workers, its metrics and its gRPC port: one process; the gateway
    counts requests and hands calls over (`runtime.grpc_calls`).
    """

    name = "mlserver"
    recipe = Recipe(
        "serving environment",
        # With uvloop 0.22 and later, MLServer 1.7.1 ends at its start: it asks for a loop that is
        # not there yet.
        packages=("mlserver>=1.7.1,<2", "uvloop>=0.21,<0.22", "httptools>=0.6", "orjson>=3.10"),
        overrides=NO_GPU,
        defaults=("numpy>=2",),
    )

    def refusal(self, bundle: Bundle) -> str:  # noqa: ARG002
        """It takes every bundle."""
        return ""

    def python_for(self, needed: str) -> str:
        """The one that it runs on. Raises Unavailable if the model's files need another one, or
        this machine does not have it.
        """
        what = "MLServer cannot serve this model here."
        other = "Use --runtime open-inference or seldon-core, which speak the same protocols."
        if needed not in ("", PYTHON):
            why = f"The model's files need Python {needed}; MLServer is served on {PYTHON}."
            raise Unavailable(what, why, other)
        if sys.version_info[:2] != (3, 12) and not _has_python():
            why = f"It declares Python below 3.13, and this machine has no Python {PYTHON}."
            raise Unavailable(what, why, f"Install Python {PYTHON}. {other}")
        return PYTHON

    def command(self, python: str, *, threads: int, keepalive_seconds: int) -> Sequence[str]:
        """See `Runtime`."""
        options = ["--threads", str(threads), "--keepalive", str(keepalive_seconds)]
        return [python, "-m", f"{RUNTIME_NAME}.mlserver_app", *options]

    def variables(self, *, deployment: str, version: str) -> Mapping[str, str]:  # noqa: ARG002
        """None of its own."""
        return {}


def _has_python() -> bool:
    command = [uv_binary(), "python", "find", "--no-python-downloads", "--no-project", PYTHON]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
