"""Settings of books."""

from __future__ import annotations

from typing import ClassVar

from jupyter_mlinfra.core.settings import Section


class BookSettings(Section):
    """`[books]`"""

    TABLE: ClassVar[str] = "books"

    shelves: int = 3
    """Shelves of the library."""
