"""Errors of an online store, as those of a store and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...core.errors import MLInfraError, Unavailable
from ...core.passwords import without_passwords
from ...core.sqlite import fix_of, sqlite_error
from ..feast_errors import told


class NoAnswer(Unavailable):
    """The online store failed, whatever it was asked."""


@contextmanager
def answering() -> Iterator[None]:
    """Turn an error of the block, which only asks the online store, into NoAnswer."""
    try:
        yield
    except MLInfraError:
        raise
    except ImportError as error:
        raise told("The online store cannot be used.", error) from error
    except Exception as error:  # each store raises errors of its own library
        fix = (cause := sqlite_error(error)) and fix_of(cause)
        if type(error).__name__ == "TimeoutError":
            fix = "Look at its server; socket_timeout in connection_string sets the seconds."
        raise NoAnswer(
            "The online store did not answer.",
            f"{without_passwords(str(error)).rstrip('.')}.",
            fix or "Start it, or correct online_store in feature_store.yaml.",
        ) from error
