"""The routes that write and apply definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....faces.handler import Handler, access, elsewhere
from ....faces.parameters import Len, Name

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


class Define(Handler):
    @execute(slow=elsewhere)
    def post(
        self, *, name: Name, text: Annotated[str, Len(1, 200_000)], replace: bool = False
    ) -> Job:
        """Write Feast definitions as the file NAME.py of the feature repository, once they were
        tried, and apply them: a job, because it runs their code. replace: views that are no longer
        defined may be deleted.
        """
        draft = self.bench.features.draft(name, text)
        return self.as_job("features define", name, str(draft), of=name, replace=replace)


ROUTES = {"features/apply": Apply, "features/define": Define}
