"""Routes about who may use deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ...faces.handler import Handler, access
from ...faces.parameters import Cursor, Interval, Limit, Name, Text

if TYPE_CHECKING:
    from ...core.records import Page
    from ..access.records import AccessKey, AuditEntry, NewKey

read, write, execute = access("deployments")

Days = Annotated[float, Interval(gt=0, le=3650)]
Hours = Annotated[float, Interval(ge=0, le=87_600)]


class KeyList(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[AccessKey]:
        """The keys of a deployment, newest first, without the keys themselves."""
        return self.bench.deployments.keys(name, limit=limit, cursor=cursor)

    @execute(slow=True)
    def post(self, name: str, *, label: Text = "", days: Days | None = None) -> NewKey:
        """A new key, which is in this answer and in no other. label: who will use it. days: until
        it expires; never by default.
        """
        return self.bench.deployments.create_key(name, label, days=days)


class KeyRotation(Handler):
    @execute(slow=True)
    def post(
        self, name: str, *, key: Name, grace_hours: Hours = 24.0, days: Days | None = None
    ) -> NewKey:
        """A new key in place of one, by its id or name, which stays valid for some hours."""
        return self.bench.deployments.rotate_key(name, key, grace_hours=grace_hours, days=days)


class KeyRevocation(Handler):
    @execute(slow=True)
    def post(self, name: str, *, key: Name, reason: Text = "") -> AccessKey:
        """End a key, by its id or name, at once."""
        return self.bench.deployments.revoke_key(name, key, reason=reason)


class Audit(Handler):
    @read
    def get(self, *, name: Text = "", limit: Limit = 50, cursor: Cursor = None) -> Page[AuditEntry]:
        """Who changed what, newest first. name: of one deployment, also of one that is gone."""
        return self.bench.deployments.audit(name or None, limit=limit, cursor=cursor)


ROUTES = {
    "deployments/audit": Audit,
    "deployments/deployments/{name}/keys": KeyList,
    "deployments/deployments/{name}/keys/rotate": KeyRotation,
    "deployments/deployments/{name}/keys/revoke": KeyRevocation,
}
