"""The route that applies definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....faces.handler import Handler, access, elsewhere

if TYPE_CHECKING:
    from ....jobs.spec import Job

_, _, execute = access("features")


class Apply(Handler):
    @execute(slow=elsewhere)
    def post(self) -> Job:
        """Apply the definitions of the feature repository to the registry: a job, because it runs
        their code.
        """
        return self.as_job("features apply", of="feature views")


ROUTES = {"features/apply": Apply}
