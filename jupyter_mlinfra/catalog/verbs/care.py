"""The verb that removes a dataset."""

from __future__ import annotations

from ...core.errors import Conflict
from ...core.events import telling
from ..names import DatasetName
from ..tables.registered import RegisteredTable
from ..uses import made_from
from .base import Verbs, whole


class CareVerbs(Verbs):
    """What becomes of datasets that are not needed any more; a base of `Catalog`."""

    def delete(self, name: str, *, force: bool = False) -> str:
        """Remove a dataset from the catalog, or forget what is registered in place; its files stay
        in the folder that is returned.

        Raises Conflict if lineage knows something made from it (a view, a run, an existing
        dataset), unless `force`.
        """
        table = self._tables.find(whole(name))
        if isinstance(table, RegisteredTable):
            self._registrations.remove(table.name)
            self._tell_deleted(table.name)
            return table.tables.registered.location
        dataset_name = self.own(name)
        with (
            self._store.lock(dataset_name),
            self._store.explained(f"{dataset_name.text} was not deleted."),
        ):
            location = self._store.load(dataset_name).location()
            if not force and (users := made_from(dataset_name, self._project, self._store)):
                more = f" and {len(users) - 5} more" if len(users) > 5 else ""
                why = f"Made from it: {', '.join(users[:5])}{more}."
                raise Conflict(
                    f"{dataset_name.text} is in use.",
                    why,
                    "If they may lose it: --force (in Python force=True).",
                )
            self._store.iceberg.drop_table(dataset_name.identifier)
        self._tell_deleted(dataset_name)
        return location

    def _tell_deleted(self, name: DatasetName) -> None:
        with telling(f"{name.text} is deleted"):
            self._project.events.emit("dataset", name.ref, {"deleted": True})
