"""The verbs about what people say of a dataset: tags, owner, description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...core.events import telling
from .. import metadata as records
from ..labels import check_tags, with_tags, with_texts
from ..names import DatasetName
from ..spec import Dataset
from .base import Verbs


class LabelVerbs(Verbs):
    """Tags and texts; a base of `Catalog`."""

    def tag(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Dataset:
        """Add tags to a dataset and remove tags. Adding one twice is not an error."""
        check_tags(add)
        return self._change(
            self.own(name), lambda properties: with_tags(name, properties, add=add, remove=remove)
        )

    def describe(
        self, name: str, *, owner: str | None = None, description: str | None = None
    ) -> Dataset:
        """Set a dataset's owner and description; None keeps the present one."""
        texts = with_texts(owner, description)
        return self._change(self.own(name), lambda _: texts)

    def _change(
        self, name: DatasetName, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Dataset:
        """Set properties of a table; the lock keeps two changes at once from losing one."""
        with self._store.lock(name), self._store.explained(f"{name.text} was not changed."):
            table = self._store.load(name)
            properties = change(table.properties)
            if properties:
                with table.transaction() as transaction:
                    transaction.set_properties(dict(properties))
        with telling(f"{name.text} is changed"):
            self._project.events.emit("dataset", name.ref, {"changed": sorted(properties)})
        return records.dataset(name, self._store.metadata(self._store.entry(name)))
