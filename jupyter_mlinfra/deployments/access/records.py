"""Records of keys, of the gateway's addresses, and of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key of a deployment, without the key itself. state: whether it opens anything now."""

    id: str
    deployment: str
    name: str
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made. key: what a client sends as `Authorization: Bearer KEY`; it is
    told here and never again.

    pending: why the gateway does not take it yet, and when it will; empty: it takes it.
    """

    id: str
    deployment: str
    name: str
    expires_at: datetime | None
    key: str = field(repr=False)
    pending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who changed what. deployment: its name, also when it is gone. on: the host name of the
    machine.
    """

    id: int
    at: datetime
    user: str
    on: str
    verb: str
    deployment: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """The gateway of the local target. running: how many of its processes answer, of `processes`.

    public: the address for other machines; empty if the settings name none. open: whether it
    listens there. tls: whether it speaks TLS there. behind: whether it may still take keys there
    that have ended. problems: what is not as it should be.
    """

    running: int
    processes: int
    public: str
    open: bool
    tls: bool
    behind: bool
    problems: Sequence[str]
