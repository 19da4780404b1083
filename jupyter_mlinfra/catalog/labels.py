"""Tags, owner and description of a dataset or a column: their limits, and the properties of the
table that hold them.
"""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ..core.display import encodable
from ..core.errors import BadRequest, NotFound
from ..core.refs import Ref, reference
from . import columnlabels
from . import metadata as records

_MAX_TAGS, _MAX_TAG_LENGTH, _MAX_TEXT_LENGTH = 50, 100, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What is said of a dataset or a column. owner: of a dataset."""

    tags: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""

    def changed(
        self,
        *,
        tags: Iterable[str] | None = None,
        description: str | None = None,
        owner: str | None = None,
    ) -> Labels:
        """With other tags or texts; None keeps the present ones."""
        return Labels(
            tags=self.tags if tags is None else tuple(dict.fromkeys(tag.strip() for tag in tags)),
            description=self.description if description is None else description,
            owner=self.owner if owner is None else owner,
        )

    def check(self, before: Labels, name: str) -> None:
        """Raise BadRequest for a new tag that cannot be one, too many tags, or a text that is too
        long or is none.
        """
        for tag in self.tags:
            if tag not in before.tags and not _is_tag(tag):
                raise BadRequest(
                    f"{tag[:40]!r} cannot be a tag.",
                    f"A tag is 1 to {_MAX_TAG_LENGTH} printable characters.",
                )
        if len(self.tags) > _MAX_TAGS:
            raise BadRequest(
                f"{name} would have {len(self.tags)} tags.",
                f"It may have {_MAX_TAGS}.",
                "Take some off first.",
            )
        for text in (self.owner, self.description):
            if len(text) > _MAX_TEXT_LENGTH:
                raise BadRequest(
                    "The text is too long.",
                    f"It has {len(text):,} characters; {_MAX_TEXT_LENGTH:,} are allowed.",
                )
            if encodable(text) != text:
                raise BadRequest(
                    "The text cannot be stored.",
                    "It has half of a character (a lone surrogate), which no file holds.",
                    "Type the character again.",
                )


@dataclass(frozen=True, slots=True)
class Target:
    """What is spoken of: a dataset, or a column of it."""

    dataset: str
    column: str | None = None

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read `NAMESPACE.TABLE` or `column:NAMESPACE.TABLE.COLUMN`; the name of the dataset is
        checked by whoever opens it. Raises BadRequest for another reference.
        """
        if not text.startswith("column:"):
            return cls(text)
        parts = Ref.parse(text).parts
        if len(parts) != 2:
            raise BadRequest(
                f"{text[:80]!r} is not the name of a column.",
                "A column is column:NAMESPACE.TABLE.COLUMN.",
            )
        return cls(*parts)

    def __str__(self) -> str:
        return (
            self.dataset if self.column is None else reference("column", self.dataset, self.column)
        )

    def labels(self, properties: Mapping[str, str], ids: Mapping[str, int]) -> Labels:
        """What is said of it now. ids: Iceberg's ids of the columns, by name. Raises NotFound if
        there is no such column.
        """
        if self.column is None:
            return Labels(
                tags=tuple(records.tags(properties)),
                description=properties.get(records.DESCRIPTION, ""),
                owner=properties.get(records.OWNER, ""),
            )
        number = self._id(ids)
        return Labels(
            tags=tuple(columnlabels.tags_of(properties).get(number, ())),
            description=columnlabels.texts_of(properties).get(number, ""),
        )

    def properties(
        self, labels: Labels, properties: Mapping[str, str], ids: Mapping[str, int]
    ) -> Mapping[str, str]:
        """The properties that hold these labels. Raises as `labels`."""
        if self.column is None:
            return {
                records.TAGS: json.dumps(labels.tags),
                records.DESCRIPTION: labels.description,
                records.OWNER: labels.owner,
            }
        number = self._id(ids)
        return {
            **columnlabels.with_column_tags(properties, number, labels.tags),
            **columnlabels.with_column_text(properties, number, labels.description),
        }

    def undo(self, before: Labels, after: Labels) -> str:
        """The command that sets the labels back; empty if nothing has changed."""
        back = [tag for tag in before.tags if tag not in after.tags]
        off = [f"--remove={tag}" for tag in after.tags if tag not in before.tags]
        tags = [*off, *(["--", *back] if any(tag.startswith("-") for tag in back) else back)]
        texts = [
            f"--{name}={getattr(before, name)}"
            for name in ("owner", "description")
            if getattr(before, name) != getattr(after, name)
        ]
        return " && ".join(
            shlex.join(["mlinfra", "catalog", verb, str(self), *words])
            for verb, words in (("tag", tags), ("describe", texts))
            if words
        )

    def _id(self, ids: Mapping[str, int]) -> int:
        self.check_column(ids)
        return ids[self.column or ""]

    def check_column(self, names: Collection[str]) -> None:
        """Raise NotFound if the column is none of these."""
        column = self.column or ""
        if column in names:
            return
        close = difflib.get_close_matches(column, names, n=3)
        raise NotFound(
            f"{self.dataset} has no column {column[:80]}.",
            f"Close to it: {', '.join(close)}." if close else "No column has such a name.",
            f"mlinfra catalog show {self.dataset}",
        )


def _is_tag(text: str) -> bool:
    return 0 < len(text) <= _MAX_TAG_LENGTH and text.isprintable()
