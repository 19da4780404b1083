"""Files and Delta tables that are read where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Name, Text
from .given import place_in
from .ingest import ReadingFacts, cli_options, without_none
from .rights import write

if TYPE_CHECKING:
    from ....jobs.spec import Job


class Register(Handler):
    @write(slow=elsewhere)
    def post(self, *, path: Text, name: Name, **reading: Unpack[ReadingFacts]) -> Job:
        """Let the catalog read a file, a folder or a Delta table of the project, or what is at
        `s3://` in the store whose keys the catalog has, where it is: a job.
        """
        from ... import DatasetName

        place, text = place_in(self.bench.project, path), DatasetName.parse(name).text
        options = cli_options(without_none(reading))
        return self.as_job("catalog register", place, of=text, **{"as": text}, **options)


ROUTES: dict[str, type[Handler]] = {"catalog/register": Register}
