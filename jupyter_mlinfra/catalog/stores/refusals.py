"""What an S3 store answers instead of an object, as what, why and fix. PyArrow, Polars and
deltalake wrap the same answer in their own words; its code is in all of them.
"""

from __future__ import annotations

import re
from typing import ClassVar

from ...core.errors import MLInfraError, NotFound, Unavailable
from ..formats.columns import first_line

_KEYS = '"s3.access-key-id" and "s3.secret-access-key" in [catalog.properties] of mlinfra.toml'
_EXPECTED = re.compile(r"expecting '([a-z0-9-]+)'")
_SPELLED = re.compile(r"[_\W]+")


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
"""What is said of an answer about the key, by its code in small letters; narrower ones first."""

_SAME = {"tokenrefreshrequired": "expiredtoken", "403forbidden": "accessdenied"}
_REGION = (
    "authorizationheadermalformed",
    "permanentredirect",
    "illegallocationconstraint",
    "receivedredirect",
    "status301",
)
_BUSY = ("slowdown", "status503", "serviceunavailable")
_READERS = {"builtins", "polars", "pyarrow", "botocore", "s3fs", "deltalake", "_internal"}
_OF_STORE = re.compile("s3|aws|objectstore|errorperforming")
_NOT_REACHED = (
    "connecterror",
    "connectionrefused",
    "couldnotconnect",
    "couldntconnect",
    "networkconnection",
    "dnserror",
    "couldntresolve",
    "couldnotresolve",
    "timedout",
    "requesttimeout",
    "errorsendingrequest",
)


def refusal(error: BaseException, what: str, place: str) -> MLInfraError | None:
    """The error for what a store answered about a place, `s3://…`; None if it is not that. what:
    the first sentence. Of an answer nothing is repeated but its code: it may hold the key.
    """
    text = str(error)
    said = _SPELLED.sub("", text.lower())
    if type(error).__module__.partition(".")[0] not in _READERS or not _OF_STORE.search(said):
        return None
    if "requesttimetooskewed" in said:
        return Unavailable(
            what, "The clock of this machine is wrong, so the object store refuses it.", "Set it."
        )
    for code, (why, fix) in _ABOUT_KEYS.items():
        if code in said or any(code == same and word in said for word, same in _SAME.items()):
            return KeyRefused(what, why, fix)
    if any(code in said for code in _REGION):
        found = _EXPECTED.search(text)
        region = found[1] if found else "REGION"
        return Unavailable(
            what,
            "The bucket is in another region.",
            f'Set "s3.region" = "{region}" in [catalog.properties] of mlinfra.toml.',
        )
    if "nosuchbucket" in said:
        return no_bucket(place)
    if "nosuchkey" in said:
        return NotFound(
            what,
            "An object was removed while it was read.",
            "Look again; if it should be there, ask who keeps the bucket.",
        )
    if any(code in said for code in _BUSY):
        return Unavailable(what, "The object store is busy (503).", "Try again in a while.")
    if any(word in said for word in _NOT_REACHED):
        return Unavailable(
            what,
            f"The object store does not answer ({first_line(error)[:300]}).",
            'Look at the network and at "s3.endpoint" in [catalog.properties] of mlinfra.toml.',
        )
    return None


def no_bucket(place: str) -> NotFound:
    """The error for an address whose bucket does not exist."""
    bucket = place.partition("://")[2].partition("/")[0]
    return NotFound(
        f"There is no bucket {bucket}." if bucket else "There is no such bucket.",
        "The object store answers that it does not exist.",
        'Correct the name, or "s3.endpoint" in [catalog.properties] of mlinfra.toml.',
    )
