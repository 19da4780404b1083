"""A list of runs on an MLflow server, which does as much as it can: it filters, orders and
pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest
from .facts import FoundRuns, RunFacts

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE = 1000
_CURSOR = re.compile(r"(\d{1,15})\.(\d{1,3})\.([\w=+/-]*)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a part of a list begins. listed: items of earlier parts. token: of MLflow's page, in
    which `skip` items are skipped.
    """

    listed: int = 0
    skip: int = 0
    token: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> _Position:
        if not cursor:
            return cls()
        match = _CURSOR.match(cursor)
        if match is None:
            raise BadRequest(
                f"cursor {cursor[:40]!r} is not one of this list.",
                fix="Use the cursor of the last answer, with the same filter and order.",
            )
        return cls(int(match[1]), int(match[2]), match[3])

    def __str__(self) -> str:
        return f"{self.listed}.{self.skip}.{self.token}"


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs of some experiments that pass an MLflow filter."""

    client: MlflowClient
    experiments: Sequence[str]
    where: str = ""

    def every(self) -> Iterator[Any]:
        """All runs, newest first."""
        token = None
        while True:
            page = self._page(None, _PAGE, token)
            yield from page
            token = page.token
            if not token:
                return

    def part(
        self,
        order: list[str],
        passing: Callable[[Any], RunFacts | None],
        cursor: str | None,
        count: int,
        *,
        exact: bool,
    ) -> FoundRuns:
        """`count` runs from the cursor on, in MLflow's order. exact: `passing` rejects nothing, so
        no more is read than is shown.

        MLflow names a next page wherever this one is full, so the last part of a list may be empty.
        """
        start = _Position.read(cursor)
        runs: list[RunFacts] = []
        size = count if exact else max(count, _PAGE // 5)
        token, skip = start.token, start.skip
        while True:
            # Not larger than the page in which the last part ended, or each part would read more.
            page = self._page(order, max(size, skip + 1), token)
            following = _text(page.token)
            for index, run in enumerate(page):
                facts = passing(run) if index >= skip else None
                if facts is not None:
                    runs.append(facts)
                if len(runs) == count:
                    listed = start.listed + count
                    next_position = (
                        _Position(listed, 0, following)
                        if index + 1 == len(page)
                        else _Position(listed, index + 1, token)
                    )
                    return FoundRuns(
                        runs=runs,
                        total=listed,
                        cursor=str(next_position)
                        if next_position.skip or next_position.token
                        else None,
                        more=bool(next_position.skip or next_position.token),
                    )
            token, skip = following, 0
            if not token:
                return FoundRuns(runs=runs, total=start.listed + len(runs))

    def _page(self, order: list[str] | None, size: int, token: str | None) -> Any:
        return self.client.search_runs(
            list(self.experiments),
            self.where,
            max_results=size,
            order_by=order,
            page_token=token or None,
        )


def _text(token: str | bytes | None) -> str:
    """An MLflow token: a server sends text, a database bytes."""
    return token.decode("ascii") if isinstance(token, bytes) else token or ""
