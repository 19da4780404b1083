"""The extension of the Jupyter server. Loading it takes milliseconds: pydantic and the domains come with the first request."""

from __future__ import annotations

from pathlib import Path

from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from .context import Context
from .evaluator import Evaluator
from .events import Forwarder, register
from .routes import handlers


class MLInfraApp(ExtensionApp):  # type: ignore[misc]
    """The workbench's half of the server."""

    name = "jupyter_mlinfra"
    app_name = "ML infrastructure workbench"
    description = "Catalog, features, jobs, pipelines, experiments, deployments and monitoring of one project"
    extension_url = "/mlinfra"
    load_other_extensions = True

    project = Unicode("", help="Folder of the project, or one below it. Default: MLINFRA_PROJECT, else the server's root folder.").tag(config=True)

    def initialize_settings(self) -> None:
        """Make what the handlers share."""
        self.context = Context(Path(self.serverapp.root_dir).expanduser().resolve(), self.project)
        register(self.serverapp.event_logger)
        self.forwarder = Forwarder(self.context, self.serverapp.event_logger, self.log)
        self.evaluator = Evaluator(self.context, self.log)
        self.settings.update(mlinfra=self.context, mlinfra_wake=[self.forwarder.wake, self.evaluator.wake])

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(handlers())

    async def stop_extension(self) -> None:
        """Let go of threads; jobs and deployments go on."""
        await self.forwarder.stop()
        await self.evaluator.stop()
        self.context.close()
