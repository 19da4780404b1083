"""What an S3 store answers instead of an object, as what, why and fix. PyArrow, Polars, deltalake
and botocore wrap the same answer in their own words; its code is read where each of them puts it,
never from the name of an object, a column or a value.
"""

from __future__ import annotations

import re
from typing import ClassVar

from ...core.errors import MLInfraError, NotFound, Unavailable
from ..formats.columns import first_line

_KEYS = '"s3.access-key-id" and "s3.secret-access-key" in [catalog.properties] of mlinfra.toml'
_EXPECTED = re.compile(r"expecting '([a-z0-9-]+)'")
_SIGNS = re.compile(r"\x1b\[\d*m|↳")
_QUOTED = re.compile(r"`[^`\n]*`|\"[^\"\n]*\"")
_PATH = re.compile(r" \(path: .*?\)$", re.MULTILINE)
_BY_ARROW = re.compile(
    r"^When .*: AWS Error (?P<code>[A-Z_]+)(?: \(HTTP status (?P<status>\d+)\))?"
    r" during \w+ operation:"
    r"(?: Unable to parse ExceptionName: (?P<other>\w+)|(?P<lost> curlCode: ))?",
    re.MULTILINE,
)
_BY_OBJECT_STORE = re.compile(r"Error performing [A-Z]+ https?://\S+ in \d(?P<rest>.*)", re.DOTALL)
_STATUS = re.compile(r"status code\W+(\d{3})\b")
_CODE = re.compile(r"<Error>\s*<Code>(\w+)</Code>")
_REDIRECTED = "Received redirect without LOCATION"
_LOST = re.compile(r"error sending request|client error \(Connect\)|timed out|dns error", re.I)


class KeyRefused(Unavailable):
    """An object store refused the key, or would refuse it again: credentials have to be set."""

    code: ClassVar[str] = "credentials"


_ABOUT_KEYS = {
    "invalidaccesskeyid": ("It does not know the key.", f"Set {_KEYS}."),
    "signaturedoesnotmatch": (
        "The secret does not belong to the key.",
        f"Set {_KEYS}, which belong together.",
    ),
    "expiredtoken": (
        "The key has expired.",
        'Get a new one, and set it with its "s3.session-token" in [catalog.properties] of'
        " mlinfra.toml.",
    ),
    "invalidtoken": (
        "The session token is not valid.",
        'Set "s3.session-token" in [catalog.properties] of mlinfra.toml, with its keys.',
    ),
    "accessdenied": (
        "The object store refused the key (403).",
        f"Give it the rights s3:ListBucket and s3:GetObject there, or set another: {_KEYS}.",
    ),
}
"""What is said of an answer about the key, by its code in small letters."""

_NOT_REACHED = "networkconnection"
_BY_STATUS = {"301": "permanentredirect", "403": "accessdenied", "503": "slowdown"}
_SAME = {
    "tokenrefreshrequired": "expiredtoken",
    "illegallocationconstraint": "permanentredirect",
    "authorizationheadermalformed": "permanentredirect",
    "serviceunavailable": "slowdown",
    "requesttimeout": _NOT_REACHED,
}
_READERS = {"builtins", "polars", "pyarrow", "botocore", "deltalake", "_internal"}
_UNREACHED = {"EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"}
"""Of botocore."""


def refusal(error: BaseException, what: str, place: str) -> MLInfraError | None:
    """The error for what a store answered about a place, `s3://…`; None if it is not that. what:
    the first sentence. Of an answer nothing is repeated but its code: it may hold the key.
    """
    code = _code(error)
    if code == "requesttimetooskewed":
        return Unavailable(
            what, "The clock of this machine is wrong, so the object store refuses it.", "Set it."
        )
    if code in _ABOUT_KEYS:
        return KeyRefused(what, *_ABOUT_KEYS[code])
    if code == "permanentredirect":
        found = _EXPECTED.search(str(error))
        region = found[1] if found else "REGION"
        return Unavailable(
            what,
            "The bucket is in another region.",
            f'Set "s3.region" = "{region}" in [catalog.properties] of mlinfra.toml.',
        )
    if code == "nosuchbucket":
        return no_bucket(place)
    if code == "nosuchkey":
        return NotFound(
            what,
            "An object was removed while it was read.",
            "Look again; if it should be there, ask who keeps the bucket.",
        )
    if code == "slowdown":
        return Unavailable(what, "The object store is busy (503).", "Try again in a while.")
    if code == _NOT_REACHED:
        return Unavailable(
            what,
            f"The object store does not answer ({first_line(error)[:300]}).",
            'Look at the network and at "s3.endpoint" in [catalog.properties] of mlinfra.toml.',
        )
    return None


def _code(error: BaseException) -> str:
    """What the store answered, in small letters; empty if the error is not of a store."""
    if type(error).__module__.partition(".")[0] not in _READERS:
        return ""
    said = [getattr(one, "response", None) for one in (error, error.__cause__)]
    if answer := next((one for one in said if isinstance(one, dict)), None):
        code, status = str(answer.get("Error", {}).get("Code", "")), ""
    elif type(error).__name__ in _UNREACHED:
        return _NOT_REACHED
    elif isinstance(error, OSError) and error.errno:
        return ""  # of the system
    else:
        code, status = _told(error)
    code = code.replace("_", "").lower().removesuffix("exception")
    code = code if code not in ("", "unknown") else _BY_STATUS.get(status, "")
    return _SAME.get(code, code)


def _told(error: BaseException) -> tuple[str, str]:
    """The code and the status in the words of PyArrow or of the library that Polars and deltalake
    share.
    """
    text = _PATH.sub("", _SIGNS.sub("", str(error)))
    if not isinstance(error, OSError):  # Polars names columns and values in its own errors
        text = _QUOTED.sub("", text)
    elif found := _BY_ARROW.search(text):
        code = _NOT_REACHED if found["lost"] else found["other"] or found["code"]
        return code, found["status"] or ""
    if not (found := _BY_OBJECT_STORE.search(text)):
        return "", ""
    rest = found["rest"]
    code, status = _CODE.search(rest), _STATUS.search(rest)
    if code or status:
        return code[1] if code else "", status[1] if status else ""
    if _REDIRECTED in rest:
        return "", "301"
    return (_NOT_REACHED if _LOST.search(rest) else ""), ""


def no_bucket(place: str) -> NotFound:
    """The error for an address whose bucket does not exist."""
    bucket = place.partition("://")[2].partition("/")[0]
    return NotFound(
        f"There is no bucket {bucket}." if bucket else "There is no such bucket.",
        "The object store answers that it does not exist.",
        'Correct the name, or "s3.endpoint" in [catalog.properties] of mlinfra.toml.',
    )
