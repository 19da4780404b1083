"""Whether the files of a dataset are what was written, and what becomes of those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ....faces.handler import Handler, elsewhere
from .rights import may_be_of, read, write

if TYPE_CHECKING:
    from ....jobs.spec import Job
    from ...spec import Verified


class DatasetVerify(Handler):
    @read
    def get(self, name: str) -> Verified:
        """What the newest verification found, and which files are set aside. Nothing is read
        again.
        """
        return self.bench.catalog.verified(name)

    @write(slow=elsewhere)
    def post(self, name: str, *, what: Literal["look", "quarantine", "put-back"] = "look") -> Job:
        """Compare every data file with its checksum: a job. `quarantine` sets damaged files aside,
        so that the others can be read; `put-back` takes back those that are whole again.
        """
        from ... import DatasetName

        name = DatasetName.parse(name).asked
        if may_be_of(name):
            self.bench.catalog.own(name)
        options = {} if what == "look" else {what: True}
        return self.as_job("catalog verify", name, of=name, **options)


ROUTES: dict[str, type[Handler]] = {"catalog/datasets/{name}/verify": DatasetVerify}
