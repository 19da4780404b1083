"""The errors of the workbench: what happened, why, and how to fix it.

MLInfraError              500  internal
├── BadRequest            400  bad_request     the words or values given cannot be used
├── Forbidden             403  forbidden       the user may not do this
├── NotFound              404  not_found       no object of that name
├── Conflict              409  conflict        the object's state does not allow it
├── TooLarge              413  too_large       a limit was passed
├── Unprocessable         422  unprocessable   a file or payload is broken
└── Unavailable           503  unavailable     something needed is missing, full or down
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from .passwords import without_passwords


class MLInfraError(Exception):
    """What failed, why, and how to fix it. Every interface shows the three apart, and none shows a
    password that is part of an address.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = map(without_passwords, (what, why, fix))
        # Args equal the parameters, so workers can pickle it.
        super().__init__(self.what, self.why, self.fix)

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.fix) if part)

    def _render_traceback_(self) -> list[str]:
        """IPython asks for what it shows of the error."""
        from .tracebacks import users_traceback

        return users_traceback(self)

    def to_json(self) -> dict[str, str]:
        """The body that REST, CLI and panels share."""
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix}


class BadRequest(MLInfraError):
    """The words or values given cannot be used."""

    status, code = 400, "bad_request"


class Forbidden(MLInfraError):
    """The user may not do this."""

    status, code = 403, "forbidden"


class NotFound(MLInfraError):
    """No object of that name."""

    status, code = 404, "not_found"


class Conflict(MLInfraError):
    """The object's state does not allow it."""

    status, code = 409, "conflict"


class TooLarge(MLInfraError):
    """A limit was passed."""

    status, code = 413, "too_large"


class Unprocessable(MLInfraError):
    """A file or payload is broken."""

    status, code = 422, "unprocessable"


class Unavailable(MLInfraError):
    """Something that is needed is missing, full or down."""

    status, code = 503, "unavailable"


def tried(action: Callable[[], object]) -> list[MLInfraError]:
    """Run `action`; return what it raised, for `raise_all`, so that the next step runs too."""
    try:
        action()
    except MLInfraError as error:
        return [error]
    return []


def raise_all(errors: Sequence[MLInfraError], what: str = "") -> None:
    """Raise what failed while all parts were tried: a single error as it is; several different
    ones, or any under `what`, as one that lists them.
    """
    different = {str(error): error for error in errors}.values()
    if len(different) == 1 and not what:
        raise errors[0]
    if different:
        why = " ".join(f"{error.what} {error.why}".strip() for error in different)
        fixes = dict.fromkeys(error.fix for error in different if error.fix)
        raise Unavailable(what or "Several things failed.", why, " ".join(fixes)) from errors[0]
