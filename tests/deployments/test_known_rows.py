"""Rows to fill a form with: of the log and of the sample, without what the project hides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.records import MASK
from jupyter_mlinfra.deployments import known_rows
from jupyter_mlinfra.deployments.logged import Input
from jupyter_mlinfra.deployments.packaging import Bundle
from jupyter_mlinfra.deployments.runtime.journal import Journal

NAMES, TYPES = ["age", "ssn", "member"], ["long", "string", "boolean"]
SAMPLE = [[30, "000", True], [40, "000", False]]


def bundle() -> Bundle:
    """As much of one as this reads."""
    facts: dict[str, Any] = dict.fromkeys(Bundle.__dataclass_fields__, None)
    columns = [
        Input(name=name, type=type, optional=False) for name, type in zip(NAMES, TYPES, strict=True)
    ]
    sample = {"names": NAMES, "ndarray": SAMPLE}
    given = {"columns": columns, "layout": "columns", "sample": sample, "features": {}}
    return Bundle(**{**facts, **given})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two requests that were answered, one of which a shadow has answered too."""
    head = {"deployment": "f", "version": "v1", "names": NAMES, "types": TYPES}
    journal = Journal(tmp_path, {**head, "categories": [[], ["078-05"], []]})
    for number, shadow in ((1, False), (2, False), (2, True)):
        entry = {"k": "p", "id": f"r{number}", "u": f"u{number}", "ts": float(number), "ms": 1.0}
        row = [50.0 + number, 0, 1.0]
        journal.put({**entry, "st": 200, "x": [row], "y": [0.5], **({"sh": 1} if shadow else {})})
    journal.close()
    return tmp_path


def shown(log: Path, masked: Sequence[str], limit: int = 9) -> list[tuple[str, list[Any]]]:
    found = known_rows.of(bundle(), log, limit, masked)
    return [(item.id or item.origin, list(item.row.values())) for item in found]


def test_logged_rows_come_first_as_a_request_gives_them_and_each_once(log: Path) -> None:
    logged = [("r2", [52, "078-05", True]), ("r1", [51, "078-05", True])]
    sample = [("sample", row) for row in SAMPLE]
    assert shown(log, []) == [*logged, *sample]
    assert shown(log, [], limit=3) == [*logged, sample[0]]
    assert shown(log, [], limit=2) == [logged[0], sample[0]]


@pytest.mark.parametrize("masked", [["ssn"], ["s*"], ["other", "*"]], ids=str)
def test_what_the_project_hides_is_neither_in_the_sample_nor_are_logged_rows_shown(
    log: Path, masked: list[str]
) -> None:
    expected = [[MASK] * 3] * 2 if "*" in masked else [[30, MASK, True], [40, MASK, False]]
    assert shown(log, masked) == [("sample", row) for row in expected]


def test_what_the_project_hides_of_other_models_hides_nothing_here(log: Path) -> None:
    assert shown(log, ["salary"])[0][0] == "r2"
