"""What goes wrong with a dataset is seen and put right over REST, with a real catalog: a damaged
file, rows that did not fit, rules from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.cli.app import run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project
from tests.server.test_access import DenyOne


@pytest.fixture
def catalog(project: Project) -> Catalog:
    return Catalog(project)


@pytest.fixture
def mended(catalog: Catalog, project: Project) -> Catalog:
    """`shop.orders` has one row; another one is in quarantine."""
    (project.root / "a.csv").write_text("id,price\n1,2.5\n2,cheap\n")
    catalog.ingest(
        [project.root / "a.csv"], into="shop.orders", types={"price": "f64"}, max_bad=1.0
    )
    return catalog


async def test_what_a_verification_found_is_told_until_the_file_is_back(
    catalog: Catalog, project: Project, ask: Callable[..., Any]
) -> None:
    address = "catalog/datasets/t.a/verify"
    catalog.write(pl.DataFrame({"id": [1, 2]}), into="t.a")
    assert (await ask(address)).value == {
        "dataset": "t.a",
        "at": None,
        "found": None,
        "still_out": [],
    }
    (file,) = project.home.glob("warehouse/**/*.parquet")
    intact = file.read_bytes()
    file.write_bytes(bytes([*intact[:9], intact[9] ^ 1, *intact[10:]]))
    words = ["catalog", "verify", "t.a"]
    assert "damaged" in str(run(words, Session(str(project.root))).error)
    seen = (await ask(address)).value
    assert [Path(item["file"]).name for item in seen["found"]["damaged"]] == [file.name]
    assert (seen["at"] is not None, seen["still_out"]) == (True, [])
    catalog.set_aside("t.a")
    seen = (await ask(address)).value
    assert [Path(item).name for item in seen["still_out"]] == [file.name]
    assert (seen["found"]["set_aside"], seen["found"]["rows_lost"]) == (seen["still_out"], 2)
    file.write_bytes(intact)
    catalog.put_back("t.a")
    seen = (await ask(address)).value
    assert (seen["still_out"], seen["found"]["damaged"]) == ([], [])
    assert (await ask("catalog/datasets/no.thing/verify")).code == 404


async def test_a_damaged_note_of_a_verification_counts_as_none(
    catalog: Catalog, project: Project, ask: Callable[..., Any]
) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    catalog.verify("t.a")
    (note,) = project.home.glob("verified/*.json")
    for text in ("", "[]", json.dumps({"format": 1, "at": 3, "found": {"dataset": "t.a"}})):
        note.write_text(text)
        assert (await ask("catalog/datasets/t.a/verify")).value["found"] is None


async def test_rows_that_did_not_fit_go_into_a_file_of_the_project_by_either_name(
    mended: Catalog, project: Project, ask: Callable[..., Any]
) -> None:
    address = "catalog/datasets/quarantine.shop__orders/mend"
    answer = await ask(f"{address}/export", {"file": "bad.csv"})
    assert answer.value == {"dataset": "quarantine.shop__orders", "file": "bad.csv", "rows": 1}
    file = project.root / "bad.csv"
    assert file.read_text() == "id,price\n2,cheap\n"
    again = await ask("catalog/datasets/shop.orders/mend/export", {"file": "bad.csv"})
    assert (again.code, file.read_text()) == (409, "id,price\n2,cheap\n")
    file.write_text("id,price\n2,7.5\n")
    assert mended.mend("quarantine.shop__orders", file).rows_written == 1
    assert sorted(mended.dataset("shop.orders").scan().collect().rows()) == [(1, 2.5), (2, 7.5)]


async def test_a_table_with_rows_of_two_datasets_does_not_say_whose_are_meant(
    mended: Catalog, project: Project
) -> None:
    # `a.b__c` and `a__b.c` share a table.
    for name in ("a.b__c", "a__b.c"):
        mended.ingest([project.root / "a.csv"], into=name, types={"price": "f64"}, max_bad=1.0)
    with pytest.raises(Conflict, match="several datasets"):
        mended.export_quarantine("quarantine.a__b__c", project.root / "b.csv")


async def test_masked_rows_leave_quarantine_only_for_who_may_see_them(
    mended: Catalog, project: Project, ask: Callable[..., Any], jp_serverapp: Any
) -> None:
    mended.tag("column:shop.orders.price", add=["pii"])
    jp_serverapp.web_app.settings["authorizer"] = authorizer = DenyOne(parent=jp_serverapp)
    authorizer.asked, authorizer.resource = [], "mlinfra:catalog-pii"
    address = "catalog/datasets/shop.orders/mend/export"
    assert (await ask(address, {"file": "bad.csv"})).code == 403
    assert not (project.root / "bad.csv").exists()
    mended.rule("shop.orders", "price >= 3", severity="warn")
    mended.export_contract("shop.orders", project.root / "o.yaml")
    contract = "catalog/datasets/shop.orders/contract/import"
    refused = (await ask(contract, {"file": "o.yaml"})).value
    assert "masked" in next(line for line in refused["left_out"] if "price" in line)
    authorizer.resource = "other"
    assert (await ask(contract, {"file": "o.yaml"})).value["rules"] > refused["rules"]
    assert (await ask(address, {"file": "bad.csv"})).code == 200
    assert mended.audit("quarantine.shop__orders").items[0].verb == "mend"


async def test_a_contract_goes_to_a_file_and_comes_from_one(
    mended: Catalog, project: Project, ask: Callable[..., Any]
) -> None:
    mended.rule("shop.orders", "id not null")
    address = "catalog/datasets/shop.orders/contract"
    assert (await ask(f"{address}/export", {"file": "orders.yaml"})).value["rules"] == 1
    content = yaml.safe_load((project.root / "orders.yaml").read_text())
    assert content["kind"] == "DataContract"
    mended.remove_rule("shop.orders", "id not null")
    assert (await ask(f"{address}/import", {"file": "orders.yaml"})).value["rules"] >= 1
    assert "id not null" in [item.rule.text for item in mended.rules("shop.orders").rules]
    assert (await ask(f"{address}/export", {"file": "orders.yaml"})).code == 409


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("../x.yaml", 403),
        (".mlinfra/x.yaml", 403),
        ("link.yaml", 403),
        ("none/x.yaml", 404),
        ("x" * 300, 400),
    ],
)
async def test_a_request_names_only_files_of_the_project(
    mended: Catalog, project: Project, ask: Callable[..., Any], tmp_path: Path, file: str, code: int
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project.root / "link.yaml").symlink_to(outside / "new.yaml")
    for verb in ("contract/export", "contract/import", "mend/export", "mend"):
        answer = await ask(f"catalog/datasets/shop.orders/{verb}", {"file": file})
        # What is there not, and not outside either, is not found.
        assert answer.code in {code, 404} - {404 if code == 403 else 0}, (verb, answer)
    assert list(outside.iterdir()) == []


async def test_only_a_number_is_purged(catalog: Catalog, ask: Callable[..., Any]) -> None:
    answer = await ask("catalog/trash/shop.orders/purge", {})
    assert (answer.code, "no number" in answer.value["message"]) == (400, True)
