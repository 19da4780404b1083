"""Tags and branches of a dataset: names for its snapshots, which stay while they have one.

They are Iceberg's own, so other clients see them. Source:
https://iceberg.apache.org/spec/#snapshot-references
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Conflict, NotFound
from ..metadata import Metadata
from ..names import TAG, DatasetName
from ..stores.versions import check_properties

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from ..store import CatalogStore

_ATTEMPTS = 8


def change_refs(
    store: CatalogStore,
    name: DatasetName,
    *,
    add: Sequence[str],
    remove: Sequence[str],
    branch: bool = False,
) -> list[str]:
    """Give the snapshot of `name` these tags, or branches, and remove others. Returns those that
    were changed: a name that the snapshot has already is not.

    Raises BadRequest for a word that cannot be one, Conflict for the name of another snapshot, and
    NotFound for one to remove that the dataset does not have.
    """
    for word in add:
        _check(word)
    with store.lock(name), store.explained(f"{name.text} was not changed."):
        for attempt in range(_ATTEMPTS):
            store.load(name)  # NotFound in our words
            try:
                return _changed(store, store.open(name), name, add, remove, branch=branch)
            except _other_writer():
                if attempt == _ATTEMPTS - 1:
                    raise
    raise AssertionError("not reached")


def undo_of(
    name: DatasetName, metadata: Metadata, add: Sequence[str], remove: Sequence[str]
) -> str:
    """What changes them back: for each name that was changed a command, for each has a snapshot and
    a kind of its own. metadata: from before.
    """
    refs = metadata.get("refs", {})
    changed = [word for word in [*remove, *add] if word in remove or word not in refs]
    return " && ".join(
        _undo_of_one(name, word, refs.get(word), is_there=word in add)
        for word in dict.fromkeys(changed)
    )


def _undo_of_one(name: DatasetName, word: str, before: Metadata | None, *, is_there: bool) -> str:
    at = name.snapshot if before is None else before["snapshot-id"]
    words = [f"{name.text}@{at}"]
    words += [] if before is None else [quote(word)]
    words += ["--remove", quote(word)] if is_there else []
    words += ["--branch"] if before is not None and before.get("type") == "branch" else []
    return f"mlinfra catalog tag {' '.join(words)}"


def _changed(
    store: CatalogStore,
    table: Table,
    name: DatasetName,
    add: Sequence[str],
    remove: Sequence[str],
    *,
    branch: bool,
) -> list[str]:
    check_properties(table, f"{name.text} was not changed.")
    metadata = store.metadata_of(table)
    assert name.snapshot is not None
    if not any(entry["snapshot-id"] == name.snapshot for entry in metadata.get("snapshots", [])):
        raise NotFound(
            f"{name.text} has no snapshot {name.snapshot}.",
            "It never had, or it has expired.",
            f"mlinfra catalog snapshots {name.text}",
        )
    refs = metadata.get("refs", {})
    for word in remove:
        if word not in refs or word == "main":
            raise NotFound(
                f"{name.text} has no tag or branch {word!r} that can be removed.",
                f"It has: {', '.join(sorted(refs)) or 'none'}; `main` always stays.",
            )
    new = [word for word in add if _is_new(name, word, refs.get(word), remove)]
    gone = [word for word in remove if word not in new]
    if new or gone:
        with table.manage_snapshots() as manage:
            for word in gone:
                manage.remove_tag(word)
            for word in new:
                (manage.create_branch if branch else manage.create_tag)(name.snapshot, word)
    return [*gone, *new]


def _is_new(name: DatasetName, word: str, there: Metadata | None, removed: Sequence[str]) -> bool:
    if there is None or word in removed:
        return True
    if there["snapshot-id"] == name.snapshot:
        return False
    raise Conflict(
        f"{name.text} has a {there.get('type', 'branch')} {word!r} already.",
        f"It is snapshot {there['snapshot-id']}.",
        f"To move it, remove it in the same call: --remove {word}.",
    )


def _check(word: str) -> None:
    if word == "main" or not re.fullmatch(TAG, word):
        raise BadRequest(
            f"{word[:40]!r} cannot name a snapshot.",
            "A tag or branch is letters, digits, `_`, `-` and `.`, begins with a letter, and is not"
            " `main`.",
            "For example: gold, v1.2, before-cleaning.",
        )


def _other_writer() -> tuple[type[Exception], ...]:
    from pyiceberg.exceptions import CommitFailedException

    return (CommitFailedException,)
