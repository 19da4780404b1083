"""Which snapshot a tag, a branch or a time means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...core.errors import BadRequest, NotFound
from ..metadata import Metadata, ancestors
from ..names import DatasetName


def snapshot_named(name: DatasetName, metadata: Metadata) -> int:
    """The snapshot of the tag or branch in `name`, or the one that was the newest at its time: a
    time without a zone is in UTC, a date its first moment.

    Raises NotFound if there is no such tag, or no snapshot of that time is kept.
    """
    word = name.tag or ""
    if word[:1].isdigit():
        return _newest_at(name, metadata, moment_of(word))
    references = metadata.get("refs", {})
    if word not in references:
        known = ", ".join(sorted(references)) or "none"
        raise NotFound(
            f"{name.text} has no tag or branch {word!r}.",
            f"It has: {known}.",
            f"mlinfra catalog snapshots {name.text}",
        )
    return int(references[word]["snapshot-id"])


def moment_of(text: str) -> datetime:
    """The time that a text in ISO 8601 says: without a zone in UTC, of a date its first moment.
    Raises BadRequest for one that there is not.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{text!r} is not a time.", "There is no such day or hour.", "Write 2026-05-01T12:00Z."
        ) from None


def _newest_at(name: DatasetName, metadata: Metadata, moment: datetime) -> int:
    log = _log(metadata)
    places = [place for place, line in enumerate(log) if _at(line) <= moment]
    if not places:
        raise NotFound(
            f"{name.text} has no snapshot of {moment.isoformat()}.",
            f"The earliest that is kept is of {_at(log[0]).isoformat()}."
            if log
            else "Nothing was ever written to it.",
            f"mlinfra catalog snapshots {name.text}",
        )
    line = log[places[-1]]
    after = log[places[-1] + 1] if places[-1] + 1 < len(log) else None
    is_then = int(moment.timestamp() * 1000) == line["timestamp-ms"]
    if after and not is_then and _may_miss(line, after, metadata):
        raise NotFound(
            f"{name.text} has no snapshot of {moment.isoformat()} any more.",
            "It has expired.",
            f"mlinfra catalog snapshots {name.text}",
        )
    return int(line["snapshot-id"])


def _may_miss(line: Mapping[str, Any], after: Mapping[str, Any], metadata: Metadata) -> bool:
    """Whether a snapshot that has expired may have been the newest between two lines of the log.

    Going back to an earlier snapshot is a line, too, with a time of its own. From which one it went
    back is not told: it was that of the line before only if none that was committed until then is
    missing.
    """
    entries = metadata.get("snapshots", [])
    then = next((item for item in entries if item["snapshot-id"] == after["snapshot-id"]), None)
    if then is not None and then["timestamp-ms"] == after["timestamp-ms"]:  # a commit
        return bool(then.get("parent-snapshot-id") != line["snapshot-id"])
    if after["snapshot-id"] == line["snapshot-id"]:
        return True
    numbers = {item.get("sequence-number", 0): item["timestamp-ms"] for item in entries}
    first = max((no for no, at in numbers.items() if at <= line["timestamp-ms"]), default=0)
    later = [no for no, at in numbers.items() if at > after["timestamp-ms"]]
    end = min(later, default=metadata.get("last-sequence-number", 0) + 1)
    return first == 0 or any(no not in numbers for no in range(first + 1, end))


def _log(metadata: Metadata) -> Sequence[Mapping[str, Any]]:
    """When each snapshot became the newest, oldest first. Other writers need not keep it."""
    kept: Sequence[Mapping[str, Any]] = metadata.get("snapshot-log") or ()
    return kept or [*ancestors(metadata, metadata.get("current-snapshot-id"))][::-1]


def _at(line: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(line["timestamp-ms"] / 1000, UTC)
