"""A lean server of our own on uvicorn: free licenses all through, the least work per request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..environment import NO_GPU, Recipe
from ..packaging import RUNTIME_NAME


class OpenInference:
    """An ASGI application (`runtime.asgi`) on uvicorn with httptools and uvloop."""

    name = "open-inference"
    recipe = Recipe(
        "serving environment",
        packages=("uvicorn>=0.34", "httptools>=0.6", "uvloop>=0.21", "orjson>=3.10", "protobuf>=5"),
        overrides=NO_GPU,
        defaults=("numpy>=2",),
    )

    def command(self, python: str, *, threads: int, keepalive_seconds: int) -> Sequence[str]:
        """See `Runtime`."""
        options = ["--threads", str(threads), "--keepalive", str(keepalive_seconds)]
        return [python, "-m", f"{RUNTIME_NAME}.asgi", *options]

    def variables(self, *, deployment: str, version: str) -> Mapping[str, str]:  # noqa: ARG002
        """None of its own."""
        return {}
