"""What Feast, its stores and the code of a user raise, as errors that say what, why and how to mend
it: the one place where they are translated.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MLInfraError,
    NotFound,
    Unavailable,
    Unprocessable,
)
from ..core.files import explain_os_error, without_values
from ..core.imports import fix_of_missing
from ..core.passwords import without_passwords
from ..core.sqlite import fix_of, sqlite_error
from .load_fixes import fix_of_store
from .repo import OFFLINE_STORE, YAML

_LONGEST = 500  # characters of a cause
_REPORT = "Report it if it happens again: the answer of the library was not expected."

_CLIENTS = {
    "sqlalchemy",
    "psycopg",
    "psycopg2",
    "pymysql",
    "grpc",
    "redis",
    "botocore",
    "google",
    "requests",
    "urllib3",
}

_KINDS: dict[str, tuple[type[MLInfraError], str]] = {
    "RequestDataNotFoundInEntityDfException": (
        BadRequest,
        "Add that column to the entity rows.",
    ),
    "FeatureNameCollisionError": (BadRequest, "Ask with full_names=True."),
    "FeastEntityDFMissingColumnsError": (BadRequest, "Add these columns to the entity rows."),
    "EntityDFNotDateTime": (BadRequest, "Give the entity rows a column of times."),
    "FeastOfflineStoreUnsupportedDataSource": (
        Conflict,
        f"Set `offline_store` in {YAML} to a store that reads this source.",
    ),
    "FeastPermissionError": (Forbidden, "Ask who administers the registry for this right."),
    "FeastObjectNotFoundException": (
        NotFound,
        "mlinfra features list shows what there is; apply brings definitions in.",
    ),
    "FeastError": (Unprocessable, "Correct the definitions, then apply them again."),
}
"""By the name of an error of Feast: its kind here, and what a user can do."""


@contextmanager
def feast_errors(what: str, fix: str = "", *, telling: bool = True) -> Iterator[None]:
    """Turn what Feast raises inside the block into an error of ours; one of ours stays. what: the
    sentence that says what could not be done. fix: what to do about an unknown fault. telling:
    whether the text of an error may be told, which may quote values.
    """
    try:
        yield
    except BaseException as error:
        # A torn Parquet file makes Polars panic, and its panic is not an Exception.
        panic = type(error).__name__ == "PanicException"
        if isinstance(error, MLInfraError) or not (panic or isinstance(error, Exception)):
            raise
        raise told(what, error, fix, telling=telling) from (error if telling else None)


def told(what: str, error: BaseException, fix: str = "", *, telling: bool = True) -> MLInfraError:
    """The error for one of Feast or of a library below it; see `feast_errors`."""
    found = _explained(what, error, fix)
    return found if telling else type(found)(found.what, untold(error), found.fix)


def untold(error: BaseException) -> str:
    """Why something failed, where values are masked that the text of the error may quote."""
    return f"{type(error).__name__}; its text may hold values that are masked."


def _explained(what: str, error: BaseException, fix: str) -> MLInfraError:
    if (cause := sqlite_error(error)) and (known := fix_of(cause)):
        return Unavailable(what, _why(error), known)
    if found := unreachable(what, error) or _of_feast(what, error):
        return found
    if isinstance(error, FileNotFoundError):
        return NotFound(what, _why(error), "Write the file, or correct `path` in the definition.")
    if isinstance(error, OSError):
        return explain_os_error(error, what)
    if place := _own_code(error):
        fix = "Correct the code there, or the values that it gets."
        return Unprocessable(what, f"{place} raised {_why(error)}", fix)
    if fix:
        return Unprocessable(what, _why(error), fix)
    return MLInfraError(what, _why(error), _REPORT)


def unreachable(what: str, error: BaseException) -> Unavailable | None:
    """The error for a store that cannot be reached or loaded; None for another fault. Passwords are
    removed.
    """
    if isinstance(error, ImportError) or type(error).__name__.endswith("ImportError"):
        missing = error if isinstance(error, ImportError) else error.__context__
        name = getattr(missing, "name", "") or ""
        return Unavailable(what, _why(error), fix_of_store(error) or fix_of_missing(name))
    library = type(error).__module__.partition(".")[0]
    if library in _CLIENTS or isinstance(error, ConnectionError | TimeoutError):
        return Unavailable(
            what,
            _why(error),
            f"Start what `registry` and `online_store` in {YAML} name, or correct them there.",
        )
    return None


def store_fix(store: str) -> str:
    """What to do where an offline store of Feast fails. store: its name in feature_store.yaml."""
    return (
        f"Correct what it names; or take `offline_store` out of {YAML}, or set its type to"
        f" {OFFLINE_STORE}, which replaces {store}."
    )


def _of_feast(what: str, error: BaseException) -> MLInfraError | None:
    for kind in type(error).__mro__:
        if kind.__name__ in _KINDS and kind.__module__ == "feast.errors":
            ours, fix = _KINDS[kind.__name__]
            return ours(what, _text(error), fix)
    return None


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    line = without_passwords(without_values(str(error).strip().partition("\n")[0]))
    line = line[:_LONGEST].rstrip(".")
    return f"{line}."


def _own_code(error: BaseException) -> str:
    """Where the user's code raised it, such as the function of a view on demand; empty if none
    did. Of a function that the registry has, Feast runs the text, which is in no file.
    """
    ours = str(Path(__file__).parents[1]) + os.sep
    standard = os.path.dirname(os.__file__) + os.sep
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path, name = frame.filename, frame.name
        installed = "site-packages" in path or path.startswith((ours, standard))
        if os.path.isabs(path) and not installed:
            return f"{Path(path).name}, line {frame.lineno},"
        if path == "<string>" and not name.startswith(("_", "<")):
            return f"Line {frame.lineno} of {name}"
    return ""
