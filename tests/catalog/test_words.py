"""The words and shapes that scripts rely on, typed in a fresh project as a user types them."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.cli.app import main

CSV = "id,amount,at\n" + "".join(f"{n},{n}.5,2026-01-{n:02d}T00:00\n" for n in range(1, 31))
REPORT = {"rows_written", "rows_updated", "quarantined", "quarantine", "snapshot", "schema"}


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[str], Any]:
    """Type a line in a folder in which `mlinfra init` was typed: its answer, as JSON."""
    for name in [name for name in os.environ if name.startswith("MLINFRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def typed(line: str) -> Any:
        with pytest.raises(SystemExit) as ended:
            main([*shlex.split(line), "--json"])
        out, err = capfd.readouterr()
        assert ended.value.code == 0, (line, out, err)
        return json.loads(out)

    typed("init .")
    return typed


def some(answer: Any, **facts: Any) -> None:
    """The answer has these facts."""
    assert {name: answer[name] for name in facts} == facts


def test_each_verb_of_the_catalog_answers_in_its_shape(
    typed: Callable[[str], Any], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(f"{CSV}x,1,2026-01-01T00:00\n")
    (tmp_path / "b.csv").write_text("id,amount,at\n2,99,2026-01-02T00:00\n50,1,2026-02-02T00:00\n")
    with sqlite3.connect(tmp_path / "shop.db", autocommit=True) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, v TEXT)")
        shop.execute("INSERT INTO orders VALUES (1, 'a'), (2, 'b')")

    settings = tmp_path / "mlinfra.toml"
    tier = f'\n[catalog.tiers.cold]\nwarehouse = "{tmp_path / "cold"}"\n'
    settings.write_text(settings.read_text() + tier)

    trial = typed("catalog ingest a.csv --into shop.t --schema amount=f64 --dry-run")
    some(trial, rows_written=30, quarantined=1, quarantine=None, snapshot=None)
    first = typed("catalog ingest a.csv --into shop.t --schema amount=f64 --schema at=ts[us]")
    assert first.keys() >= REPORT
    some(first, rows_written=30, rows_updated=0, quarantined=1, quarantine="quarantine.shop__t")
    some(first, schema={"id": "i64", "amount": "f64", "at": "ts[us]"})
    lost = typed("catalog ingest a.csv --into shop.t")  # as if its answer had been lost
    some(lost, rows_written=0, snapshot=first["snapshot"])
    upsert = typed("catalog ingest b.csv --into shop.t --mode upsert --key id")
    some(upsert, rows_written=2, rows_updated=1)
    line = "catalog ingest sqlite:///shop.db#orders --into shop.o --cursor id"
    some(typed(line), rows_written=2)
    shop.execute("INSERT INTO orders VALUES (3, 'c')")
    some(typed(line), rows_written=1)
    shop.close()
    typed("catalog ingest b.csv --into shop.o2 --mode append")
    some(typed("catalog ingest b.csv --into shop.o2 --mode replace"), rows_written=2)

    for tier in ("footer", "sample", "exact"):
        profile = typed(f"catalog profile shop.t --tier {tier}")
        assert (profile["rows"], isinstance(profile["files_read"], int)) == (31, True)
        amount = profile["columns"]["amount"]
        assert amount.keys() >= {"type", "nulls", "distinct", "min", "max", "mean", "std"}
        assert amount.keys() >= {"quantiles", "top", "basis"}
        assert set(amount["basis"].values()) <= {"exact", "approximate", "sample"}
    some(amount, type="f64", nulls=0, min=1.0, max=99.0, distinct=31)
    assert (amount["quantiles"]["0.5"], amount["top"][0][1]) == (16.5, 1)

    snapshots = [item["id"] for item in typed("catalog snapshots shop.t")["items"]]
    assert {first["snapshot"], upsert["snapshot"]} <= set(snapshots)
    between = f"catalog diff shop.t {first['snapshot']} {upsert['snapshot']}"
    some(typed(between), added=2, removed=1)
    diff = typed(f"{between} --key id")
    some(diff, added=1, removed=0, changed=1)
    assert "schema" in diff
    restored = typed(f"catalog restore shop.t {first['snapshot']}")
    some(restored, rows=30, restored_from=first["snapshot"])

    assert typed("catalog tag shop.t gold")["tags"] == ["gold"]
    assert [hit["ref"] for hit in typed("catalog search amount --tag gold")["items"]]
    some(typed("catalog show shop.t")["dataset"], name="shop.t", tags=["gold"])
    assert any(edge["input"] == "file:a.csv" for edge in typed("catalog lineage shop.t")["items"])
    typed("catalog compact shop.t")
    some(typed("catalog move shop.t --tier cold"), tier="cold")

    answer = typed("catalog sql 'SELECT id, amount FROM shop.t WHERE id = $id' -p id=2")
    some(answer, columns=["id", "amount"], rows=[[2, 2.5]])

    typed("catalog rule shop.t 'id not null'")
    typed("catalog contract shop.t export c.yaml")
    typed("catalog contract shop.t import c.yaml")
    (rule,) = typed("catalog quality shop.t")["rules"]
    some(rule, rule="id not null", passed=True, failed_rows=0)
    assert "sample" in rule
