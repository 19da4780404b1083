"""Terminals of the Jupyter server: opened by its own manager, for users who may open them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.errors import Forbidden, Unavailable

if TYPE_CHECKING:
    from ...faces.handler import Handler


async def open_terminal(handler: Handler, command: Sequence[str]) -> str:
    """Open one that runs `command`; returns its name. Runs on the event loop, which reads the
    terminal's output.

    Raises Forbidden as `POST api/terminals` would, Unavailable if the server has no terminals.
    """
    if not await handler.allows("write", "terminals"):
        raise Forbidden(
            "You may not open a terminal here.",
            "The Jupyter server does not let you.",
            "Ask who runs it.",
        )
    manager = handler.settings.get("terminal_manager")
    if manager is None:
        why = "ServerApp.terminals_enabled is False, or jupyter_server_terminals is not installed."
        raise Unavailable(
            "This Jupyter server has no terminals.",
            why,
            "Where you have a shell of your own: mlinfra jobs attach ID",
        )
    return str(manager.create(shell_command=list(command))["name"])
