"""`mlinfra books …`"""

from __future__ import annotations

from typing import Any

from jupyter_mlinfra.faces.cli import Noun, paged
from jupyter_mlinfra.faces.session import Session

books = Noun("books", "Books.")


@books.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Books by title."""
    return session.bench.books.list(**options)
