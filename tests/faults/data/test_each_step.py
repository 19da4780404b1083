"""Verbs that change a dataset, killed before each step that it takes on disk, and an ingest
whose disk is full from each step on: the dataset is as it was or whole, the verb can be called
again and nothing is lost or doubled, and no file is left that the next write does not delete.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from steps import Place, Works

LONG = pytest.mark.timeout(1800)
SETTINGS = (
    '[jobs]\nwarm_kernels = 0\n[catalog.tiers.cold]\nwarehouse = "{}/cold"\n'
    '[features]\nas_of = "2026-03-05T00:00:00Z"\n'
)


@pytest.fixture
def works(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Works]:
    is_of_features = "[snapshot-" in request.node.name
    root = tmp_path / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text(SETTINGS.format(tmp_path))
    with Works("features_work" if is_of_features else "catalog_work", root) as works:
        yield works


EACH = ["ingest", "upsert", "compact", "move", "restore", "expire", "delete", "undelete"]
EACH += ["mend", "relocate", "snapshot"]
ENDED = {"mend": ("bad_request",)}
"""What else a verb may say that is called again when all was done: there is nothing to do."""


def faulty(works: Works, place: Place, verb: str, few: int, fault: str) -> Iterator[str]:
    """What is wrong after each fault. few: how many steps are tried; 0 for each. fault: `killed`
    before the step, or `full`: from the step on the disk is, for all that is made or grows.
    """
    before = works.told("seen")
    steps = works.run(verb).steps
    after = works.told("seen")
    assert before != after
    stride = -(-len(steps) // few) if few else 1
    for number in range(1 + stride // 2, len(steps) + 1, stride):
        where = f"{verb}, {fault} at step {number} of {len(steps)}, {steps[number - 1]}"
        place.again()
        run = works.run(verb, **{"kill_at" if fault == "killed" else "full_from": number})
        if fault == "killed" and not run.killed:
            yield f"{where}: it lived"
        if fault == "full" and run.error and run.code != "unavailable":
            yield f"{where}: not told as a full disk: {run.error}"
        ends = (before, after) if run.killed else (before,) if run.error else (after,)
        if _table(seen := works.told("seen")) not in map(_table, ends):
            yield f"{where}: neither as before nor whole: {seen}"
        again = works.run(verb)
        if again.error and again.code not in ("not_found", "conflict", *ENDED.get(verb, ())):
            yield f"{where}: cannot be called again: {again.error}"
        if _lasting(seen := works.told("seen")) != _lasting(after):
            yield f"{where}: lost or doubled: {seen}"
        if after["rows"] is not None and (left := works.told("left_over")):
            yield f"{where}: left {left}"


@pytest.mark.parametrize(
    ("verb", "few", "fault"),
    [
        ("ingest", 3, "killed"),
        ("undelete", 1, "killed"),
        pytest.param("ingest", 0, "full", marks=[pytest.mark.slow, LONG]),
        *(pytest.param(verb, 0, "killed", marks=[pytest.mark.slow, LONG]) for verb in EACH),
    ],
)
def test_a_verb_at_a_fault_has_done_all_or_nothing_and_can_be_called_again(
    works: Works, tmp_path: Path, verb: str, few: int, fault: str
) -> None:
    works.told(f"before_{verb}")
    assert list(faulty(works, Place(tmp_path), verb, few, fault)) == []


def test_what_a_killed_ingest_committed_stays_with_a_deleted_dataset_when_another_has_its_name(
    works: Works, tmp_path: Path
) -> None:
    works.told("before_ingest")
    place = Place(tmp_path)
    number = works.run("ingest").steps.index("failpoint catalog-committed") + 1
    place.again()
    assert works.run("ingest", kill_at=number).killed
    assert works.told("deleted_replaced_and_brought_back") == {"rows": 4, "quarantined": 1}


def _table(seen: dict[str, Any]) -> dict[str, Any]:
    """Without the rows in quarantine, which go with the next write or after the verb, and without
    another dataset, which is done after this one.
    """
    return {key: value for key, value in seen.items() if key not in ("quarantined", "other")}


def _lasting(seen: dict[str, Any]) -> dict[str, Any]:
    """Without the number of states: a verb that is called again may make one more."""
    return {key: value for key, value in seen.items() if key != "states"}
