"""How a handle is displayed in a cell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ..core.errors import MLInfraError
from ..widgets.fault import ErrorCard
from ..widgets.reprs import bundle


class Shown(ABC):
    """A handle that shows its record, or why there is none."""

    @abstractmethod
    def _shown(self) -> Any: ...

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        try:
            return bundle(self._shown())
        except MLInfraError as error:
            return ErrorCard(error)._repr_mimebundle_()
