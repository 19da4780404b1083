"""How the faces ask for values that are masked: an option, a parameter, a right.

An administrator grants the right as the action `read` on the resource `mlinfra:catalog-pii`. At the
command line and in a notebook `[catalog] reveal` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import Forbidden
from ..core.viewer import Reveal, Viewer

if TYPE_CHECKING:
    from .handler import Handler
    from .session import Session

RESOURCE = "catalog-pii"


def viewer_of(handler: Handler, reveal: bool) -> Reveal:
    """Who asks over REST to see masked values; False if `reveal` is. Raises Forbidden if the
    Jupyter server does not allow the user that.
    """
    if not reveal:
        return False
    if not handler.allowed("read", [RESOURCE]):
        raise Forbidden(
            "You may not see masked values.",
            f"The Jupyter server does not allow you to read mlinfra:{RESOURCE}.",
            "Ask whoever runs the server for that right, or look without revealing them.",
        )
    if handler.viewer is None:
        user = handler.current_user
        # Who signs in by a token has no name but one that Jupyter makes up.
        name = "" if user.name.startswith("Anonymous ") else user.username
        handler.viewer = Viewer("rest", name)
    return handler.viewer


def viewer_if_allowed(handler: Handler) -> Reveal:
    """Who asks over REST for what may show masked values; False if he may not see them."""
    return viewer_of(handler, bool(handler.allowed("read", [RESOURCE])))


def viewer_here(session: Session, reveal: bool) -> Reveal:
    """Who asks at the command line or in a notebook; False if `reveal` is."""
    return Viewer(session.face) if reveal else False


def revealing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--reveal` of a verb that shows values."""
    import click

    return click.option(
        "--reveal", is_flag=True, help="Show masked values; who did is recorded for good."
    )(function)
