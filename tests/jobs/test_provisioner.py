"""Jupyter's own kernels from those that stand by: a client cannot tell one from a cold start but by
the clock, and no process is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from jupyter_client.connect import LocalPortCache
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.notebooks.warm import pool
from tests.core.test_import import HEAVY

SETTINGS = (
    '[project]\nname = "test"\n[jobs]\nwarm_kernels = {size}\nwarm_memory_gib ='
    ' {memory}\nwarm_imports = ["colorsys", "cronsim"]\n'
)
LOOK = """
import ipykernel, json, cronsim, os, sys
me = {
    "pid": os.getpid(), "cwd": os.getcwd(), "path": sys.path, "environment": dict(os.environ),
    "names": sorted(set(globals()) - {"me"}), "session": __session__, "arguments": sys.argv,
    "file": ipykernel.get_connection_file(), "leaked": hasattr(cronsim, "leaked"),
    "interactive": repr(get_ipython().execution_count),
}
cronsim.leaked = True
print(json.dumps(me))
"""
LOADED = "import os, sys; print(os.getpid(), 'cronsim' in sys.modules)"


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Kernel:
    """One kernel and its client, as nbclient or a Jupyter server have them."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client
        self.pid: int = manager.provisioner.pid

    async def run(self, code: str) -> str:
        """What the code prints."""
        found = list[str]()
        reply = await self.client.execute_interactive(
            code,
            output_hook=lambda message: found.append(message["content"].get("text", "")),
            timeout=60,
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(found)

    async def look(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(await self.run(LOOK))
        return told


class Bench:
    """A project, kernels started in it, and those that stand by."""

    def __init__(self, project: Project, tools: Any) -> None:
        self.root, self.until, self._kernels = project.root, tools.until, list[Kernel]()

    def settings(self, *, size: int = 1, memory: float = 2.0) -> None:
        (self.root / "mlinfra.toml").write_text(SETTINGS.format(size=size, memory=memory))

    async def start(self, cwd: Path | None = None, environment: Mapping[str, str] = {}) -> Kernel:
        manager = AsyncKernelManager(kernel_name="python3")
        await manager.start_kernel(
            cwd=str(cwd or self.root),
            env={**os.environ, "JPY_SESSION_NAME": "n.ipynb", **environment},
        )
        client = manager.client()
        client.start_channels()
        kernel = Kernel(manager, client)
        self._kernels.append(kernel)
        await client.wait_for_ready(timeout=60)
        return kernel

    async def ready(self) -> int:
        """The pid of the kernel that stands by, once it is warm."""
        found: int = await asyncio.to_thread(
            self.until,
            lambda: next(
                (each.process.pid for each in list(pool._POOLS[self.root]._standbys) if each.ready),
                None,
            ),
        )
        return found

    async def close(self) -> None:
        for kernel in self._kernels:
            kernel.client.stop_channels()
            if kernel.manager.has_kernel:
                await kernel.manager.shutdown_kernel(now=True)


def standing_by(parent: int) -> list[psutil.Process]:
    """Kernels that were started for nobody, seen from outside."""
    found = []
    for process in psutil.Process(parent).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("mlinfra-warm-" in word for word in process.cmdline()):
                found.append(process)
    return found


@pytest.fixture(autouse=True)
def chosen(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every kernel of this process is asked of the provisioner; at the end no kernel stands by, and
    no port is held.
    """
    monkeypatch.setattr(
        KernelProvisionerFactory.instance(), "default_provisioner_name", "mlinfra-warm"
    )
    monkeypatch.setattr(pool, "REFILL_SECONDS", 0.0)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    held = set(LocalPortCache.instance().currently_used_ports)
    yield
    for each in pool._POOLS.values():
        each.close()
    pool._POOLS.clear()
    assert standing_by(os.getpid()) == []
    assert LocalPortCache.instance().currently_used_ports == held


@pytest.fixture
async def bench(project: Project, tools: Any) -> AsyncIterator[Bench]:
    bench = Bench(project, tools)
    bench.settings()
    yield bench
    await bench.close()


async def test_a_client_cannot_tell_a_kernel_that_stood_by_from_a_cold_one(bench: Bench) -> None:
    folder = bench.root / "folder"
    folder.mkdir()
    cold = await bench.start(folder)
    stood_by = await bench.ready()
    begun = time.time()
    warm = await bench.start(folder, {"JPY_SESSION_NAME": "folder/other.ipynb"})
    assert warm.pid == stood_by
    assert psutil.Process(warm.pid).create_time() < begun
    seen = [await cold.look(), await warm.look()]
    assert [each["pid"] for each in seen] == [cold.pid, stood_by]
    assert [each["environment"].pop("JPY_SESSION_NAME") for each in seen] == [
        "n.ipynb",
        "folder/other.ipynb",
    ]
    assert [each.pop("session") for each in seen] == ["n.ipynb", "folder/other.ipynb"]
    assert [each.pop("file") for each in seen] == [
        cold.manager.connection_file,
        warm.manager.connection_file,
    ]
    assert [each.pop("arguments")[1:] for each in seen] == [
        ["-f", kernel.manager.connection_file] for kernel in (cold, warm)
    ]
    assert {key: value for key, value in seen[0].items() if key != "pid"} == {
        key: value for key, value in seen[1].items() if key != "pid"
    }
    assert seen[1]["cwd"] == str(folder)


async def test_the_imports_are_done_and_each_serves_once(bench: Bench) -> None:
    pids = [(await bench.start()).pid]
    for _ in range(2):
        stood_by = await bench.ready()
        kernel = await bench.start()
        assert (await kernel.run(LOADED)).split() == [str(stood_by), "True"]
        pids.append(kernel.pid)
    assert len(set(pids)) == 3
    assert not (await bench._kernels[-1].look())["leaked"]


async def test_what_the_notebooks_beside_import_is_loaded_when_no_setting_names_imports(
    bench: Bench, tools: Any
) -> None:
    (bench.root / "mlinfra.toml").write_text("[jobs]\nwarm_kernels = 1\n")
    (bench.root / "helper.py").write_text("")
    tools.write_notebook(bench.root / "n.ipynb", tools.cell("import cronsim, helper"))
    await bench.start()
    await bench.ready()
    kernel = await bench.start()
    assert (
        await kernel.run("import sys; print('cronsim' in sys.modules, 'helper' in sys.modules)")
    ).split() == ["True", "False"]


async def test_it_can_be_interrupted_restarted_and_ended(bench: Bench) -> None:
    await bench.start()
    stood_by = await bench.ready()
    kernel = await bench.start()
    ports, key = kernel.manager.ports, kernel.manager.session.key
    running = asyncio.create_task(
        kernel.client.execute_interactive(
            "open('begun', 'w'); import time; time.sleep(600)",
            output_hook=lambda _: None,
            timeout=60,
        )
    )
    await asyncio.to_thread(bench.until, (bench.root / "begun").exists)
    await kernel.manager.interrupt_kernel()
    assert (await running)["content"]["ename"] == "KeyboardInterrupt"
    assert await kernel.manager.is_alive()
    await kernel.manager.restart_kernel()
    await kernel.client.wait_for_ready(timeout=60)
    assert (await kernel.run(LOADED)).split()[1] == "False"
    assert kernel.manager.provisioner.pid != stood_by
    assert not psutil.pid_exists(stood_by)
    # Its clients are still connected.
    assert (kernel.manager.ports, kernel.manager.session.key) == (ports, key)
    kernel.client.shutdown()
    await asyncio.to_thread(
        bench.until, lambda: kernel.manager.provisioner.process.poll() is not None
    )
    assert not await kernel.manager.is_alive()


async def test_one_that_does_not_fit_is_not_served(bench: Bench, tmp_path: Path) -> None:
    await bench.start()
    stood_by = await bench.ready()
    other = bench.root / "other"
    other.mkdir()
    (other / "cronsim.py").write_text("")
    for cwd, environment in ((bench.root, {"OMP_NUM_THREADS": "3"}), (other, {}), (tmp_path, {})):
        assert (await bench.start(cwd, environment)).pid != stood_by
    kinds = set(pool._POOLS[bench.root]._kinds)
    # It would stand by in another folder.
    await bench.start(environment={"PYTHONPATH": f"lib:{os.environ.get('PYTHONPATH', '/none')}"})
    assert set(pool._POOLS[bench.root]._kinds) == kinds
    (tmp_path / "ipython" / "profile_default" / "startup" / "own.py").write_text("mine = 1")
    kernel = await bench.start()
    assert kernel.pid != stood_by
    assert await kernel.run("print(mine)") == "1\n"
    await asyncio.to_thread(bench.until, lambda: not psutil.pid_exists(stood_by))


async def test_a_dead_one_and_one_that_is_stuck_give_way_to_a_cold_start(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.notebooks.warm.standby.HAND_OUT_SECONDS", 1.0)
    await bench.start()
    for number in (signal.SIGKILL, signal.SIGSTOP):
        stood_by = await bench.ready()
        os.kill(stood_by, number)
        kernel = await bench.start()
        assert kernel.pid != stood_by
        assert (await kernel.run(LOADED)).split()[1] == "False"
        assert not psutil.pid_exists(stood_by)


async def test_a_start_that_is_given_up_leaves_no_kernel(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.start()
    stood_by = await bench.ready()
    given, go, hand_out = threading.Event(), threading.Event(), pool.Standby.hand_out

    def slowly(*args: Any) -> None:
        hand_out(*args)
        given.set()
        go.wait(60)

    monkeypatch.setattr(pool.Standby, "hand_out", slowly)
    manager = AsyncKernelManager(kernel_name="python3")
    start = asyncio.create_task(manager.start_kernel(cwd=str(bench.root)))
    await asyncio.to_thread(given.wait, 60)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    go.set()
    await asyncio.to_thread(bench.until, lambda: not psutil.pid_exists(stood_by))
    await manager.cleanup_resources()


async def test_of_two_clients_one_has_it(bench: Bench) -> None:
    await bench.start()
    stood_by = await bench.ready()
    both = await asyncio.gather(bench.start(), bench.start())
    assert [kernel.pid == stood_by for kernel in both].count(True) == 1
    assert sorted([(await kernel.run(LOADED)).split()[1] for kernel in both]) == ["False", "True"]


async def test_without_the_setting_or_a_project_there_is_no_pool(
    bench: Bench, tmp_path: Path
) -> None:
    bench.settings(size=0)
    await bench.start()
    await bench.start(tmp_path)
    assert pool._POOLS == {}


async def test_the_limits_hold(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.settings(size=2)
    await bench.start()
    await bench.start(environment={"OMP_NUM_THREADS": "3"})
    await asyncio.to_thread(
        bench.until,
        lambda: len([each for each in pool._POOLS[bench.root]._standbys if each.ready]) == 2,
    )
    bench.settings(size=2, memory=0.05)
    await bench.start(environment={"OMP_NUM_THREADS": "4"})
    await asyncio.to_thread(bench.until, lambda: standing_by(os.getpid()) == [])
    bench.settings(size=1)
    await bench.start()
    await bench.ready()
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
    with pool._POOLS[bench.root]._changed:
        pool._POOLS[bench.root]._changed.notify()
    await asyncio.to_thread(bench.until, lambda: standing_by(os.getpid()) == [])
    assert pool._POOLS[bench.root]._kinds == {}  # nor is an environment kept


async def test_none_is_kept_while_the_machine_is_short_of_memory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.start()
    await bench.ready()
    monkeypatch.setattr(pool, "memory_used", lambda: 0.95)
    with pool._POOLS[bench.root]._changed:
        pool._POOLS[bench.root]._changed.notify()
    await asyncio.to_thread(bench.until, lambda: standing_by(os.getpid()) == [])


@pytest.mark.parametrize("engine", ["papermill", "nbclient"])
def test_papermill_and_nbclient_are_served(engine: str, project: Project, tools: Any) -> None:
    (project.root / "mlinfra.toml").write_text(SETTINGS.format(size=1, memory=2.0))
    tools.write_notebook(project.root / "n.ipynb", tools.cell(LOADED))

    def run() -> list[str]:
        if engine == "papermill":
            import papermill

            papermill.execute_notebook(
                "n.ipynb", "out.ipynb", cwd=str(project.root), progress_bar=False
            )
            notebook = nbformat.read("out.ipynb", 4)
        else:
            from nbclient import NotebookClient

            notebook = NotebookClient(
                nbformat.read("n.ipynb", 4), resources={"metadata": {"path": str(project.root)}}
            ).execute()
        said: str = notebook.cells[-1].outputs[0].text
        return said.split()

    assert run()[1] == "False"
    stood_by = tools.until(
        lambda: next(
            (each.process.pid for each in pool._POOLS[project.root]._standbys if each.ready), None
        )
    )
    assert run() == [str(stood_by), "True"]
    assert not psutil.pid_exists(stood_by)


@pytest.mark.slow  # a server that is started and killed
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_jupyter_server_hands_them_out_and_leaves_none(
    number: int, project: Project, tools: Any, tmp_path: Path
) -> None:
    (project.root / "mlinfra.toml").write_text(SETTINGS.format(size=1, memory=2.0))
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_TOKEN": "t",
    }
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        "--allow-root",
        "--no-browser",
        "--port=0",
        "--port-retries=0",
        f"--ServerApp.root_dir={project.root}",
    ]
    server = subprocess.Popen(
        [*command, "--KernelProvisionerFactory.default_provisioner_name=mlinfra-warm"],
        env=environment,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        url = tools.until(lambda: _url(tmp_path / "runtime"))
        asyncio.run(_use(url, server.pid, tools))
    finally:
        kernels = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(number)
        server.wait(timeout=60)
    assert len(kernels) >= 2
    assert psutil.wait_procs(kernels, timeout=30)[1] == []


def _url(runtime: Path) -> str:
    """Where the server listens; empty before it does. It writes its file a moment earlier."""
    with contextlib.suppress(ValueError, StopIteration, OSError):
        found = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
        socket.create_connection(("127.0.0.1", found["port"]), timeout=10).close()
        url: str = found["url"]
        return url
    return ""


async def _use(url: str, server: int, tools: Any) -> None:
    """Start two sessions, run a cell in the second one, restart its kernel, run it again, as
    JupyterLab does.
    """
    import httpx
    from tornado.websocket import websocket_connect

    def pids() -> list[int]:
        return [
            process.pid
            for process in standing_by(server)
            if not any(Path(word).exists() for word in process.cmdline() if "mlinfra-warm-" in word)
        ]

    async with httpx.AsyncClient(
        base_url=url, headers={"Authorization": "token t"}, timeout=60
    ) as client:

        async def session(name: str) -> str:
            body = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
            found = (await client.post("api/sessions", json=body)).raise_for_status()
            kernel: str = found.json()["kernel"]["id"]
            return kernel

        async def run(kernel: str, code: str) -> list[str]:
            channels = await websocket_connect(
                f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?token=t"
            )
            header = {
                "msg_id": os.urandom(8).hex(),
                "msg_type": "execute_request",
                "username": "",
                "session": "s",
                "version": "5.3",
            }
            content = {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
            }
            await channels.write_message(
                json.dumps(
                    {
                        "header": header,
                        "parent_header": {},
                        "metadata": {},
                        "content": content,
                        "channel": "shell",
                    }
                )
            )
            said = ""
            while True:
                raw = await asyncio.wait_for(channels.read_message(), 60)
                assert isinstance(raw, str)
                message = json.loads(raw)
                if message["parent_header"].get("msg_id") == header["msg_id"]:
                    said += message["content"].get("text", "")
                    if message["content"].get("execution_state") == "idle":
                        channels.close()
                        return said.split()

        code = (
            "import os, sys; print(os.getpid(), os.path.basename(os.environ['JPY_SESSION_NAME']),"
            " 'cronsim' in sys.modules)"
        )
        await session("a.ipynb")
        stood_by = await asyncio.to_thread(tools.until, pids)
        kernel = await session("b.ipynb")
        assert await run(kernel, code) == [str(stood_by[0]), "b.ipynb", "True"]
        (await client.post(f"api/kernels/{kernel}/restart")).raise_for_status()
        # Over a new socket, as JupyterLab does after a restart.
        pid, name, loaded = await run(kernel, code)
        assert (int(pid) != stood_by[0], name, loaded) == (True, "b.ipynb", "False")
        await asyncio.to_thread(tools.until, pids)


def test_loading_the_provisioner_loads_no_heavy_library() -> None:
    """Jupyter loads it when the first kernel is started, in its event loop."""
    code = (
        "import sys, jupyter_client.provisioning;"
        " import jupyter_mlinfra.notebooks.warm.provisioner; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} & (
        HEAVY | {"papermill", "nbclient", "IPython"}
    ) == set()
