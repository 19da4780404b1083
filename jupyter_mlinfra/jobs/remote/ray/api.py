"""Ray's Jobs API and state API: how they are spoken to, and what their failures mean.

Plain HTTP and JSON, as Ray documents it: its own client is 200 MB, and has to be of the cluster's
version of Ray.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ....core.errors import MLInfraError
from ....core.secrets import resolve
from .. import Unreachable

if TYPE_CHECKING:
    from ....core.settings import RaySettings

ANSWER_SECONDS = 30.0
"""Longest wait for an answer of a busy head."""
SOON_SECONDS = 5.0
"""The same while somebody waits for ours, who can do without."""
STATE_LIMIT = 10_000
"""Most entries that the state API gives at once."""
_NOT_FOUND = 404
_PASSING = (401, 403, 408, 425, 429)
Json = Mapping[str, Any]


class Refused(Exception):
    """Ray answered, and said no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.status, self.words = status, words


class Missing(Refused):
    """Ray knows no such job."""


class Fault(Refused):
    """Something went wrong inside of Ray, whatever was asked for; also its word for an id that is
    taken.
    """


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect leads to a page to sign in at, and would take our token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Api:
    """Talks to one cluster. Every call raises Unreachable or Refused."""

    def __init__(self, settings: RaySettings, *, seconds: float = ANSWER_SECONDS) -> None:
        self._settings, self._seconds = settings, seconds
        self._opener = urllib.request.build_opener(_Stay)

    def jobs(self) -> list[Json]:
        """All jobs of the cluster that were submitted, whoever did."""
        return _list(self._ask("GET", "/api/jobs/"))

    def submit(self, body: Json) -> None:
        """Take a job. One with its id that is there already is that job: it has arrived before."""
        try:
            self._ask("POST", "/api/jobs/", body)
        except Refused as error:
            try:
                self._ask("GET", _path(body["submission_id"]))
            except Missing:
                raise error from None

    def stop(self, job: str) -> None:
        """Have a job end, if it is there. One that waits goes on waiting, for Ray's own reasons."""
        try:
            self._ask("POST", f"{_path(job)}/stop")
        except Missing:
            return

    def delete(self, job: str) -> None:
        """Forget a job that has ended."""
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
            raise Unreachable(f"Ray: its answer is no list of {kind}.") from error

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            self._settings.address.rstrip("/") + path,
            data=data,
            method=method,
            headers=self._headers(),
        )
        try:
            with self._opener.open(request, timeout=self._seconds) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise _refusal(error, self._settings) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            words = str(getattr(reason, "strerror", None) or reason).strip() or type(error).__name__
            raise Unreachable(
                f"Ray at {self._settings.address} does not answer: {words[:300]}."
            ) from error
        except ValueError as error:
            raise Unreachable(
                f"Ray: the answer of {self._settings.address} cannot be read: is it the address of"
                " Ray's dashboard?"
            ) from error

    def _headers(self) -> dict[str, str]:
        given = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            if self._settings.token:
                given["Authorization"] = f"Bearer {resolve(self._settings.token)}"
            return given | {name: resolve(value) for name, value in self._settings.headers.items()}
        except MLInfraError as error:
            raise Unreachable(f"Ray cannot be asked: {error}") from error


def _path(job: str) -> str:
    return f"/api/jobs/{quote(job, safe='')}"


def _list(value: Any) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise Unreachable("Ray: its answer is no list.")
    return value


def _refusal(error: urllib.error.HTTPError, settings: RaySettings) -> Exception:
    """What an answer other than 2xx means."""
    try:
        words = said(error.read(100_000).decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        words = ""
    words = words or error.reason or f"status {error.code}"
    if error.code in (401, 403):
        return Unreachable(
            f"Ray at {settings.address} does not let us in ({error.code}): {words}. See [jobs.ray]"
            " token and headers."
        )
    if 300 <= error.code < 400:
        return Unreachable(
            f"Ray at {settings.address} sends us elsewhere ({error.code}): is it the address of a"
            " page to sign in at? See [jobs.ray] headers."
        )
    if error.code in _PASSING:
        return Unreachable(f"Ray: {words}")
    if error.code == _NOT_FOUND:
        return Missing(error.code, words)
    return Fault(error.code, words) if error.code >= 500 else Refused(error.code, words)


def said(text: str) -> str:
    """What a traceback of Ray's comes down to: the words of its last error; of any other text the
    last line.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip(" .")]
    last = lines[-1] if lines else ""
    kind, colon, words = last.partition(": ")
    if (
        colon
        and kind.replace(".", "").replace("_", "").isalnum()
        and kind.endswith(("Error", "Exception"))
    ):
        last = words
    return "" if last.startswith("<") else last[:500].rstrip(".")
