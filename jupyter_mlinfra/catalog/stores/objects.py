"""How the objects of an S3 store are reached: with the endpoint and the keys of the catalog, or of
the tier that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from ..addresses import OBJECTS
from ..drivers import with_region

if TYPE_CHECKING:
    from ..store import CatalogStore

_ANONYMOUS = "s3.anonymous"
_SCHEMES = tuple(f"{scheme}://" for scheme in OBJECTS)


@dataclass(frozen=True, slots=True)
class Objects:
    """How the objects below one address are reached. properties: as pyiceberg names them, with the
    secrets; a repr does not show them.
    """

    properties: Mapping[str, str] = field(repr=False)

    def system(self, bucket: str) -> Any:
        """The bucket as PyArrow's file system; its paths begin with the bucket."""
        from pyiceberg.io.pyarrow import PyArrowFileIO

        return PyArrowFileIO(dict(self.properties)).fs_by_scheme("s3", bucket)

    def options(self) -> dict[str, str]:
        """What Polars and deltalake take."""
        from polars.io.iceberg._dataset import _convert_iceberg_to_object_store_storage_options

        found = dict(_convert_iceberg_to_object_store_storage_options(dict(self.properties)))
        if "aws_region" not in found and "client.region" in self.properties:
            found["aws_region"] = self.properties["client.region"]
        if found.get("aws_endpoint_url", "").startswith("http://"):
            found["aws_allow_http"] = "true"
        if self.properties.get(_ANONYMOUS, "").lower() == "true":
            found["aws_skip_signature"] = "true"
        return found


def objects_at(store: CatalogStore, address: str) -> Objects:
    """How what is at an address is reached. Raises Unavailable, without secrets in the text, for
    keys that are named and cannot be had.
    """
    own = {key: str(value) for key, value in store.iceberg.properties.items()}
    of_tier = store.tiers.properties(address)
    known = {**own, **of_tier}
    words = ("s3.", "client.")
    return Objects(
        with_region({key: value for key, value in known.items() if key.startswith(words)})
    )


def is_object(file: object) -> bool:
    """Whether it is the address of an object, a prefix or a pattern of them."""
    return isinstance(file, str) and file.lower().startswith(_SCHEMES)


def address_of(text: str) -> str:
    """An address with the usual scheme, without a slash at its end. Raises BadRequest for one
    without a bucket.
    """
    _, _, place = text.partition("://")
    bucket = place.partition("/")[0]
    if not bucket or any(sign in bucket for sign in "*?["):
        raise BadRequest(
            f"{text} names no bucket.",
            "After s3:// comes the name of one bucket, then a prefix, an object or a pattern.",
            "For example: s3://lake/orders/",
        )
    return f"s3://{place.rstrip('/')}"
