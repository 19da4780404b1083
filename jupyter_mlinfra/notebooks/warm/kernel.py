"""A kernel that is started, has run the imports, and waits for the notebook that it will run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_core.paths import jupyter_path
from jupyter_core.utils import run_sync

from ...core.errors import Unavailable
from ..kernel import START_SECONDS, Ready, connect, is_ipython, launch, new_kernel
from ..kernel import end as end_kernel
from .calls import answer_of, expression


@dataclass(frozen=True, slots=True)
class Warmed:
    """ready: the kernel, for one notebook. gpu: whether a GPU job may use it. places: folders and
    files that it was made from. modules: what it has loaded.
    """

    ready: Ready
    gpu: bool
    places: Sequence[str]
    modules: Sequence[str]


def warmed(name: str, lines: Sequence[str], sockets: str) -> Warmed:
    """Start a kernel and let it run import lines.

    Raises NoSuchKernel, and Unavailable for a kernel that cannot be kept warm.
    """
    if not is_ipython(name):
        raise Unavailable(
            f"Kernel {name} cannot be kept warm.",
            "It is not an IPython kernel.",
            "Its notebooks have a cold start.",
        )
    ready = _started(name, sockets)
    try:
        report = ask(ready, "warm_up", list(lines))
        if report["unfit"]:
            raise Unavailable(
                f"Kernel {name} cannot be kept warm.",
                f"{report['unfit']}.",
                "Its notebooks have a cold start.",
            )
    except BaseException:
        end(ready)
        raise
    specs = [
        *jupyter_path("kernels"),
        ready.kernel.kernel_spec.resource_dir,
        os.path.join(ready.kernel.kernel_spec.resource_dir, "kernel.json"),
    ]
    return Warmed(ready, bool(report["gpu"]), [*report["places"], *specs], report["modules"])


def hand_out(
    ready: Ready,
    *,
    cwd: str,
    code: str,
    before: Mapping[str, str],
    environment: Mapping[str, str],
    sockets: str,
) -> None:
    """Give it to a job. sockets: new prefix of the sockets' paths. Raises Unavailable when it is
    dead.
    """
    kernel = ready.kernel
    for port in kernel.ports:
        # Named after the job, or they would be cleaned up while it runs.
        os.rename(f"{kernel.ip}-{port}", f"{sockets}-{port}")
    kernel.ip = sockets
    ask(
        ready,
        "hand_out",
        {"cwd": cwd, "code": code, "before": dict(before), "environment": dict(environment)},
    )


def end(ready: Ready) -> None:
    """Kill it, and remove its files."""
    ready.client.stop_channels()
    end_kernel(ready.kernel)


def ask(ready: Ready, function: str, argument: Any) -> dict[str, Any]:
    """Call a function of `inside` in the kernel. Raises Unavailable when it does not answer."""
    return answer_of(run_sync(_ask)(ready, expression(function, argument)))


async def _ask(ready: Ready, expression: str) -> Mapping[str, Any]:
    """The reply to an expression, after all of the kernel's messages about it have been read."""
    import asyncio

    client = ready.client
    sent = client.execute(
        "",
        silent=True,
        store_history=False,
        user_expressions={"answer": expression},
        allow_stdin=False,
    )
    limit = asyncio.get_running_loop().time() + START_SECONDS
    reply = await _until(
        ready,
        client.get_shell_msg,
        lambda message: message["parent_header"].get("msg_id") == sent,
        limit,
    )
    await _until(
        ready,
        client.get_iopub_msg,
        lambda message: (
            message["parent_header"].get("msg_id") == sent
            and message["content"].get("execution_state") == "idle"
        ),
        limit,
    )
    content: Mapping[str, Any] = reply["content"]
    return content


async def _until(ready: Ready, read: Any, matches: Any, limit: float) -> Any:
    """The first matching message. Raises Unavailable when the kernel has died or takes too long."""
    import asyncio
    from queue import Empty

    while asyncio.get_running_loop().time() < limit and await ready.kernel._async_is_alive():
        try:
            message = await read(timeout=1)
        except Empty:
            continue
        if matches(message):
            return message
    raise Unavailable(
        "The warm kernel has died, or is stuck.", fix="The notebook has a cold start."
    )


def _started(name: str, sockets: str) -> Ready:
    kernel = new_kernel(name, sockets)
    kernel.connection_file = (  # beside the sockets, so that it is removed with them
        f"{sockets}-connection.json"
    )
    launch(kernel, None)
    try:
        return connect(kernel)
    except BaseException:
        end_kernel(kernel)
        raise
