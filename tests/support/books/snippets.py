"""Code that opens books and binds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mlinfra.core.snippets import Snippets, joined, lines, literal, option, text

if TYPE_CHECKING:
    from jupyter_mlinfra.core.refs import Ref
    from jupyter_mlinfra.workbench import Workbench


def books(refs: Sequence[Ref]) -> Snippets:
    """Books, one after the other."""
    return joined(
        [
            lines(f"ml.workbench().books.show({text(ref.name)})", "books", "show", ref.name)
            for ref in refs
        ]
    )


def bind(bench: Workbench, *, titles: tuple[str, ...], into: str) -> Snippets:
    """Several books bound into one."""
    code = f"ml.workbench().books.bind({literal(titles)}, into={text(into)})"
    return lines(code, "books", "bind", *titles, options=option("--into", into))
