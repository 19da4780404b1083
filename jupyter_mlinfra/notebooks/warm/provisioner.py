"""The kernel provisioner `mlinfra-warm`: warm kernels for JupyterLab, papermill and nbclient.

It is jupyter_client's local provisioner except for the start, where it may return the connection of
a process that is already running. If anything prevents that, the kernel has a cold start. So does
every restart, at the same ports, since clients stay connected to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from jupyter_client.connect import LocalPortCache
from jupyter_client.provisioning import LocalProvisioner

from ...core.errors import MLInfraError
from .kinds import hangs_on_folder
from .standby import KernelRequest, Standby

_KNOWN = {"env", "cwd", "kernel_id", "extra_arguments"}


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]  # jupyter_client's traits are untyped
    """Takes a warm kernel of the project that contains the kernel's folder. Outside a project, or
    with `warm_kernels = 0`, it is the local provisioner.
    """

    _started = False

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Take a warm kernel, or start one; returns how to connect to it."""
        request = None if self._started else self._request(cmd, kwargs)
        self._started = True
        if request is None:
            return await super().launch_kernel(cmd, **kwargs)
        future = asyncio.get_running_loop().run_in_executor(None, self._take_standby, request)
        try:
            standby = await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_end)
            raise
        if standby is None:
            return await super().launch_kernel(cmd, **kwargs)
        self._release_ports()
        self.process, self.pid, self.pgid, self.cwd = (
            standby.process,
            standby.process.pid,
            standby.process.pid,
            request.folder,
        )
        # `cleanup` gives these ports back.
        self.ports_cached, self.connection_info = (True, standby.info)
        return self.connection_info

    def _request(self, cmd: list[str], kwargs: dict[str, Any]) -> KernelRequest | None:
        """The requested kernel; None when no warm kernel could serve."""
        manager = self.parent
        if (
            manager is None
            or kwargs.keys() - _KNOWN
            or manager.transport != "tcp"
            or not manager.cache_ports
            or not manager.session.key
        ):
            return None
        if (
            manager.session.signature_scheme != "hmac-sha256"
            or getattr(manager, "transport_encryption", "disabled") != "disabled"
        ):
            return None
        if hangs_on_folder(kwargs["env"]):
            return None
        file, folder = (
            os.path.realpath(manager.connection_file),
            os.path.abspath(kwargs.get("cwd") or os.getcwd()),
        )
        command = tuple(None if word == file else word for word in cmd)
        request = KernelRequest(
            command=command, environment=dict(kwargs["env"]), folder=folder, ip=manager.ip
        )
        with contextlib.suppress(ValueError):
            return (
                request
                if command.count(None) == 1 and request.arguments <= command.index(None)
                else None
            )
        return None

    def _take_standby(self, request: KernelRequest) -> Standby | None:
        """Runs in a thread: it waits for settings and for the kernel's answer."""
        from ...core.project import Project
        from .pool import pool_of
        from .settings import WarmSettings

        try:
            project = Project.open(request.folder)
            settings = project.settings.of(WarmSettings)
            if not settings.warm_size:
                return None
        except (MLInfraError, OSError):
            return None  # outside a project, or its settings cannot be read
        pool = pool_of(project.root, self.log.info)
        standby = pool.take(request, os.path.realpath(self.parent.connection_file))
        pool.want(request, settings)
        return standby

    def _release_ports(self) -> None:
        """Release the ports that were reserved for a cold start."""
        for name, port in self.connection_info.items():
            if name.endswith("_port") and self.ports_cached:
                LocalPortCache.instance().return_port(port)


def _end(future: asyncio.Future[Standby | None]) -> None:
    """End a kernel whose start was cancelled before it was there."""
    if (
        not future.cancelled()
        and future.exception() is None
        and (standby := future.result()) is not None
    ):
        standby.end()
