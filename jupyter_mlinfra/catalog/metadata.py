"""An Iceberg metadata file (format 1 or 2, parsed JSON) as records: dataset, columns, snapshots.

Source: https://iceberg.apache.org/spec/#table-metadata and its appendix C.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import NotFound, Unprocessable
from ..core.records import Number
from . import columnlabels
from .dtypes import short_type
from .names import DatasetName
from .spec import Column, Dataset, Snapshot
from .totals import bytes_at, changed_by, rows_at, summary_of, uncounted

if TYPE_CHECKING:
    from pyiceberg.table import Table

_PACKED = ".gz.metadata.json"
"""The ending of a metadata file that is compressed (`write.metadata.compression-codec`)."""

OWNER, TAGS, DESCRIPTION = "mlinfra.owner", "mlinfra.tags", "comment"
"""Table properties that hold what people say about a dataset; the search index can always be
rebuilt from them.
"""

WRITTEN_BY, QUARANTINED, COMMIT, FILES = (
    "mlinfra.written-by",
    "mlinfra.quarantined",
    "mlinfra.commit",
    "mlinfra.files",
)
CHECKSUMS = "mlinfra.sha256"
QUARANTINE = "mlinfra.quarantine"
POSITION = "mlinfra.position."
"""Properties in the summary of a snapshot that this catalog wrote. POSITION is followed by the name
of a stream, and is a property of the table too; see `positions`.
"""

KEY = "mlinfra.key"
"""The key columns of an upsert, as JSON."""
KEEPS_ROWS, KEEPS_FILES = "mlinfra.keeps-rows", "mlinfra.keeps-files"
"""Properties of a snapshot that removed files, `true` if `keeps_rows` or `keeps_files` holds."""

INSERTED, UPDATED = "mlinfra.inserted", "mlinfra.updated"
"""Properties of the snapshot of an upsert: how many rows were new, and how many changed."""

SET_ASIDE = "mlinfra.set-aside"
"""Property of a snapshot: the damaged files that it took out; none if it put some back."""

RESTORED_FROM = "mlinfra.restored-from"
"""Property of a snapshot: the earlier one whose rows it has."""

EXPIRED = "mlinfra.expired"
"""Property of a table: what snapshots that have expired said of files that still count, as JSON:
`{"before": ID, "files": {DIGEST: SNAPSHOT}, "sha256": {FILE: CHECKSUM}}`. before: the snapshot that
came after them.
"""

MOVED_TO, COMPACTED = "mlinfra.moved-to", "mlinfra.compacted"
"""Properties of snapshots that change where rows are, and none of them."""

_GROWS = ("append", "replace")
"""Operations after which all earlier rows are still there; Iceberg's `replace` compacts files."""

type Metadata = Mapping[str, Any]


def dataset(name: DatasetName, metadata: Metadata) -> Dataset:
    """The table as one row of a list, at the snapshot of `name` or the newest."""
    snapshot = snapshot_of(name, metadata)
    unknown = uncounted(_newest_first(metadata)[::-1])
    properties = metadata.get("properties", {})
    return Dataset(
        ref=name.ref,
        name=name.text,
        namespace=name.namespace,
        rows=rows_at(snapshot, unknown),
        bytes=bytes_at(snapshot, unknown),
        columns=len(fields(name, metadata)),
        snapshot=_state(name, metadata, snapshot),
        updated_at=_time(
            (snapshot or metadata).get("timestamp-ms") or metadata.get("last-updated-ms")
        ),
        owner=properties.get(OWNER) or properties.get("owner", ""),
        tags=tags(properties),
        description=properties.get(DESCRIPTION, ""),
        columns_tagged=_tagged(fields(name, metadata), properties),
    )


def _tagged(
    fields: Sequence[Mapping[str, Any]], properties: Mapping[str, str]
) -> Mapping[str, Sequence[str]]:
    """The tags of columns, by their names."""
    tags = columnlabels.tags_of(properties)
    return {field["name"]: tags[field["id"]] for field in fields if field["id"] in tags}


def masked(name: DatasetName, metadata: Metadata) -> frozenset[str]:
    """The columns of `columns` that hold personal data."""
    tagged = _tagged(fields(name, metadata), metadata.get("properties", {}))
    return frozenset(column for column, tags in tagged.items() if columnlabels.is_pii(tags))


def ever_masked(metadata: Metadata) -> frozenset[str]:
    """The columns with personal data of all schemas that the table has had."""
    tagged = columnlabels.pii_of(metadata.get("properties", {}))
    return frozenset(
        field["name"]
        for schema in metadata.get("schemas", ())
        for field in schema["fields"]
        if field["id"] in tagged
    )


def checked(name: DatasetName, data: bytes, location: str) -> Metadata:
    """A parsed metadata file, after everything that lists and pages show could be read from it.
    Raises Unprocessable with the file's path.
    """
    try:
        is_packed = location.endswith(_PACKED)
        metadata: Metadata = json.loads(gzip.decompress(data) if is_packed else data)
        columns(name, metadata), snapshots(name, metadata), str(metadata["location"])
        with contextlib.suppress(NotFound):  # an expired newest snapshot is not damage
            dataset(name, metadata)
        texts = [field["name"] for field in fields(name, metadata)]
        texts += metadata.get("properties", {}).values()
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a name or a property is not a text")
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
        EOFError,
        gzip.BadGzipFile,
        zlib.error,
    ) as error:
        why = f"Its metadata file {location} is damaged: {type(error).__name__}, {error}."
        raise Unprocessable(
            f"{name.text} cannot be read.",
            why,
            "Restore that file from a backup, or delete the dataset and ingest its files again.",
        ) from error
    return metadata


def unreadable(name: DatasetName, why: str, *, domain: str = "") -> Dataset:
    """The row of a list for a table whose metadata cannot be read; its description says so. domain:
    see `Dataset`.
    """
    return Dataset(
        ref=name.ref,
        name=name.text,
        namespace=name.namespace,
        rows=Number(value=None),
        bytes=None,
        columns=None,
        snapshot=None,
        updated_at=None,
        owner="",
        tags=(),
        description=why,
        domain=domain,
    )


def columns(
    name: DatasetName, metadata: Metadata, used_by: Mapping[str, Sequence[str]] | None = None
) -> list[Column]:
    """The columns at the snapshot of `name`, or the newest. used_by: references by column name."""
    properties = metadata.get("properties", {})
    tags, texts = columnlabels.tags_of(properties), columnlabels.texts_of(properties)
    return [
        Column(
            name=field["name"],
            type=short_type(field["type"]),
            required=bool(field.get("required")),
            doc=texts.get(field["id"]) or field.get("doc") or "",
            used_by=(used_by or {}).get(field["name"], ()),
            tags=tags.get(field["id"], ()),
        )
        for field in fields(name, metadata)
    ]


def snapshots(name: DatasetName, metadata: Metadata) -> list[Snapshot]:
    """Every commit that is still kept, newest first."""
    named, entries = refs_of(metadata), _newest_first(metadata)
    unknown = uncounted(entries[::-1])
    return [
        Snapshot(
            ref=f"{name.ref}@{entry['snapshot-id']}",
            id=str(entry["snapshot-id"]),
            parent=(
                str(entry["parent-snapshot-id"])
                if entry.get("parent-snapshot-id") is not None
                else None
            ),
            at=datetime.fromtimestamp(entry["timestamp-ms"] / 1000, UTC),
            operation=summary_of(entry).get("operation", "append"),
            rows=rows_at(entry, unknown),
            **counts(entry),
            written_by=summary_of(entry).get(WRITTEN_BY, ""),
            refs=named.get(entry["snapshot-id"], {}),
            restored_from=summary_of(entry).get(RESTORED_FROM),
        )
        for entry in entries
    ]


def counts(snapshot: Metadata) -> dict[str, Any]:
    """Rows added, removed and updated. Iceberg counts those of data files; a row that a file
    written anew has taken over is none of these. None where its summary does not say it.
    """
    summary = summary_of(snapshot)
    added, removed = changed_by(snapshot)
    if added is None or removed is None:
        return {"added": None, "removed": None}
    if UPDATED in summary:
        new = int(summary[INSERTED])  # equal rows of one key have become one
        return {
            "added": new,
            "removed": max(removed + new - added, 0),
            "updated": int(summary[UPDATED]),
        }
    same = min(added, removed) if summary.get(KEEPS_ROWS) == "true" else 0
    return {"added": added - same, "removed": removed - same}


def refs_of(metadata: Metadata) -> dict[int, dict[str, str]]:
    """The tags and branches of each snapshot that has some, as `tag` or `branch` by name; `main` is
    none of them.
    """
    named = dict[int, dict[str, str]]()
    for name, ref in sorted(metadata.get("refs", {}).items()):
        if name != "main":
            named.setdefault(ref["snapshot-id"], {})[name] = ref.get("type", "branch")
    return named


def kind_of(snapshot: Metadata) -> str:
    """What a commit did: `append`, `upsert`, `restore`, `compact`, `move`; else Iceberg's own
    word.
    """
    summary = summary_of(snapshot)
    if MOVED_TO in summary:
        return "move"
    if COMPACTED in summary:
        return "compact"
    if RESTORED_FROM in summary:
        return "restore"
    if summary.get(KEEPS_ROWS) == "true" and summary.get("added-records") == summary.get(
        "deleted-records"
    ):
        return "compact"
    if KEY in summary or (summary.get(KEEPS_FILES) == "true" and SET_ASIDE not in summary):
        return "upsert"
    return summary.get("operation", "append")


def files_in(metadata: Metadata) -> dict[str, str]:
    """The snapshots that added the files whose rows are in the table now, by digest."""
    return files_at(metadata, metadata.get("current-snapshot-id"))


def files_at(metadata: Metadata, snapshot: int | None) -> dict[str, str]:
    """As `files_in`, of an earlier snapshot: from it back to one that replaced or deleted rows, so
    that those of earlier ones may be gone.
    """
    snapshots: dict[str, str] = {}
    first = None
    for entry in ancestors(metadata, snapshot):
        first = entry["snapshot-id"]
        for digest in _json_list(summary_of(entry).get(FILES)):
            snapshots.setdefault(digest, str(first))
        # Format 1 needs no summary: what says nothing counts as an append here.
        if "operation" in summary_of(entry) and not keeps_files(entry):
            return snapshots
    gone = expired(metadata.get("properties", {}))
    return {**(gone["files"] if first == gone["before"] else {}), **snapshots}


def expired(properties: Mapping[str, str]) -> dict[str, Any]:
    """The property EXPIRED; empty if there is none."""
    found = {"before": 0, "files": {}, "sha256": {}}
    with contextlib.suppress(json.JSONDecodeError, TypeError):
        found |= json.loads(properties.get(EXPIRED) or "{}")
    return found


def upserted_last(metadata: Metadata, key: Sequence[str]) -> dict[str, str]:
    """As `files_in`, of the newest snapshot alone, if it is an upsert by this key; else nothing.
    What came before may have got other values since.
    """
    for entry in ancestors(metadata, metadata.get("current-snapshot-id")):
        summary = summary_of(entry)
        if _json_list(summary.get(KEY)) != list(key):
            return {}
        return dict.fromkeys(_json_list(summary.get(FILES)), str(entry["snapshot-id"]))
    return {}


def quarantined_by(metadata: Metadata) -> set[str]:
    """The names of the ingests of which rows went to quarantine."""
    return {
        summary_of(entry)[QUARANTINE]
        for entry in metadata.get("snapshots", [])
        if QUARANTINE in summary_of(entry)
    }


def keeps_rows(snapshot: Metadata) -> bool:
    """Whether all rows from before a snapshot are certainly still there."""
    summary = summary_of(snapshot)
    return summary.get("operation") in _GROWS or summary.get(KEEPS_ROWS) == "true"


def keeps_files(snapshot: Metadata) -> bool:
    """Whether what was brought in before a snapshot certainly still counts as in the table: its
    rows are there, or others in their place.
    """
    return keeps_rows(snapshot) or summary_of(snapshot).get(KEEPS_FILES) == "true"


def current(metadata: Metadata) -> int | None:
    """The newest snapshot; None if nothing was ever committed."""
    snapshot_id: int | None = metadata.get("current-snapshot-id")
    return None if snapshot_id == -1 else snapshot_id


def ancestors(metadata: Metadata, snapshot: int | None) -> Iterator[Metadata]:
    """A snapshot, its parent, and so on, as far as they are kept."""
    entries = {entry["snapshot-id"]: entry for entry in metadata.get("snapshots", [])}
    entry = entries.get(snapshot)
    while entry is not None:
        yield entry
        entry = entries.get(entry.get("parent-snapshot-id"))


def newest_with(metadata: Metadata, key: str) -> tuple[str, str] | None:
    """The newest snapshot whose summary has a property, and its value; None if there is none."""
    for entry in _newest_first(metadata):
        if value := summary_of(entry).get(key):
            return str(entry["snapshot-id"]), str(value)
    return None


def snapshot_with(table: Table, mark: str) -> str | None:
    """The snapshot that carries the mark of a commit; None if there is none."""
    for entry in reversed(table.metadata.snapshots):
        if entry.summary and entry.summary.additional_properties.get(COMMIT) == mark:
            return str(entry.snapshot_id)
    return None


def snapshot_of(name: DatasetName, metadata: Metadata) -> Metadata | None:
    """The snapshot that `name` asks for, else the newest; None if nothing was ever committed.

    Raises NotFound if the table has no such snapshot.
    """
    snapshot_id = (
        name.snapshot if name.snapshot is not None else metadata.get("current-snapshot-id")
    )
    if snapshot_id in (None, -1):
        return None
    for entry in metadata.get("snapshots", []):
        if entry["snapshot-id"] == snapshot_id:
            snapshot: Metadata = entry
            return snapshot
    known = [entry["snapshot-id"] for entry in metadata.get("snapshots", [])]
    raise no_snapshot(name, snapshot_id, known)


def no_snapshot(name: DatasetName, snapshot_id: object, known: Iterable[int]) -> NotFound:
    """The error for a snapshot that a dataset does not have. known: those that it has; one whose
    first digits are meant, as pages show them, is named.
    """
    what = f"{name.text} has no snapshot {snapshot_id}."
    whole = [one for one in known if str(one).startswith(str(snapshot_id))]
    if len(whole) == 1:
        why = f"Pages show the first digits of a number, here those of {whole[0]}."
        return NotFound(what, why, f"Write all of them: {name.asked}@{whole[0]}")
    return NotFound(
        what, "It never had, or it has expired.", f"mlinfra catalog snapshots {name.text}"
    )


def newer(metadata: Metadata, snapshot: Metadata | None) -> int:
    """How many snapshots came after this one."""
    ids = [entry["snapshot-id"] for entry in _newest_first(metadata)]
    return ids.index(snapshot["snapshot-id"]) if snapshot else 0


def fields(name: DatasetName, metadata: Metadata) -> Sequence[Mapping[str, Any]]:
    """The top-level fields in Iceberg's JSON form, as a scan of `name` has them: the present ones,
    or those of the snapshot that it names.

    They differ after a change of columns that wrote no rows.
    """
    schemas = metadata.get("schemas") or [metadata["schema"]]
    schema_id = metadata.get("current-schema-id", 0)
    if name.columns is not None:
        schema_id = name.columns
    elif name.snapshot is not None:
        schema_id = (snapshot_of(name, metadata) or {}).get("schema-id", schema_id)
    columns: Sequence[Mapping[str, Any]] = next(
        (schema for schema in schemas if schema.get("schema-id", 0) == schema_id), schemas[-1]
    )["fields"]
    return columns


def _state(name: DatasetName, metadata: Metadata, snapshot: Metadata | None) -> str | None:
    """Rows and columns of `name` as text: its snapshot, and its schema's number if that is not the
    one that the snapshot was written with.
    """
    if snapshot is None:
        return None
    columns = metadata.get("current-schema-id", 0) if name.snapshot is None else name.columns
    return (
        str(snapshot["snapshot-id"])
        if columns in (None, snapshot.get("schema-id"))
        else f"{snapshot['snapshot-id']}.{columns}"
    )


def tags(properties: Mapping[str, str]) -> list[str]:
    """The tags in a table's properties."""
    return _json_list(properties.get(TAGS))


def _json_list(text: str | None) -> list[str]:
    """The words of a JSON list; anything else counts as none."""
    try:
        words = json.loads(text or "[]")
    except json.JSONDecodeError:
        return []
    return [str(word) for word in words] if isinstance(words, list) else []


def _newest_first(metadata: Metadata) -> list[Metadata]:
    entries: list[Metadata] = metadata.get("snapshots", [])
    return sorted(
        entries,
        key=lambda entry: (entry.get("sequence-number", 0), entry["timestamp-ms"]),
        reverse=True,
    )


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
