"""Statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ....faces.handler import Handler
from ....faces.reveal import viewer_of
from .rights import check_readable, read

if TYPE_CHECKING:
    from ...spec import Profile


class DatasetProfile(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        tier: Literal["footer", "sample", "exact"] = "sample",
        reveal: bool = False,
    ) -> Profile:
        """Statistics of each column, each with its basis; stored per snapshot. `reveal` needs the
        right to read `mlinfra:catalog-pii`, and is recorded.
        """
        name = check_readable(self, name)
        return self.bench.catalog.profile(name, tier=tier, reveal=viewer_of(self, reveal))


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/profile": DatasetProfile,
}
