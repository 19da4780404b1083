"""A Jupyter kernel that is started before anybody requests it: an ordinary process with its own
connection.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import LocalPortCache, write_connection_file
from jupyter_client.launcher import launch_kernel
from jupyter_core.paths import jupyter_runtime_dir

from ...core.errors import Unavailable
from .calls import answer_of, expression
from .kinds import READY_SECONDS, folders_before, key_of, resident
from .standing import Standing, changed_at

HAND_OUT_SECONDS = 5.0
"""How long handing one out may take: it has nothing else to do."""
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
_AT_HAND_OUT = ("JPY_SESSION_NAME", "PYTEST_CURRENT_TEST")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRequest:
    """A requested kernel. command: its command line, with None in place of the connection file.
    ip: where it has to listen.
    """

    command: tuple[str | None, ...]
    environment: Mapping[str, str]
    folder: str
    ip: str

    @property
    def key(self) -> str:
        """Equal for requests that the same kernel can serve."""
        return key_of((self.command, self.ip), self.environment)

    @property
    def arguments(self) -> int:
        """Index in the command where the kernel's arguments begin. Raises ValueError when it is not
        started like an IPython kernel.
        """
        after = self.command.index("-m") + 2
        if self.command[after - 1] not in ("ipykernel_launcher", "ipykernel"):
            raise ValueError("not an IPython kernel")
        return after


class Standby:
    """One process. The constructor starts it; after `warm_up` it can be handed out once."""

    def __init__(self, request: KernelRequest) -> None:
        """Raises OSError when it cannot be started."""
        self.key, self.size = request.key, 0
        self._standing: Standing | None = None
        self._ports = {
            name: LocalPortCache.instance().find_available_port(request.ip) for name in _PORTS
        }
        self.info: dict[str, Any] = {
            **self._ports,
            "transport": "tcp",
            "ip": request.ip,
            "signature_scheme": "hmac-sha256",
            "key": secrets.token_hex(32).encode(),
        }
        self._file = Path(jupyter_runtime_dir()) / f"mlinfra-warm-{secrets.token_hex(8)}.json"
        self._before = {
            name: value for name, value in request.environment.items() if name not in _AT_HAND_OUT
        }
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_connection_file(str(self._file), **self.info)
            command = [str(self._file) if word is None else word for word in request.command]
            # It adds JPY_PARENT_PID, by which the kernel notices the end of this process. It does
            # not run in the requested folder yet, so it cannot load modules from there.
            self.process = launch_kernel(command, env=self._before, cwd=str(self._file.parent))
        except BaseException:
            self._tidy()
            raise

    def warm_up(self, lines: Sequence[str]) -> None:
        """Run import lines in it. Raises Unavailable when it cannot be kept."""
        report = self._ask("warm_up", list(lines), READY_SECONDS)
        self._file.unlink(missing_ok=True)  # the kernel has read it
        reason = report["unfit"] or ("" if report["gpu"] else "An import has opened a GPU")
        if reason:
            raise Unavailable(
                "This kernel cannot be kept warm.", f"{reason}.", "Such kernels have a cold start."
            )
        self.size = resident(report["pid"])  # the process may be a shell around the kernel
        self._standing = Standing(
            gpu=True,
            places={place: changed_at(place) for place in report["places"]},
            modules=report["modules"],
        )

    @property
    def ready(self) -> bool:
        """Whether it is warm."""
        return self._standing is not None

    def stale(self) -> str:
        """Why it can no longer be used; empty if it can."""
        if self.process.poll() is not None:
            return "it has ended"
        return (
            "an environment has changed"
            if self._standing is not None and not self._standing.fresh()
            else ""
        )

    def suits(self, request: KernelRequest) -> bool:
        """Whether it can serve this request: no module of the folder would have been imported in
        place of a loaded one.
        """
        return (
            self._standing is not None
            and self.key == request.key
            and self._standing.stands_for(folders_before(request.folder, request.environment))
        )

    def hand_out(self, request: KernelRequest, connection: str) -> None:
        """Make it the requested kernel. connection: path of its client's connection file. Raises
        Unavailable when it does not answer.
        """
        environment = {**request.environment, "JPY_PARENT_PID": self._before["JPY_PARENT_PID"]}
        arguments = [
            connection if word is None else word for word in request.command[request.arguments :]
        ]
        target = {
            "cwd": request.folder,
            "before": self._before,
            "environment": environment,
            "connection": connection,
            "arguments": arguments,
        }
        self._ask("take_over", target, HAND_OUT_SECONDS)

    def end(self) -> None:
        """Kill it with its children, and remove its files."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._tidy()

    def _tidy(self) -> None:
        self._file.unlink(missing_ok=True)
        for port in self._ports.values():
            LocalPortCache.instance().return_port(port)

    def _ask(self, function: str, argument: Any, seconds: float) -> dict[str, Any]:
        """Call a function of `inside` in the kernel."""
        client = BlockingKernelClient()
        client.load_connection_info(self.info)
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        try:
            expressions = {"answer": expression(function, argument)}
            sent = client.execute(
                "",
                silent=True,
                store_history=False,
                user_expressions=expressions,
                allow_stdin=False,
            )
            limit = time.monotonic() + seconds
            while time.monotonic() < limit and self.process.poll() is None:
                with contextlib.suppress(Empty):
                    message = client.get_shell_msg(timeout=0.5)
                    if message["parent_header"].get("msg_id") == sent:
                        return answer_of(message["content"])
        finally:
            client.stop_channels()
            client.context.destroy(linger=0)
        raise Unavailable(
            "The warm kernel has died, or is stuck.", fix="The kernel has a cold start."
        )
