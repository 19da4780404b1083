"""Rules of a dataset, in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..names import DatasetName
    from ..quality.spec import Quality, QualityReport, Rule, Severity
    from ..service import Catalog


class Rules:
    """A base of `Table`."""

    _catalog: Catalog
    _name: DatasetName

    def rule(self, text: str, *, severity: Severity = "block", as_: str = "") -> Rule:
        """Give it a rule in words, such as `id not null`; see `Catalog.rule`."""
        return self._catalog.rule(self._name.text, text, severity=severity, as_=as_)

    def rules(self) -> Quality:
        """Its rules with their newest results, and whether it is late or short."""
        return self._catalog.rules(self._name.text)

    def quality(self) -> QualityReport:
        """Run all of its rules over all rows that `scan()` reads, and keep the results."""
        return self._catalog.quality(self._pinned_name())

    def _pinned_name(self) -> str:
        raise NotImplementedError
