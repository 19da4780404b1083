"""What a team's catalog and storage need in addition: missing packages, a region or an account that
nobody set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from ..core.errors import BadRequest, Unavailable
from ..core.imports import fix_of_missing


def missing_driver(error: BaseException, what: str) -> Unavailable | None:
    """The error for a package that is not installed, however a library wrapped it; None if that is
    not the cause.
    """
    for cause in _causes(error):
        if isinstance(cause, ModuleNotFoundError):
            return Unavailable(
                what,
                f"{cause.name or 'A package'} is not installed.",
                fix_of_missing(cause.name or ""),
            )
        # SQLAlchemy raises this for a driver in the address that it does not know.
        if type(cause).__name__ == "NoSuchModuleError":
            fix = (
                "Correct [catalog] uri, for example to"
                " sql+postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
            )
            return Unavailable(what, f"{cause}.", fix)
    return None


def with_region(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties, with a region for an S3 endpoint that is named without one: otherwise PyArrow
    would ask AWS for the region of a bucket of this name.
    """
    if "s3.endpoint" not in properties or not {
        "s3.region",
        "client.region",
        "s3.resolve-region",
    }.isdisjoint(properties):
        return dict(properties)
    return {
        **properties,
        "s3.region": (
            os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        ),
    }


def check_account(properties: Mapping[str, str], warehouse: str) -> None:
    """Raise BadRequest for an Azure warehouse without a storage account: PyArrow would fail without
    saying why.
    """
    if re.match(r"(abfss?|wasbs?)://", warehouse) and {
        "adls.account-name",
        "adls.connection-string",
    }.isdisjoint(properties):
        fix = (
            'Write "adls.account-name" into [catalog.properties], and abfs://CONTAINER/FOLDER as'
            " warehouse."
        )
        raise BadRequest(
            "The storage account of [catalog] warehouse is not named.", f"It is {warehouse}.", fix
        )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
