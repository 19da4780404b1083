"""The verbs of deployments that are about who may use them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, MLInfraError, Unavailable, Unprocessable
from ...core.records import Page, page_of
from . import audit
from .records import AccessKey, AuditEntry, GatewayState, NewKey
from .store import KeyStore

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import DeploymentStore
    from ..targets import DeploymentTarget

GRACE_HOURS = 24.0
LONGEST_DAYS = 3650.0
BEHIND_SECONDS = 15.0
"""How long a verb waits for the address for other machines to take a change of keys over."""


class AccessVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore

    @property
    def _target(self) -> DeploymentTarget:
        raise NotImplementedError

    def create_key(self, name: str, label: str = "", *, days: float | None = None) -> NewKey:
        """A new key of a deployment, which the gateway takes when this returns; if not, the answer
        says why and when (`pending`). It is told in the answer, and stored as its SHA-256 alone.

        label: who will use it; by default key-1, key-2 … days: until it expires; None: never.
        Raises NotFound, Conflict if a valid key has that name.
        """
        _check_days(days)
        made, wish = self._keys.create(name, label, days=days)
        return replace(made, pending=self._pending(name, wish))

    def rotate_key(
        self,
        name: str,
        key: str,
        *,
        grace_hours: float = GRACE_HOURS,
        days: float | None = None,
    ) -> NewKey:
        """A new key in place of one, by its id or name, which stays valid for `grace_hours` so that
        its users can change over. days: until the new one expires; None: as the old one. While the
        gateway does not take it yet, the answer says why and when (`pending`). Raises NotFound.
        """
        _check_days(days)
        if not 0 <= grace_hours <= 24 * LONGEST_DAYS:
            raise BadRequest("Hours of grace are 0 or more.", fix="For example: --grace-hours 24")
        made, wish = self._keys.rotate(name, key, grace=timedelta(hours=grace_hours), days=days)
        return replace(made, pending=self._pending(name, wish))

    def revoke_key(self, name: str, key: str, *, reason: str = "") -> AccessKey:
        """End a key, by its id or name: when this returns, the gateway refuses it, except on this
        machine if no key is needed there and no other one is valid. Raises NotFound, Unavailable if
        the key is revoked and the gateway may not know it yet.
        """
        record, wish = self._keys.revoke(name, key, reason=reason)
        try:
            self._in_force(name, wish)
        except (MLInfraError, OSError) as error:
            raise Unavailable(
                f"{record.id} is revoked, but the gateway may still take it.",
                str(error),
                f"mlinfra deployments up {name} returns when it does not; mlinfra down ends it at"
                " once.",
            ) from error
        return record

    def keys(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[AccessKey]:
        """The keys of a deployment, newest first, without the keys themselves."""
        return page_of(self._keys.all(name), limit=limit, cursor=cursor)

    def audit(
        self, name: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[AuditEntry]:
        """Who changed what, newest first; also of deployments that are gone."""
        return audit.entries(self._project.database, name, limit=limit, cursor=cursor)

    @property
    def _keys(self) -> KeyStore:
        return KeyStore(self._project.database, self._project.user)

    def gateway(self) -> GatewayState | None:
        """How the gateway is; None while nothing is up."""
        return self._target.gateway()

    def _tell_if_closed(self, say: Callable[[str], None]) -> None:
        """Say why other machines cannot reach the gateway, if the settings want that they do."""
        state = self._target.gateway()
        if state is not None and state.public and not state.open:
            say(f"other machines cannot reach it: {' '.join(state.problems)}")

    def _check_open(self) -> None:
        """Raise Unprocessable if other machines cannot reach the gateway as the settings want."""
        state = self._target.gateway()
        if state is not None and state.public and not state.open:
            raise Unprocessable(
                f"The gateway answers on this machine, but not at {state.public}.",
                " ".join(state.problems),
                "Mend that, or remove [deployments] listen.",
            )

    def _in_force(self, name: str, wish: int) -> bool:
        """Bring a change into force; returns whether there is anything that uses it. While nothing
        is up, the next start knows the keys. Raises Unavailable.
        """
        # A gateway knows keys also while no process of a version runs.
        if not self._store.deployment(name).up or not (
            self._target.running() or self._target.gateway()
        ):
            return False
        self._target.carry_out(wish)
        end = time.monotonic() + BEHIND_SECONDS
        while (state := self._target.gateway()) is not None and state.behind:
            if time.monotonic() > end:
                raise Unavailable(
                    "It has not taken the change over for other machines.",
                    " ".join(state.problems),
                )
            time.sleep(0.1)
        return True

    def _pending(self, name: str, wish: int) -> str:
        """Bring a new key into force; returns why that is not done yet, and when it is. It raises
        nothing: the key is told once, so it must reach its user.
        """
        try:
            if self._in_force(name, wish):
                return ""
            why, when = f"Deployment {name} is down.", "from its next start on"
        except (MLInfraError, OSError, ValueError) as error:
            why, when = str(error), "as soon as it has taken the change over"
        except KeyboardInterrupt:
            why, when = "The wait was interrupted.", "as soon as it has taken the change over"
        return (
            f"The gateway does not take this key yet. {why} It takes it {when}: mlinfra deployments"
            f" up {name} returns when that is done."
        )


def _check_days(days: float | None) -> None:
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise BadRequest(
            f"A key is valid for more than 0 and at most {LONGEST_DAYS:g} days.",
            fix="For example: --days 90; without it, the key never expires.",
        )
