"""Serving processes of one batch job: the lean server of `runtimes.open_inference` on private Unix
sockets, without a gateway. One that dies is started again.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import Unavailable, Unprocessable
from ...core.files import read_tail
from ...core.processes import TOKEN
from ..environment import bytecode_folder
from ..packaging import Bundle
from ..runtimes import load_runtime
from ..runtimes.open_inference import OpenInference
from ..targets.inherited import inherited_variables
from .bodies import Body

RUNTIME = "open-inference"
DEPLOYMENT = "batch"
THREADS = 2
"""Requests in progress at one process: the next one is written while it works on the first."""

START_SECONDS = 180.0
ANSWER_SECONDS = 900.0
"""A process that takes longer over one request is replaced."""

_KEEPALIVE_SECONDS = 3600
_BINARY_HEADER = "Inference-Header-Content-Length"


class Died(Exception):
    """The process ended, or was replaced, while it worked on a request."""


class Closed(Exception):
    """The job ends, and asks nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What the processes are started from. folder: for their logs. sockets: a folder with a short
    path. token: marks them.
    """

    bundle: Bundle
    python: Path
    model: str
    folder: Path
    sockets: Path
    token: str

    def socket(self, slot: int) -> Path:
        """Where a process listens."""
        return self.sockets / f"{self.token[-12:]}.{slot}.sock"

    def environment(self, slot: int) -> Mapping[str, str]:
        """Its variables: nothing of the job's own, such as its secrets."""
        version = f"v{self.model.rpartition('/')[2]}"
        return {
            **inherited_variables(os.environ),
            TOKEN: self.token,
            "PYTHONPATH": str(self.bundle.folder),
            "PYTHONPYCACHEPREFIX": str(bytecode_folder(self.python)),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "MLINFRA_BUNDLE": str(self.bundle.folder),
            "MLINFRA_DEPLOYMENT": DEPLOYMENT,
            "MLINFRA_VERSION": version,
            "MLINFRA_MODEL": self.model,
            "MLINFRA_PAYLOADS": "",
            "MLINFRA_SOCKET": str(self.socket(slot)),
            **load_runtime(RUNTIME).variables(deployment=DEPLOYMENT, version=version),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """json_length: of the JSON part of its body, if bytes follow."""

    status: int
    body: bytes
    json_length: int | None


class ServingProcess:
    """One slot: a process that answers, and its successors."""

    def __init__(self, launch: Launch, slot: int) -> None:
        self._launch, self._slot = launch, slot
        self._log = launch.folder / f"worker-{slot}.log"
        self._path = str(launch.socket(slot))
        self._process: subprocess.Popen[bytes] | None = None
        self._lock, self._local = threading.Lock(), threading.local()
        self._born = 0
        self._closed = False
        self._turn, self._busy, self._loners = threading.Condition(), 0, 0
        self._alone = False

    def start(self) -> None:
        """Start it and wait until it answers. Raises Unprocessable if it ends before, Unavailable
        if it takes too long.
        """
        with self._lock:
            self._start()

    def ask(self, body: Body, *, alone: bool = False) -> Answer:
        """Send one request; many threads may. alone: while the process works on nothing else, so
        that nothing else can be the reason of its end. Raises Died, after which the next request
        goes to a new process; Closed.
        """
        path = f"/v2/models/{DEPLOYMENT}/infer"
        headers = {
            "Content-Type": "application/octet-stream",
            _BINARY_HEADER: str(body.json_length),
        }
        with self._in_turn(alone=alone):
            return self._exchange("POST", path, body.data, headers)

    def metadata(self) -> bytes:
        """What it says about its model."""
        return self._exchange("GET", f"/v2/models/{DEPLOYMENT}", None, {}).body

    def close(self) -> None:
        """End it. A request in progress raises Closed, and no further process is started."""
        self._closed = True
        with self._lock:
            self._kill()
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    @contextlib.contextmanager
    def _in_turn(self, *, alone: bool) -> Iterator[None]:
        """Wait while another request is to be alone, or while there are others if this one is."""
        with self._turn:
            self._loners += alone
            self._turn.wait_for(
                lambda: not self._alone and not (self._busy if alone else self._loners)
            )
            self._loners -= alone
            self._busy, self._alone = self._busy + 1, alone
        try:
            yield
        finally:
            with self._turn:
                self._busy, self._alone = self._busy - 1, False
                self._turn.notify_all()

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        born, connection = self._connection()
        try:
            connection.request(method, path, body, dict(headers))
            reply = connection.getresponse()
            found = reply.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if self._closed:
                raise Closed from error
            self._replace(born)
            raise Died(f"{type(error).__name__}: {error}") from error
        length = reply.headers.get(_BINARY_HEADER)
        return Answer(reply.status, found, int(length) if length else None)

    def _connection(self) -> tuple[int, http.client.HTTPConnection]:
        """This thread's own, to the process that lives now."""
        with self._lock:
            if self._closed:
                raise Closed
            if self._process is None or self._process.poll() is not None:
                self._start()
            born = self._born
        if getattr(self._local, "born", 0) != born:
            self._local.connection, self._local.born = _UnixConnection(self._path), born
        connection: http.client.HTTPConnection = self._local.connection
        return born, connection

    def _replace(self, born: int) -> None:
        """End the process that did not answer; not its successor, which another thread started."""
        with self._lock:
            if self._born == born:
                self._kill()

    def _start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        runtime = OpenInference()
        command = runtime.command(
            str(self._launch.python), threads=THREADS, keepalive_seconds=_KEEPALIVE_SECONDS
        )
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                command,
                env=dict(self._launch.environment(self._slot)),
                cwd=self._launch.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._born += 1
        end = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None:
                raise Unprocessable(
                    f"{self._launch.model} could not be loaded.",
                    f"Its process ended: {self._last_words()}",
                    "Correct the model or its requirements, and register it again.",
                )
            if self._closed or time.monotonic() > end:
                self._kill()
                raise Unavailable(
                    f"{self._launch.model} was not loaded.",
                    f"Its process did not answer within {START_SECONDS:.0f} s.",
                    "Look at the load of the machine, then run the job again.",
                )
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(self._path)
            except OSError:
                return False
            return True

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = read_tail(self._log, 4000).decode(errors="replace").strip().splitlines()
            return lines[-1][:300] if lines else "it said nothing."
        return "it said nothing."


class _UnixConnection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
