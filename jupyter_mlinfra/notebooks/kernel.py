"""The kernel of one notebook job.

It does not use papermill: a kernel starts while papermill loads.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from traitlets.config import Config

from ..core.errors import Unavailable

START_SECONDS = 300
"""How long a kernel may take to start: a machine under load is slow, not broken."""
POLL_SECONDS = 0.005
"""Between two checks whether a kernel listens, or has ended."""
_END_QUIETLY = """
import logging as _logging
import zmq as _zmq
from ipykernel.iostream import IOPubThread as _Outputs
def _stop(self, stop=_Outputs.stop):
    stop(self)
    while getattr(self, "_events", None):
        self._events.popleft()()
_Outputs.stop = _stop
def _open(record, closed=_zmq.ENOTSOCK):
    return getattr((record.exc_info or (None, None))[1], "errno", None) != closed
_logging.getLogger("tornado.general").addFilter(_open)
del _Outputs, _stop, _open, _logging, _zmq
"""
"""One kernel in eight is asked to shut down while its output thread stops: a pending flush would
then wait ten seconds, since nobody performs it.

And one in a hundred sends "idle" after its reply through a socket that its other thread has
closed. This is not an error of the notebook, so it is kept out of its log.
"""

_BARS_AS_TEXT = """
import sys as _sys
class _Bars:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "tqdm.autonotebook":
            from importlib.machinery import ModuleSpec
            return ModuleSpec(name, cls)
    @staticmethod
    def create_module(spec):
        pass
    @staticmethod
    def exec_module(module):
        from tqdm import std
        module.tqdm, module.trange = std.tqdm, std.trange
_sys.meta_path.insert(0, _Bars)
del _sys, _Bars
"""
"""`tqdm.auto` uses its notebook bar in any kernel that has ipywidgets: in a job nobody sees that
widget, and the log shows nothing.

This makes it use the terminal bar.
"""


class Kernel(AsyncKernelManager):  # type: ignore[misc]  # jupyter_client's traits are untyped
    """The kernel of one notebook.

    It is interrupted before a shutdown only while it runs a cell: a kernel that still cleans up
    after its last reply would log the interrupt as its error.
    """

    in_cell: Callable[[], bool] = staticmethod(lambda: False)

    async def _async_interrupt_kernel(self) -> None:
        if self.in_cell() or not self.shutting_down:
            await super()._async_interrupt_kernel()

    async def _async_finish_shutdown(
        self,
        waittime: float | None = None,
        pollinterval: float = POLL_SECONDS,
        restart: bool = False,
    ) -> None:
        await super()._async_finish_shutdown(waittime, pollinterval, restart)


@dataclass(frozen=True, slots=True)
class Ready:
    """A kernel that answers, and its client."""

    kernel: Kernel
    client: Any


def new_kernel(name: str, sockets: str) -> Kernel:
    """A kernel that is not started yet. sockets: prefix of the paths of its sockets; short, since
    such a path has at most 107 bytes.
    """
    # Sockets in a folder of this user: a TCP port would be open to every user of the machine.
    return Kernel(
        kernel_name=name, config=Config(KernelManager={"transport": "ipc", "ip": sockets})
    )


def launch(kernel: Kernel, folder: str | None) -> None:
    """Start it without waiting for its first answer.

    folder: the frozen copy of the folder that it runs in; searched for modules before that folder.
    Raises NoSuchKernel.
    """
    # As nbclient does: no history on disk.
    variables = (
        [
            f"--IPKernelApp.exec_lines={_first_lines(folder)!r}",
            "--HistoryManager.hist_file=:memory:",
        ]
        if is_ipython(kernel.kernel_name)
        else []
    )
    run_sync(kernel._async_start_kernel)(extra_arguments=variables)


def connect(kernel: Kernel) -> Ready:
    """Wait for its first answer. Raises Unavailable when it dies before that, or takes too long."""
    limit, needed = (
        time.monotonic() + START_SECONDS,
        [f"{kernel.ip}-{port}" for port in (kernel.shell_port, kernel.iopub_port)],
    )
    while (
        not all(map(os.path.exists, needed))
        and time.monotonic() < limit
        and run_sync(kernel._async_is_alive)()
    ):
        # zmq retries a connection to a missing socket only after a tenth of a second.
        time.sleep(POLL_SECONDS)
    client = kernel.client()
    # No heartbeat channel: it beats only once a second, and the process shows if the kernel lives.
    client.start_channels(hb=False)
    client.allow_stdin = False
    if not run_sync(_answers)(kernel, client, limit):
        client.stop_channels()
        died = f"The kernel {kernel.kernel_name!r} died before its first answer, or gave none."
        raise Unavailable(died, fix="Open a notebook with it in JupyterLab: it may say why.")
    return Ready(kernel, client)


async def _answers(kernel: Kernel, client: Any, limit: float) -> bool:
    """Whether the kernel answers and its output channel is connected.

    jupyter_client's own `wait_for_ready` listens a fifth of a second longer, to read the rest of
    this answer. That is not needed: nobody mistakes the rest for the answer to a cell.
    """
    while time.monotonic() < limit and await kernel._async_is_alive():
        client.kernel_info()
        with contextlib.suppress(Empty):
            if (await client.get_shell_msg(timeout=1))[
                "msg_type"
            ] == "kernel_info_reply" and await client.get_iopub_msg(timeout=0.2):
                return True
    return False


def end(kernel: Kernel) -> None:
    """Kill it, and remove its files."""
    run_sync(kernel._async_shutdown_kernel)(now=True)


def _first_lines(folder: str | None) -> list[str]:
    """What a Python kernel runs before the first cell.

    Not PYTHONPATH: that comes before the standard library, and a random.py beside the notebook
    would replace it.
    """
    path = (
        "import sys; sys.path.insert(sys.path.index('') if '' in sys.path else len(sys.path),"
        f" {folder!r}); del sys"
    )
    return [*([path] if folder is not None else []), _END_QUIETLY, _BARS_AS_TEXT]


def is_ipython(kernel: str) -> bool:
    """Whether the kernel is IPython's. Raises NoSuchKernel."""
    return any("ipykernel" in word for word in KernelSpecManager().get_kernel_spec(kernel).argv)
