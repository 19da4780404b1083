"""An error in a cell: a card of three lines and a failed cell, without our traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from ..core.errors import MLInfraError
from ..widgets.fault import ErrorCard


def explained[**P, T](function: Callable[P, T]) -> Callable[P, T]:
    """Show an error of the workbench as a card. The cell still fails, so that a notebook that runs
    unattended stops there.
    """

    @wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> T:
        try:
            return function(*args, **named)
        except MLInfraError as error:
            from IPython.display import display

            display(ErrorCard(error))
            # IPython asks the exception for its traceback; the card has shown everything except
            # what readers of a log need.
            line = f"{type(error).__name__}: {error.what}"
            error._render_traceback_ = lambda: [line]  # type: ignore[method-assign]
            raise

    return call
