"""The verbs about data contracts (ODCS 3)."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import NotFound
from ...core.viewer import Reveal
from ..quality.spec import Contract, Rule
from .base import whole
from .quality import QualityVerbs


class ContractVerbs(QualityVerbs):
    """The rules of a dataset as a file; a base of `Catalog`."""

    def export_contract(self, name: str, file: str | Path) -> Contract:
        """Write the columns and rules of a dataset as a data contract (ODCS 3.1, YAML). What cannot
        be said there is in `left_out`. Raises Conflict if the file exists.
        """
        from ..quality.contracts import write_contract

        dataset = whole(name)
        detail = self._tables.find(dataset).detail()
        rules = self._rules.rules(dataset.text)
        return write_contract(Path(file), detail, rules)

    def import_contract(self, name: str, file: str | Path, *, reveal: Reveal = True) -> Contract:
        """Give a dataset the rules of a data contract (ODCS 3, YAML or JSON), or of a schema that
        pandera wrote (`to_yaml`). Rules with the same
        names are replaced, others stay. What has no meaning here is in `left_out`, and so is what
        tells of masked values which he who imports (`reveal`) may not see.

        Raises Unprocessable for a file that is no data contract, and BadRequest if it has several
        tables and none is called like the dataset.
        """
        from ..quality.contracts import read_contract
        from ..quality.screening import said

        dataset = whole(name)
        try:
            columns = [column.name for column in self._tables.find(dataset).detail().schema]
        except NotFound:
            columns = []
        found = read_contract(Path(file), dataset, user=self._project.user, columns=columns)
        kept, left_out = list[Rule](), list(found.left_out)
        for rule, check in found.rules:
            try:
                self._check_askable(dataset, check)
                self._check_telling(dataset, check, reveal)
            except Exception as error:  # noqa: BLE001 - one rule must not keep out the others
                left_out.append(f"{rule.rule}: {said(error)}")
            else:
                kept.append(rule)
        self._put(kept)
        return Contract(dataset=dataset.text, file=str(file), rules=len(kept), left_out=left_out)
