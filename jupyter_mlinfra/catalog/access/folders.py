"""Folders of partitions: their names hold values, those of masked columns too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from ...core.records import MASK
from ..columnlabels import pii_of

if TYPE_CHECKING:
    from ..spec import Verification


class MaskedFolders:
    """The folders of one table. metadata: its metadata file, in Iceberg's JSON form."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        tagged = pii_of(metadata.get("properties", {}))
        names = {
            quote_plus(field["name"])
            for spec in metadata.get("partition-specs", ())
            for field in spec["fields"]
            if field["source-id"] in tagged
        }
        self._values = (
            re.compile(rf"(?<=/)({'|'.join(map(re.escape, sorted(names)))})=[^/]*(?=/)")
            if names
            else None
        )

    def hide(self, path: str) -> str:
        """The path of a file without values of masked columns."""
        return self._values.sub(rf"\1={MASK}", path) if self._values else path

    def hide_in(self, found: Verification) -> Verification:
        """The same, of all files that it names."""
        if self._values is None:
            return found
        return replace(
            found,
            damaged=[replace(item, file=self.hide(item.file)) for item in found.damaged],
            unchecked=[*map(self.hide, found.unchecked)],
            set_aside=[*map(self.hide, found.set_aside)],
            put_back=[*map(self.hide, found.put_back)],
            still_out=[*map(self.hide, found.still_out)],
        )
