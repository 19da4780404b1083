"""A lean server of our own on uvicorn: free licenses all through, the least work per request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..environment import NO_GPU, Recipe
from ..packaging import RUNTIME_NAME, Bundle


class OpenInference:
    """An ASGI application (`runtime.asgi`) on uvicorn with httptools and uvloop."""

    name = "open-inference"
    recipe = Recipe(
        "serving environment",
        packages=("uvicorn>=0.34", "httptools>=0.6", "uvloop>=0.21", "orjson>=3.10", "protobuf>=5"),
        overrides=NO_GPU,
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
        options = ["--threads", str(threads), "--keepalive", str(keepalive_seconds)]
        return [python, "-m", f"{RUNTIME_NAME}.asgi", *options]

    def variables(self, *, deployment: str, version: str) -> Mapping[str, str]:  # noqa: ARG002
        """None of its own."""
        return {}
