"""The extension of the Jupyter server. Loading it takes milliseconds: pydantic and the domains are
imported at the first request.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from .caretaker import Caretaker
from .context import Context
from .events import Forwarder, register
from .routes import handlers

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from tornado.httpserver import HTTPServer


HEADER_KIB = 512
"""Longest header of a request, including its address. Tornado's own limit is 64 KiB, and for a
longer one it closes the connection without an answer.
"""


def widen_header(server: HTTPServer) -> None:
    """Let a query that is too long reach its route, which answers with a reason."""
    server.conn_params.max_header_size = max(HEADER_KIB << 10, server.conn_params.max_header_size)


class MLInfraApp(ExtensionApp):  # type: ignore[misc]
    """The server's half of the workbench."""

    name = "jupyter_mlinfra"
    app_name = "ML infrastructure workbench"
    description = (
        "Catalog, features, jobs, pipelines, experiments, deployments and monitoring of one project"
    )
    extension_url = "/mlinfra"
    load_other_extensions = True

    project = Unicode(
        "",
        help=(
            "Folder of the project, or one below it. Default: MLINFRA_PROJECT, else the server's"
            " root folder."
        ),
    ).tag(config=True)

    def initialize_settings(self) -> None:
        """Create what the handlers share."""
        self.context = Context(Path(self.serverapp.root_dir).expanduser().resolve(), self.project)
        register(self.serverapp.event_logger)
        self.forwarder = Forwarder(self.context, self.serverapp.event_logger, self.log)
        self.caretaker = Caretaker(self.context, self.log)
        self.settings.update(mlinfra=self.context, mlinfra_wake=[self.forwarder.wake])

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(handlers())

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Jupyter's hook, called when its HTTP server listens."""
        widen_header(serverapp.http_server)
        self.caretaker.start()

    async def stop_extension(self) -> None:
        """Stop using threads; jobs and deployments continue."""
        await self.forwarder.stop()
        await self.caretaker.stop()
        self.context.close()
