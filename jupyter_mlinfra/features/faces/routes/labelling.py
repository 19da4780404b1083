"""The routes that tag and deprecate views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....faces.handler import Handler, access, elsewhere
from ....faces.parameters import Len, Name

if TYPE_CHECKING:
    from ....jobs.spec import Job
    from ...spec import Retagged

_, write, execute = access("features")

type Tags = Annotated[dict[str, Annotated[str, Len(0, 1000)]], Len(0, 100)]
type Names = Annotated[list[Name], Len(0, 100)]


class Preview(Handler):
    @write
    def post(self, name: str, *, add: Tags | None = None, remove: Names | None = None) -> Retagged:
        """What other tags of a view would change in the file that defines it, and, if it would be
        deprecated, what uses it; changes nothing.
        """
        return self.bench.features.tag(name, add=add, remove=remove or [], write=False)


class Tag(Handler):
    @execute(slow=elsewhere)
    def post(self, name: str, *, add: Tags | None = None, remove: Names | None = None) -> Job:
        """Write other tags of a view into the file that defines it, and apply: a job, because that
        runs the definitions. The tag `deprecated` says that nobody should take it any more.
        """
        self.bench.features.tag(name, add=add, remove=remove or [], write=False)
        words = [f"{tag}={value}" for tag, value in (add or {}).items()]
        return self.as_job("features tag", name, *words, of=name, remove=remove or [])


ROUTES = {
    "features/views/{name}/tags": Tag,
    "features/views/{name}/tags/preview": Preview,
}
