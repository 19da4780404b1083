"""What a job needs, as a body of REST has it: made from its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from ...faces.parameters import Interval, Name
from .. import needs_of

if TYPE_CHECKING:
    from ..needs import Need


def _type(need: Need) -> Any:
    """Its type, with limits and with what the schema says of it."""
    number = int if need.kind == "whole" else float
    least = {"gt" if need.kind == "number" else "ge": need.least}
    kind: Any = Name if need.kind == "word" else Annotated[number, Interval(le=need.most, **least)]
    return Annotated[kind | None if need.optional else kind, need]


FIELDS: dict[str, Any] = {need.name: _type(need) for need in needs_of()}
"""The type of each need in a body."""

if TYPE_CHECKING:

    class NeedsBody(TypedDict, total=False):
        """The needs of a job; by themselves they are those of who says nothing."""

else:
    NeedsBody = TypedDict("NeedsBody", FIELDS, total=False)
