"""What carries a model's processes: a server that speaks HTTP on a Unix socket.

A runtime is found by entry point `mlinfra.serving_runtimes`. Whatever carries it, the same object
answers (`runtime.served`, by `runtime.asgi.Application` for servers of other packages): codecs of
the bodies, contract and log are common on purpose, so the same bundle gives the same answers on all
of them, and each speaks Seldon's protocol and the Open Inference Protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from ...core.errors import NotFound

if TYPE_CHECKING:
    from ..environment import Recipe
    from ..packaging import Bundle

GROUP = "mlinfra.serving_runtimes"
DEFAULT = "seldon-core"
_BUILT_IN = {
    "seldon-core": "seldon_core:SeldonCore",
    "open-inference": "open_inference:OpenInference",
    "mlserver": "mlserver:MLServer",
}
BUILT_IN = tuple(_BUILT_IN)
IN_IMAGES = BUILT_IN[:2]
"""Those that images for a cluster are made of."""


class Runtime(Protocol):
    """One kind of server. recipe: what its environment holds beside the model's requirements."""

    name: str
    recipe: Recipe

    def refusal(self, bundle: Bundle) -> str:
        """Why it cannot serve this model, as a sentence; empty if it can."""

    def python_for(self, needed: str) -> str:
        """The minor version of Python of its environment; empty for that of the workbench. needed:
        by the model's files. Raises Unavailable if it cannot serve them on this machine.
        """

    def command(self, python: str, *, threads: int, keepalive_seconds: int) -> Sequence[str]:
        """The command of one process, which listens on the socket MLINFRA_SOCKET once it can
        answer. keepalive_seconds: after which an idle connection may be closed.
        """

    def variables(self, *, deployment: str, version: str) -> Mapping[str, str]:
        """Environment variables that only this server needs."""


def load_runtime(name: str) -> Runtime:
    """The runtime of that name. Raises NotFound if no package provides it."""
    runtime: Runtime
    if target := _BUILT_IN.get(name):
        module, _, kind = target.partition(":")
        runtime = getattr(import_module(f".{module}", __name__), kind)()
        return runtime
    found = entry_points(group=GROUP)
    if name in found.names:
        runtime = found[name].load()()
        return runtime
    names = ", ".join(sorted({*BUILT_IN, *found.names}))
    raise NotFound(
        f"There is no serving runtime {name!r}.",
        f"Installed: {names}.",
        "Choose one of them, or install the package that adds it.",
    )
