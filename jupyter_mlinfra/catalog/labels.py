"""Tags, owner and description of a dataset: their limits, and the properties that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..core.errors import BadRequest
from . import metadata as records

_MAX_TAGS, _MAX_TAG_LENGTH, _MAX_TEXT_LENGTH = 50, 100, 10_000


def check_tags(tags: Sequence[str]) -> None:
    """Raise BadRequest for a text that cannot be a tag."""
    for text in tags:
        if not text.strip() or len(text) > _MAX_TAG_LENGTH or not text.isprintable():
            raise BadRequest(
                f"{text[:40]!r} cannot be a tag.",
                f"A tag is 1 to {_MAX_TAG_LENGTH} printable characters.",
            )


def with_tags(
    name: str, properties: Mapping[str, str], *, add: Sequence[str], remove: Sequence[str]
) -> Mapping[str, str]:
    """The properties to set. Raises BadRequest for too many tags."""
    remaining = [tag for tag in records.tags(properties) if tag not in remove]
    tags = list(dict.fromkeys([*remaining, *(text.strip() for text in add)]))
    if len(tags) > _MAX_TAGS:
        raise BadRequest(
            f"{name} would have {len(tags)} tags.",
            f"A dataset has at most {_MAX_TAGS}.",
            "Take some off first.",
        )
    return {records.TAGS: json.dumps(tags)}


def with_texts(owner: str | None, description: str | None) -> Mapping[str, str]:
    """The properties to set; None leaves a text as it is. Raises BadRequest for one that is too
    long.
    """
    texts = {records.OWNER: owner, records.DESCRIPTION: description}
    for text in texts.values():
        if text is not None and len(text) > _MAX_TEXT_LENGTH:
            raise BadRequest(
                "The text is too long.",
                f"It has {len(text):,} characters; {_MAX_TEXT_LENGTH:,} are allowed.",
            )
    return {key: text for key, text in texts.items() if text is not None}
