"""What cannot be read in place, as what, why and fix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ...core.errors import MLInfraError, NotFound, Unprocessable
from ..stores.objects import is_object
from ..stores.refusals import refusal


def no_delta(location: str) -> NotFound:
    """The error for a folder without a Delta table."""
    return NotFound(
        f"There is no Delta table in {location}.",
        "It has no log (`_delta_log`).",
        "Look where it is now, delete this name, and register it there.",
    )


@contextlib.contextmanager
def explained_files(location: str, *, hides: bool = False) -> Iterator[None]:
    """Turn what fails while files are read in place into what, why and fix. hides: values in them
    are masked, so that nothing is repeated of what the reader says.
    """
    import polars as pl

    try:
        yield
    except MLInfraError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        known = isinstance(
            error, OSError | ValueError | pl.exceptions.PolarsError | pl.exceptions.PanicException
        )
        if not known and type(error).__module__.partition(".")[0] not in ("deltalake", "_internal"):
            raise
        if type(error).__name__ == "TableNotFoundError":
            raise no_delta(location) from error
        what = f"{location} cannot be read."
        if is_object(location) and (refused := refusal(error, what, location)):
            raise refused from error
        why = "" if hides else str(error).partition(chr(10))[0][:300]
        raise Unprocessable(
            what,
            f"{type(error).__name__}: {why}".removesuffix(": "),
            "Look at the files; they are read in place, so what happens to them shows here.",
        ) from error
