"""The verbs about what people say of a dataset or a column: tags, owner, description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

from ...core.domain import load
from ...core.domains import domains
from ...core.errors import BadRequest
from ...core.events import telling
from ...core.viewer import Reveal
from .. import metadata as records
from ..columnlabels import is_pii
from ..labels import Labels, Target
from ..looking.folders import forget, profiles_in, sketches_in
from ..names import DatasetName
from ..spec import Labelled
from ..stores.versions import check_properties
from ..tables.registered import RegisteredTable
from .base import Verbs, whole


class LabelVerbs(Verbs):
    """Tags and texts; a base of `Catalog`. They are kept in properties of the table; of one in
    place, with its registration.

    name: of a dataset, or of a column as `column:NAMESPACE.TABLE.COLUMN`.
    """

    def tag(
        self,
        name: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        branch: bool = False,
        reveal: Reveal = True,
    ) -> Labelled:
        """Add tags to a dataset or a column, and remove tags. Adding one twice is not an error. A
        column with personal data is tagged `pii`. Of a snapshot (`NAMESPACE.TABLE@SNAPSHOT`), tags
        are names that stand for it wherever a dataset is read, and while it has one it does not
        expire. branch: make branches of Iceberg instead. reveal: who takes `pii` off a column, by
        which its values are shown; that is recorded.

        Raises NotFound for a column or snapshot that the dataset does not have, Conflict for the
        name of another snapshot, and Forbidden if `pii` may not be taken off.
        """
        if not name.startswith("column:") and DatasetName.parse(name).has_state:
            return self._change_refs(name, add, remove, branch=branch)
        if branch:
            raise BadRequest(
                f"{name} names no snapshot.",
                "A branch begins at one.",
                f"mlinfra catalog tag {name}@SNAPSHOT {' '.join(add) or 'NAME'} --branch",
            )

        def change(labels: Labels) -> Labels:
            kept = [tag for tag in labels.tags if tag not in remove]
            return labels.changed(tags=[*kept, *add])

        return self._change(Target.parse(name), change, reveal)

    def describe(
        self,
        name: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        reveal: Reveal = True,
    ) -> Labelled:
        """Set the owner, the description and all tags of a dataset, or the description and all tags
        of a column; None keeps the present ones. reveal: as in `tag`. Raises as `tag`, and
        BadRequest for the owner of a column.
        """
        target = Target.parse(name)
        if target.column is not None and owner is not None:
            raise BadRequest(
                f"{name} cannot have an owner.",
                "A column belongs to whoever owns its dataset.",
                f"mlinfra catalog describe {target.dataset} --owner NAME",
            )
        return self._change(
            target,
            lambda labels: labels.changed(owner=owner, description=description, tags=tags),
            reveal,
        )

    def _change_refs(
        self, text: str, add: Sequence[str], remove: Sequence[str], *, branch: bool
    ) -> Labelled:
        """Names of a snapshot; its tags and texts are those of the dataset."""
        from ..time.refs import change_refs, undo_of

        name = self.named(text)
        name.check()
        self._tables.find(name).check_own()
        before = self._store.metadata(self._store.entry(name))
        changed = change_refs(self._store, name, add=add, remove=remove, branch=branch)
        if changed:
            with telling(f"{name.text} is changed"):
                self._project.events.emit("dataset", name.ref, {"changed": ["refs"]})
        undo = undo_of(name, before, add, remove) if changed else ""
        return self._labelled(name.whole, undo)

    def _labelled(self, name: DatasetName, undo: str) -> Labelled:
        metadata = self._store.metadata(self._store.entry(name))
        record = records.dataset(name, metadata)
        values = {item.name: getattr(record, item.name) for item in fields(record)}
        named = records.refs_of(metadata)
        refs = {word: str(number) for number, words in named.items() for word in words}
        return Labelled(**values, undo=undo, refs=refs)

    def _change(
        self, target: Target, change: Callable[[Labels], Labels], reveal: Reveal
    ) -> Labelled:
        """Set properties of a table; the lock keeps two changes at once from losing one."""
        found = self._tables.find(whole(target.dataset))
        if isinstance(found, RegisteredTable):
            return self._change_registered(found, target, change, reveal)
        name = self.own(target.dataset)
        with self._store.lock(name), self._store.explained(f"{name.text} was not changed."):
            table = self._store.load(name)
            check_properties(table, f"{name.text} was not changed.")
            ids = {field.name: field.field_id for field in table.schema().fields}
            before = target.labels(table.properties, ids)
            after = change(before)
            after.check(before, str(target))
            present = target.properties(before, table.properties, ids)
            wanted = target.properties(after, table.properties, ids)
            changed = {key: text for key, text in wanted.items() if text != present[key]}
            if target.column and is_pii(before.tags) and not is_pii(after.tags):
                self._revealing.untag(name.text, target.column, reveal)
            if changed:
                with table.transaction() as transaction:
                    transaction.set_properties(changed)
        if is_pii(after.tags) and not is_pii(before.tags):
            home = self._project.home
            for folder in (
                profiles_in(home, name.text),
                sketches_in(home, table.metadata.table_uuid),
            ):
                with telling(f"{target} is changed"):
                    forget(folder)
            self._forget_values(name)
        if changed:
            with telling(f"{target} is changed"):
                self._project.events.emit("dataset", name.ref, {"changed": sorted(changed)})
        return self._labelled(name, target.undo(before, after))

    def _forget_values(self, name: DatasetName) -> None:
        """Remove what rules and other domains keep of values of a dataset, of which a column holds
        personal data now. What cannot be removed is masked all the same when it is shown.
        """
        with telling(f"{name.text} is changed"):
            self._rules.forget_samples(name.text)
        for domain in domains():
            if domain.forget:
                with telling(f"{name.text} is changed"):
                    load(domain.forget)(self._project, name.text)

    def _change_registered(
        self,
        table: RegisteredTable,
        target: Target,
        change: Callable[[Labels], Labels],
        reveal: Reveal,
    ) -> Labelled:
        """The same of a table in place: nothing is written where its files are."""
        name = table.name
        with self._store.lock(name):
            if target.column is not None:
                target.check_column([column.name for column in table.columns()])
            registered = self._registrations.get(name) or table.tables.registered
            before = registered.labels(target.column)
            after = change(before)
            after.check(before, str(target))
            if target.column and is_pii(before.tags) and not is_pii(after.tags):
                self._revealing.untag(name.text, target.column, reveal)
            newly = is_pii(after.tags) and not is_pii(before.tags)
            same = self._registrations.spread(name, target.column or "") if newly else []
            if after != before:
                self._registrations.label(name, target.column, after)
        for changed in [*same, name] if newly else ():
            self._forget_values(changed)
        for changed in same:
            with telling(f"{changed.text} is changed"):
                self._project.events.emit("dataset", changed.ref, {"changed": ["labels"]})
        if after != before:
            with telling(f"{target} is changed"):
                self._project.events.emit("dataset", name.ref, {"changed": ["labels"]})
        record = self._tables.find(name).record()
        values = {item.name: getattr(record, item.name) for item in fields(record)}
        return Labelled(**values, undo=target.undo(before, after))
