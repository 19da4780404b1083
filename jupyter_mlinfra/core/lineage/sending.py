"""Events of lineage sent to an OpenLineage endpoint: each from its file, in the file's order, from
where the last process stopped.

No writer waits for the endpoint. What could not be sent stays in its file, and goes with the next
event of any process of the project.
Source: https://openlineage.io/apidocs/openapi/ (POST of one event).
"""

from __future__ import annotations

import atexit
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MLInfraError
from ..files import file_lock, write_atomic
from ..http import open_client
from ..passwords import without_passwords
from ..secrets import resolve
from .edges import TOLD

if TYPE_CHECKING:
    import httpx

SECONDS = 10
"""How long one request may take."""

_AT_EXIT_SECONDS = 2
_PAUSES = (1, 2, 4, 8, 15, 30, 60)
"""Seconds after a failure, the last one again and again."""
_REFUSED = frozenset({400, 409, 413, 415, 422})
"""Statuses that are about the event: the next one may be taken."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """How far the events of a project were sent. places: bytes of each file. refused: events that
    the endpoint did not take, and why it refused the last one.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    events: int = 0
    refused: int = 0
    why: str = ""


class Sender:
    """Sends what is new in the files of a folder. api_key: a reference to the bearer token."""

    def __init__(self, folder: Path, url: str, api_key: str = "") -> None:
        self._folder, self._url, self._api_key = folder, url, api_key
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._registered = False
        self._ending, self._more = threading.Event(), threading.Event()

    def wake(self) -> None:
        """Send what is new, in a thread. The end of the process waits for it for two seconds."""
        with self._guard:
            self._more.set()
            if self._thread is None:
                if not self._registered:
                    atexit.register(self._end)
                    self._registered = True
                self._thread = threading.Thread(
                    target=self._run, name="mlinfra-lineage", daemon=True
                )
                self._thread.start()

    def _end(self) -> None:
        self._ending.set()
        if thread := self._thread:
            thread.join(_AT_EXIT_SECONDS)

    def _run(self) -> None:
        failures = 0
        while True:
            self._more.clear()
            if why := self.send():
                if not failures:
                    address = without_passwords(self._url)
                    _log.warning("Lineage is not sent to %s, and tried again: %s", address, why)
                if self._ending.wait(_PAUSES[min(failures, len(_PAUSES) - 1)]):
                    self.send()
                    return
                failures += 1
                continue
            failures = 0
            with self._guard:
                if not self._more.is_set():
                    self._thread = None
                    return

    def send(self) -> str:
        """Send what is new. Why that failed; empty if all is sent."""
        try:
            # One process at a time; the next one finds nothing to do.
            with file_lock(self._folder / ".sending.lock"):
                return self._send()
        except MLInfraError as error:
            return str(error)

    def sent(self) -> Sent:
        """How far it has got."""
        try:
            return Sent(**json.loads((self._folder / ".sent.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return Sent()

    def _send(self) -> str:
        sent = self.sent()
        key = resolve(self._api_key) if self._api_key else ""
        with open_client(self._url, timeout=SECONDS) as client:
            if key:
                client.headers["Authorization"] = f"Bearer {key}"
            for path in sorted(self._folder.glob("*.jsonl")):
                for line, end in _lines(path, sent.places.get(path.name, 0), self._url):
                    status, why = _post(client, self._url, line)
                    if why and status not in _REFUSED:
                        return why
                    sent = replace(
                        sent,
                        places={**sent.places, path.name: end},
                        events=sent.events + (not why),
                        refused=sent.refused + bool(why),
                        why=why or sent.why,
                    )
                    # After each: an event that was taken is not sent again.
                    write_atomic(self._folder / ".sent.json", json.dumps(asdict(sent)).encode())
        return ""


def _lines(path: Path, start: int, url: str) -> Iterator[tuple[bytes, int]]:
    """The lines of a file from a place on that an endpoint is to get, each with where it ends. A
    file that has become shorter is another one, and read from its beginning.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        place = file.seek(start if start <= size else 0)
        for line in file:
            if not line.endswith(b"\n"):  # it is being written
                return
            place += len(line)
            if _is_for(url, line):
                yield line, place


def _is_for(url: str, line: bytes) -> bool:
    """Whether a line is whole (a killed writer may have left a part of one), and the endpoint does
    not have it from another program.
    """
    try:
        event = json.loads(line)
    except ValueError:
        return False
    if not isinstance(event, dict):
        return False
    told = event.get("run", {}).get("facets", {}).get("mlinfra", {}).get(TOLD, ())
    return url.rstrip("/") not in [address.rstrip("/") for address in told]


def _post(client: httpx.Client, url: str, line: bytes) -> tuple[int, str]:
    """The status of the answer, and why the event was not taken; empty if it was."""
    import httpx

    try:
        answer = client.post(url, content=line, headers={"Content-Type": "application/json"})
    except (httpx.HTTPError, OSError) as error:
        return 0, without_passwords(f"{type(error).__name__}: {error}")
    if answer.is_success:
        return answer.status_code, ""
    return answer.status_code, f"{answer.status_code} {without_passwords(answer.text[:200])}"
