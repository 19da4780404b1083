"""Ray's Jobs API and state API: how they are called, and what their failures mean.

Plain HTTP and JSON, as Ray documents it: its own client is 200 MB, and must have the cluster's
version of Ray.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ....core import http
from ....core.errors import MLInfraError, Unavailable
from ....core.secrets import resolve
from ...remote.ray.settings import RaySettings
from .. import Unreachable

if TYPE_CHECKING:
    import httpx


ANSWER_SECONDS = 30.0
"""The longest wait for an answer of a busy head."""
SOON_SECONDS = 5.0
"""The same while a user waits for an answer that does not need this one."""
STATE_LIMIT = 10_000
"""The most entries that the state API returns at once."""
_NOT_FOUND = 404
_PASSING = (401, 403, 408, 425, 429)
Json = Mapping[str, Any]


class RayRefused(Exception):
    """Ray answered with a refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


class Missing(RayRefused):
    """Ray knows no such job."""


class Fault(RayRefused):
    """Something failed inside Ray; also its answer for an id that is taken."""


class Api:
    """Talks to one cluster. Every call raises Unreachable or Refused."""

    def __init__(self, settings: RaySettings, *, seconds: float = ANSWER_SECONDS) -> None:
        self._settings, self._seconds = settings, seconds

    def jobs(self) -> list[Json]:
        """All submitted jobs of the cluster, of all users."""
        return _list(self._ask("GET", "/api/jobs/"))

    def submit(self, body: Json) -> None:
        """Submit a job. If its id exists, it arrived before."""
        try:
            self._ask("POST", "/api/jobs/", body)
        except RayRefused as error:
            try:
                self._ask("GET", _path(body["submission_id"]))
            except Missing:
                raise error from None

    def stop(self, job: str) -> None:
        """End a job, if it exists. A waiting one keeps waiting, for Ray's own reasons."""
        try:
            self._ask("POST", f"{_path(job)}/stop")
        except Missing:
            return

    def delete(self, job: str) -> None:
        """Delete a job that has ended."""
        self._ask("DELETE", _path(job))

    def nodes(self) -> list[Json]:
        """The nodes of the cluster that are alive."""
        return self._state("nodes", "ALIVE")

    def actors(self) -> list[Json]:
        """The actors that are alive, with what they hold; each running job is one."""
        return self._state("actors", "ALIVE")

    def _state(self, kind: str, state: str) -> list[Json]:
        query = urlencode(
            {
                "detail": 1,
                "limit": STATE_LIMIT,
                "filter_keys": "state",
                "filter_predicates": "=",
                "filter_values": state,
            }
        )
        answer = self._ask("GET", f"/api/v0/{kind}?{query}")
        try:
            return _list(answer["data"]["result"]["result"])
        except (KeyError, TypeError) as error:
            raise Unreachable(f"Ray: its answer is not a list of {kind}.") from error

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        import httpx

        data = None if body is None else json.dumps(body).encode()
        url = self._settings.address.rstrip("/") + path
        try:
            with http.open_client(url, timeout=self._seconds) as client:
                answer = client.request(method, url, content=data, headers=self._headers())
            if not answer.is_success:
                raise _refusal(answer, self._settings)
            return json.loads(answer.content or b"null")
        except (OSError, httpx.HTTPError) as error:
            raise Unreachable(
                f"Ray at {self._settings.address} does not answer: {http.reason_of(error)[:300]}."
            ) from error
        except Unavailable as error:
            raise Unreachable(f"Ray at {self._settings.address}: {error}") from error
        except (ValueError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"Ray: the answer of {self._settings.address} cannot be read: is it the address of"
                " Ray's dashboard?"
            ) from error

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            if self._settings.token:
                headers["Authorization"] = f"Bearer {resolve(self._settings.token)}"
            own = {name: resolve(value) for name, value in self._settings.headers.items()}
            return headers | own
        except MLInfraError as error:
            raise Unreachable(f"Ray cannot be asked: {error}") from error


def _path(job: str) -> str:
    return f"/api/jobs/{quote(job, safe='')}"


def _list(value: Any) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise Unreachable("Ray: its answer is not a list.")
    return value


def _refusal(answer: httpx.Response, settings: RaySettings) -> Exception:
    """The meaning of an answer other than 2xx."""
    status = answer.status_code
    message = essence(answer.content[:100_000].decode(errors="replace"))
    message = message or answer.reason_phrase or f"status {status}"
    if status in (401, 403):
        return Unreachable(
            f"Ray at {settings.address} denies access ({status}): {message}. See [jobs.ray]"
            " token and headers."
        )
    # To a sign-in page: following it would send our token elsewhere.
    if 300 <= status < 400:
        return Unreachable(
            f"Ray at {settings.address} redirects ({status}): is it the address of a"
            " sign-in page? See [jobs.ray] headers."
        )
    if status in _PASSING:
        return Unreachable(f"Ray: {message}")
    if status == _NOT_FOUND:
        return Missing(status, message)
    return Fault(status, message) if status >= 500 else RayRefused(status, message)


def essence(text: str) -> str:
    """The essence of a Ray traceback: the words of its last error; of any other text the
    last line.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip(" .")]
    last = lines[-1] if lines else ""
    kind, colon, message = last.partition(": ")
    if (
        colon
        and kind.replace(".", "").replace("_", "").isalnum()
        and kind.endswith(("Error", "Exception"))
    ):
        last = message
    return "" if last.startswith("<") else last[:500].rstrip(".")
