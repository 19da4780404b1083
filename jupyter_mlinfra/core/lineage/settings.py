"""Settings of lineage."""

from __future__ import annotations

from typing import ClassVar

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from ..secrets import is_reference
from ..settings import Section


class LineageSettings(Section):
    """`[lineage]`"""

    TABLE: ClassVar[str] = "lineage"

    url: str = ""
    """Where events are sent too: an OpenLineage endpoint such as
    `http://marquez:5000/api/v1/lineage`; empty = they stay in the project's files."""

    api_key: str = ""
    """What the endpoint asks for as a bearer token, by reference: `env:NAME` or
    `keyring:SERVICE/NAME`."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise PydanticCustomError("address", "It begins with neither http:// nor https://")
        if "@" in url.partition("://")[2].partition("/")[0]:
            rule = "It holds a user or a password, which would be kept in a file; use api_key"
            raise PydanticCustomError("address", rule)
        return url

    @field_validator("api_key")
    @classmethod
    def _is_reference(cls, key: str) -> str:
        if key and not is_reference(key):
            rule = (
                "The key itself would be kept in a file; give a reference (env:NAME or"
                " keyring:SERVICE/NAME)"
            )
            raise PydanticCustomError("key", rule)
        return key
