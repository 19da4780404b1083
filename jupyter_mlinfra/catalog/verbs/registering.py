"""The verb that lets the catalog read files where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from ...core.events import telling
from ...core.records import now
from ..ingesting import checked
from ..reading import ReadingOptions
from ..registrations import Registered
from ..spec import Dataset
from .base import Verbs, whole


class RegisteringVerbs(Verbs):
    """Files and Delta tables in place; a base of `Catalog`."""

    def register(
        self, path: str | Path, *, name: str, **reading: Unpack[ReadingOptions]
    ) -> Dataset:
        """Let the catalog read a file, the files of a pattern or a folder, or a Delta table where
        they are, by a name like that of a dataset: nothing is copied, and nothing written there.

        path: of this machine, or `s3://bucket/…` (an object, a prefix, a pattern or a Delta table),
        which is reached with the endpoint and the keys of the catalog, or of the tier that it is
        in. reading: how text is read (see `ReadingOptions`); what is left out is guessed. `delete`
        forgets it.

        Raises NotFound for what does not exist, BadRequest for a kind that cannot be read, Conflict
        for a name that is taken, Unprocessable for files that an ingest would not read without a
        row left out, Unavailable for a store that does not answer or refuses the key.
        """
        from ..dtypes import short_dtype
        from ..tables.in_place import encoded, facts_of, schema_of
        from ..tables.placed import found_at, place_of

        dataset_name, options = whole(name), checked(reading)
        self._tables.check_free(dataset_name)
        kind, place = found_at(place_of(path, self._project, self._store))
        schema = schema_of(self._project, kind, place, options)
        size, changed_at = facts_of(kind, place)
        item = Registered(
            name=dataset_name,
            kind=kind,
            location=place.location,
            columns={column: short_dtype(dtype) for column, dtype in schema.items()},
            schema=encoded(schema),
            reading={option: value for option, value in reading.items() if value is not None},
            at=now(),
            bytes=size,
            changed_at=changed_at,
        )
        self._registrations.add(item)
        with telling(f"{dataset_name.text} is registered"):
            self._project.events.emit("dataset", dataset_name.ref, {"registered": place.location})
        return self._tables.find(dataset_name).record()
