"""What people say of the columns of a dataset: tags and descriptions, in properties of the table.

They are kept by Iceberg's id of the column, so they stay when it is renamed, and a new column of an
old name begins without any. A description in the schema itself, as other clients write it, is shown
where this catalog has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

PII = "pii"
"""The tag of a column that holds personal data."""

COLUMN_TAGS, COLUMN_TEXTS = "mlinfra.column-tags", "mlinfra.column-descriptions"
"""Properties of a table: `{"3": ["pii"]}` and `{"3": "of the buyer"}`, by the column's id."""


def tags_of(properties: Mapping[str, str]) -> Mapping[int, Sequence[str]]:
    """The tags of each column that has some, by its id; what is not in this form counts as none."""
    return {
        key: [str(tag) for tag in tags]
        for key, tags in _by_id(properties.get(COLUMN_TAGS)).items()
        if isinstance(tags, list) and tags
    }


def pii_of(properties: Mapping[str, str]) -> frozenset[int]:
    """The ids of the columns with personal data, also of those that were dropped since."""
    return frozenset(key for key, tags in tags_of(properties).items() if is_pii(tags))


def is_pii(tags: Sequence[str]) -> bool:
    """Whether one of the tags is `pii`, in capitals or not."""
    return any(tag.casefold() == PII for tag in tags)


def texts_of(properties: Mapping[str, str]) -> Mapping[int, str]:
    """The description of each column that has one, by its id."""
    return {
        key: text
        for key, text in _by_id(properties.get(COLUMN_TEXTS)).items()
        if isinstance(text, str) and text
    }


def with_column_tags(
    properties: Mapping[str, str], column: int, tags: Sequence[str]
) -> Mapping[str, str]:
    """The properties to set so that a column has these tags."""
    return _changed(COLUMN_TAGS, tags_of(properties), column, list(tags))


def with_column_text(properties: Mapping[str, str], column: int, text: str) -> Mapping[str, str]:
    """The properties to set so that a column has this description; an empty one is none."""
    return _changed(COLUMN_TEXTS, texts_of(properties), column, text)


def copied(properties: Mapping[str, str], ids: Mapping[int, int]) -> Mapping[str, str]:
    """The properties to set so that new columns have what is said of old ones. ids: of the new ones
    by those of the old ones, which keep theirs, since older snapshots have them.
    """
    found = dict[str, str]()
    for key, values in ((COLUMN_TAGS, tags_of(properties)), (COLUMN_TEXTS, texts_of(properties))):
        for old, new in ids.items():
            if old in values:
                found |= _changed(key, _by_id(found.get(key)) or values, new, values[old])
    return found


def _changed(
    key: str, values: Mapping[int, object], column: int, value: object
) -> Mapping[str, str]:
    changed = {**values, column: value}
    return {key: json.dumps({str(item): found for item, found in changed.items() if found})}


def _by_id(text: str | None) -> Mapping[int, object]:
    try:
        found = json.loads(text or "{}")
    except (json.JSONDecodeError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {int(key): value for key, value in found.items() if key.isascii() and key.isdecimal()}
