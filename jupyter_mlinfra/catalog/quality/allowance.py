"""How many rows may fail a rule: `id not null, failed rows must be < 5 %`.

Source: the library's metrics of ODCS 3.1, such as `mustBeLessThan: 5` with `unit: percent`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from ...core.errors import BadRequest
from .statements import NUMBER, SIGNS, Must

_TAIL = re.compile(r"\s*[,;]\s*failed\s+rows\s+must\s+(?P<said>[^\"']*)\Z", re.IGNORECASE)
_SAID = re.compile(rf"be\s*(<=|<)\s*({NUMBER})\s*(%|percent|rows?)?\s*", re.IGNORECASE)
_FIX = (
    "For example: id not null, failed rows must be < 5 % (or: must be <= 10 rows). Without such"
    " words no row may fail."
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the number of rows that fail must be. percent: of the rows that were looked at."""

    must: Must
    percent: bool

    def holds(self, failed: int, rows: int) -> bool:
        """Whether so many of these rows may fail."""
        if not failed:
            return True
        return self.must.holds(Decimal(100 * failed) / rows if self.percent else failed)

    @property
    def text(self) -> str:
        """Its words, which `split` reads; none where no row may fail."""
        if self == NONE:
            return ""
        return f", failed rows {self.must.text}{' %' if self.percent else ''}"


NONE = Allowance(Must("mustBe", (0,)), percent=False)


def split(text: str) -> tuple[str, Allowance]:
    """A rule's words without those about how many rows may fail, and what these say. Raises
    BadRequest if they say nothing that can be asked.
    """
    if (found := _TAIL.search(text)) is None:
        return text, NONE
    said = _SAID.fullmatch(found["said"])
    if said is None:
        raise BadRequest(
            f"{found['said'].strip()[:80]!r} does not say how many rows may fail.", fix=_FIX
        )
    unit = (said[3] or "rows").lower()
    percent = unit in ("%", "percent")
    return text[: found.start()], allowance(SIGNS[said[1]], float(said[2]), percent=percent)


def has_allowance(text: str) -> bool:
    """Whether words end as those about how many rows may fail do."""
    return _TAIL.search(text) is not None


def allowance(operator: str, value: object, *, percent: bool) -> Allowance:
    """What an operator of the standard lets fail. Raises BadRequest for what could never hold,
    or never fail, and for rows that have to fail.
    """
    if operator == "mustBeBetween" and isinstance(value, list) and len(value) == 2 and not value[0]:
        operator, value = "mustBeLessOrEqualTo", value[1]
    operator = operator.replace("ThanOr", "Or")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{value!r:.40} is not a number of rows.", fix=_FIX)
    if not value and operator in ("mustBe", "mustBeLessOrEqualTo"):
        return NONE
    if operator not in ("mustBeLessThan", "mustBeLessOrEqualTo"):
        raise BadRequest(f"It asks for rows that fail ({operator}: {value!r:.40}).", fix=_FIX)
    is_less = operator == "mustBeLessThan"
    if not percent and value == 1 and is_less:
        return NONE
    whole = int(value) if float(value).is_integer() else value
    too_many = percent and (value > 100 or (value == 100 and not is_less))
    if value < 0 or (is_less and not value) or too_many or not (percent or isinstance(whole, int)):
        raise BadRequest(
            f"{value:g}{' %' if percent else ''} is not a number of rows that may fail.",
            "A share is above 0 and below 100 %, a number of rows is whole.",
            _FIX,
        )
    return Allowance(Must(operator, (whole,)), percent)
