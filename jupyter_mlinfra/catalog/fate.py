"""Whether a commit landed that was answered by an error or not at all.

A catalog that answers 500, 502 or 504 may still commit, even some time later. Deleting data files
before that is certain could leave a table that points to nothing
(https://github.com/apache/iceberg/issues/3717).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, NotFound, Unavailable

if TYPE_CHECKING:
    from pyiceberg.table import Table

_CHECK_SECONDS = 30.0
"""How long the table is checked again: a gateway gives up on a catalog long before that catalog is
done.
"""
_PAUSES = (0.1, 2.0)
"""Seconds between the first two checks, and the longest pause."""


class FateUnknown(Unavailable):
    """It is not certain yet whether the rows are in the table; nothing may be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit that was sent.

    mark: what its snapshot carries. base: the snapshot that the catalog must still have; None for
    none. creates: the table must not exist. local: the catalog is a transaction of this process,
    which is over.
    """

    name: str
    mark: str
    base: int | None
    creates: bool
    local: bool


def settle(
    commit: Commit,
    error: Exception,
    *,
    load: Callable[[], Table],
    snapshot_with: Callable[[Table, str], str | None],
) -> str | None:
    """The snapshot that the commit made, or None when it is certain that it made none and never
    will.

    error: what came instead of an answer. load: reads the table as it is now; raises NotFound.
    Raises FateUnknown if neither is certain after half a minute, and `error` if a local catalog
    cannot be read.
    """
    deadline, pause = time.monotonic() + _CHECK_SECONDS, _PAUSES[0]
    refused = commit.local or is_refusal(error)
    while True:
        try:
            table = load()
        except NotFound:
            if refused or not commit.creates:  # a dropped table accepts no commit
                return None
        except MLInfraError as unreachable:
            if commit.local:
                raise error from unreachable  # the disk is the same, and the first error says more
            if refused:
                return None
            if time.monotonic() >= deadline:
                raise _unknown(commit, error) from unreachable
        else:
            if snapshot := snapshot_with(table, commit.mark):
                return snapshot
            if refused or commit.creates or _current(table) != commit.base:
                return None  # the table no longer is what the commit demands
        if time.monotonic() >= deadline:
            raise _unknown(commit, error) from error
        time.sleep(pause)
        pause = min(pause * 2, _PAUSES[1])


def is_refusal(error: Exception) -> bool:
    """Whether the catalog has certainly not committed: it refused, it was not reached, or its
    database rolled back.
    """
    from pyiceberg import exceptions as iceberg

    if isinstance(
        error,
        iceberg.CommitFailedException
        | iceberg.TableAlreadyExistsError
        | iceberg.ValidationException
        | iceberg.BadRequestError
        | iceberg.UnauthorizedError
        | iceberg.AuthorizationExpiredError
        | iceberg.ForbiddenError
        | iceberg.TooManyRequestsError
        | iceberg.OAuthError
        | iceberg.NoSuchTableError
        | iceberg.NoSuchNamespaceError,
    ):
        return True
    return _never_sent(error) or _rolled_back(error)


def _never_sent(error: Exception) -> bool:
    """No connection could be made."""
    from requests import ConnectionError as NoConnection
    from requests import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    reason = (
        getattr(error.args[0], "reason", None)
        if isinstance(error, NoConnection) and error.args
        else None
    )
    return isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError)


def _rolled_back(error: Exception) -> bool:
    """An error after which a SQL database has certainly rolled back."""
    from sqlalchemy.exc import DBAPIError

    return isinstance(error, DBAPIError) and not error.connection_invalidated


def _current(table: Table) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def _unknown(commit: Commit, error: Exception) -> FateUnknown:
    why = (
        f"The catalog answered the commit with {type(error).__name__}, and {_CHECK_SECONDS:.0f} s"
        " later the table still does not show whether it landed."
    )
    fix = (
        "Before you write the rows again, see whether they have come: mlinfra catalog show"
        f" {commit.name}. Their files are kept."
    )
    return FateUnknown(f"It is not known yet whether {commit.name} was written.", why, fix)
