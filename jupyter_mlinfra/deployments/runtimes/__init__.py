"""What carries a model's processes: a server that speaks HTTP on a Unix socket.

A runtime is found by entry point `mlinfra.serving_runtimes`. Whatever carries it, the same object
answers (`runtime.served`), so the same bundle gives the same answers on all of them, and each
speaks Seldon's protocol and the Open Inference Protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from ...core.errors import NotFound

if TYPE_CHECKING:
    from ..environment import Recipe

DEFAULT = "seldon-core"
BUILT_IN = ("seldon-core", "open-inference", "mlserver")
IN_IMAGES = BUILT_IN[:2]
"""Those that images for a cluster are made of."""


class Runtime(Protocol):
    """One kind of server. recipe: what its environment holds beside the model's requirements."""

    name: str
    recipe: Recipe

    def command(self, python: str, *, threads: int, keepalive_seconds: int) -> Sequence[str]:
        """The command of one process, which listens on the socket MLINFRA_SOCKET once it can
        answer. keepalive_seconds: after which an idle connection may be closed.
        """

    def variables(self, *, deployment: str, version: str) -> Mapping[str, str]:
        """Environment variables that only this server needs."""


def load_runtime(name: str) -> Runtime:
    """The runtime of that name. Raises NotFound if no package provides it."""
    if name == "seldon-core":
        from .seldon_core import SeldonCore

        return SeldonCore()
    if name == "open-inference":
        from .open_inference import OpenInference

        return OpenInference()
    if name == "mlserver":
        from .mlserver import MLServer

        return MLServer()
    found = entry_points(group="mlinfra.serving_runtimes")
    if name in found.names:
        runtime: Runtime = found[name].load()()
        return runtime
    names = ", ".join(sorted({*BUILT_IN, *found.names}))
    raise NotFound(
        f"There is no serving runtime {name!r}.",
        f"Installed: {names}.",
        "Choose one of them, or install the package that adds it.",
    )


def python_for(name: str, needed: str) -> str:
    """The minor version of Python of a runtime's environment; empty for that of the workbench.
    needed: by the model's files. Raises Unavailable if the runtime cannot serve it on this machine.
    """
    if name != "mlserver":
        return needed
    from . import mlserver

    return mlserver.python_for(needed)
