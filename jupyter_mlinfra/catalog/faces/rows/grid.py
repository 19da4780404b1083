"""How the rows of a grid are shown."""

from __future__ import annotations

from ....faces.cards import Card, card
from ...grid.spec import GridBlock
from .reading import row_block


@card(GridBlock)
def _grid_block(item: GridBlock) -> Card:
    return row_block(item)
