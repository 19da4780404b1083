"""Masked values over REST: they leave the server only for who has the right to see them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from jupyter_server.auth import AllowAllAuthorizer

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import current

DOCS = Path(__file__).parents[2] / "docs" / "catalog.md"
SCOPE = "custom:mlinfra:pii:read"
CANARY = "canary-7f3a"
READS: list[tuple[str, Any]] = [
    ("catalog/datasets/hr.people/rows", None),
    ("catalog/datasets/hr.people/profile?tier=exact", None),
    ("catalog/datasets/hr.people/grid", {"sort": [{"column": "id", "descending": True}]}),
    ("catalog/sql", {"query": "SELECT * FROM hr.people"}),
]


@pytest.fixture
def people(project: Project) -> None:
    catalog = current().catalog
    catalog.write(pl.DataFrame({"id": [1, 2], "email": [CANARY, CANARY]}), into="hr.people")
    catalog.tag("column:hr.people.email", add=["pii"])


@pytest.fixture
def documented() -> type[AllowAllAuthorizer]:
    """The authorizer of the document for JupyterHub."""
    text = DOCS.read_text()
    begin = text.index("  # jupyter_server_config.py")
    code = textwrap.dedent(text[begin : text.index("  ```", begin)])
    settings = SimpleNamespace(ServerApp=SimpleNamespace())
    exec(code, {"c": settings})
    found: type[AllowAllAuthorizer] = settings.ServerApp.authorizer_class
    return found


def revealing(path: str, body: Any) -> tuple[str, Any]:
    if body is not None:
        return path, {**body, "reveal": True}
    return f"{path}{'&' if '?' in path else '?'}reveal=true", None


def hub(server: Any, documented: type[AllowAllAuthorizer]) -> list[str]:
    """Let the authorizer decide by these scopes of the user, as the hub's model of one has them."""
    scopes = list[str]()

    class Hub(documented):  # type: ignore[misc, valid-type]
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            described = SimpleNamespace(hub_user={"name": "eve", "scopes": scopes})
            return bool(super().is_authorized(handler, described, action, resource))

    server.web_app.settings["authorizer"] = Hub(parent=server)
    return scopes


async def test_a_scope_of_the_hub_decides_who_sees_masked_values(
    people: None,
    ask: Callable[..., Any],
    jp_serverapp: Any,
    documented: type[AllowAllAuthorizer],
) -> None:
    scopes = hub(jp_serverapp, documented)
    for path, body in READS:
        plain = await ask(path, body)
        assert plain.code == 200, path
        assert CANARY not in json.dumps(plain.value), path
        refused = await ask(*revealing(path, body))
        assert (refused.code, refused.value["error"]) == (403, "forbidden"), path
        assert CANARY not in json.dumps(refused.value), path
    assert (await ask("catalog/audit")).value["total"] == 0
    scopes.append(SCOPE)
    for path, body in READS:
        shown = await ask(*revealing(path, body))
        assert shown.code == 200, path
        assert CANARY in json.dumps(shown.value), path
    log = (await ask("catalog/audit?name=hr.people")).value
    assert [item["verb"] for item in log["items"]] == ["sql", "grid", "profile", "preview"]
    assert {item["face"] for item in log["items"]} == {"rest"}
    assert CANARY not in json.dumps(log)


async def test_the_tag_pii_is_taken_off_only_by_who_may_see_the_values(
    people: None, ask: Callable[..., Any], jp_serverapp: Any, documented: type[AllowAllAuthorizer]
) -> None:
    scopes = hub(jp_serverapp, documented)
    column = "catalog/datasets/hr.people/columns/email"
    refused = await ask(column, {"tags": ["plain"]})
    assert refused.code == 403
    assert "mlinfra:catalog-pii" in refused.value["why"]
    assert (await ask(column, {"tags": ["PII", "mail"], "description": "Where to"})).code == 200
    assert CANARY not in json.dumps((await ask("catalog/datasets/hr.people/rows")).value)
    assert (await ask("catalog/audit")).value["total"] == 0
    scopes.append(SCOPE)
    assert (await ask(column, {"tags": ["mail"]})).code == 200
    [entry] = (await ask("catalog/audit")).value["items"]
    assert (entry["verb"], entry["columns"], entry["face"]) == ("untag", ["email"], "rest")


async def test_rules_tell_nothing_of_masked_values_to_who_may_not_see_them(
    people: None, ask: Callable[..., Any], jp_serverapp: Any, documented: type[AllowAllAuthorizer]
) -> None:
    scopes = hub(jp_serverapp, documented)
    catalog = current().catalog
    catalog.write(pl.DataFrame({"guess": [CANARY]}), into="eve.guesses")
    ours, hers = "catalog/datasets/hr.people/rules", "catalog/datasets/eve.guesses/rules"
    words = 'email matches "^canary"'
    for path, rule in ((ours, words), (hers, "guess references hr.people.email")):
        refused = await ask(path, {"add": rule, "severity": "warn"})
        assert (refused.code, refused.value["error"]) == (403, "forbidden"), rule
    for rule in ("email not null", "email unique"):
        assert (await ask(ours, {"add": rule, "severity": "warn"})).code == 200, rule
    catalog.rule("hr.people", words, severity="warn")
    catalog.quality("hr.people")
    kept = (await ask("catalog/datasets/hr.people/quality")).value["rules"]
    last = {item["rule"]["columns"][0]: item for item in kept if "matches" in item["rule"]["text"]}
    assert (last["email"]["last"]["passed"], last["email"]["history"]) == (False, [])
    assert "masked" in last["email"]["last"]["error"]
    past = (await ask("catalog/datasets/hr.people/quality/results")).value["items"]
    assert {item["rule"] for item in past} == {"email not null", "email unique"}
    scopes.append(SCOPE)
    kept = (await ask(ours, {"add": words, "severity": "warn"})).value["rules"]
    assert all(item["last"]["error"] == "" for item in kept)
    assert (await ask("catalog/audit")).value["items"][0]["verb"] == "rule"


async def test_a_dry_run_is_no_way_to_guess_masked_values(
    people: None,
    ask: Callable[..., Any],
    jp_serverapp: Any,
    documented: type[AllowAllAuthorizer],
    project: Project,
) -> None:
    scopes = hub(jp_serverapp, documented)
    (project.root / "guess.csv").write_text(f"id,email\n1,{CANARY}\n")
    guess = {"files": ["guess.csv"], "into": "hr.people", "key": ["id"], "dry_run": True}
    refused = await ask("catalog/ingest", guess)
    assert (refused.code, refused.value["error"]) == (403, "forbidden")
    assert (await ask("catalog/ingest", {**guess, "into": "hr.other"})).code < 300
    scopes.append(SCOPE)
    assert (await ask("catalog/ingest", guess)).code < 300
    [entry] = (await ask("catalog/audit")).value["items"]
    assert (entry["verb"], entry["columns"], entry["face"]) == ("dry run", ["email"], "rest")


@pytest.mark.parametrize(
    ("into", "rule"),
    [
        ("hr.people", "email unique"),
        ("hr.people", "SELECT * FROM {object} GROUP BY ALL HAVING count(*) > 1"),
        ("eve.guesses", "email references hr.people.email"),
    ],
)
async def test_nor_are_rules_that_compare_new_rows_with_stored_ones(
    people: None,
    ask: Callable[..., Any],
    jp_serverapp: Any,
    documented: type[AllowAllAuthorizer],
    project: Project,
    into: str,
    rule: str,
) -> None:
    scopes = hub(jp_serverapp, documented)
    (project.root / "guess.csv").write_text(f"id,email\n1,{CANARY}\n")
    catalog = current().catalog
    if into != "hr.people":
        catalog.write(pl.DataFrame({"id": [1], "email": ["a"]}), into=into)
    guess = {"files": ["guess.csv"], "into": into, "dry_run": True}
    catalog.rule(into, "id not null", severity="warn")
    assert (await ask("catalog/ingest", guess)).code < 300  # it compares nothing
    catalog.rule(into, rule, severity="warn")
    before = (await ask("catalog/audit")).value["total"]
    refused = await ask("catalog/ingest", guess)
    assert (refused.code, refused.value["error"]) == (403, "forbidden")
    assert (await ask("catalog/audit")).value["total"] == before
    scopes.append(SCOPE)
    assert (await ask("catalog/ingest", guess)).code < 300
    entry = (await ask("catalog/audit")).value["items"][0]
    assert (entry["verb"], entry["dataset"], entry["columns"], entry["face"]) == (
        "dry run",
        "hr.people",
        ["email"],
        "rest",
    )


async def test_a_table_in_place_is_tagged_over_rest_and_its_values_stay_in_the_server(
    project: Project,
    ask: Callable[..., Any],
    jp_serverapp: Any,
    documented: type[AllowAllAuthorizer],
) -> None:
    file = project.root / "people.parquet"
    pl.DataFrame({"id": [1, 2], "email": [CANARY, CANARY]}).write_parquet(file)
    current().catalog.register(file, name="lake.people")
    scopes = hub(jp_serverapp, documented)
    tagged = await ask("catalog/datasets/lake.people/columns/email", {"tags": ["pii"]})
    assert tagged.code == 200
    assert [column["tags"] for column in tagged.value["schema"]] == [[], ["pii"]]
    reads = [(path.replace("hr.", "lake."), body) for path, body in READS[:3]]
    reads.append(("catalog/sql", {"query": "SELECT email, id FROM lake.people"}))
    for path, body in reads:
        plain = await ask(path, body)
        assert plain.code == 200, path
        assert CANARY not in json.dumps(plain.value), path
        assert (await ask(*revealing(path, body))).code == 403, path
    off = await ask("catalog/datasets/lake.people/columns/email", {"tags": []})
    assert (off.code, off.value["error"]) == (403, "forbidden")
    equal = {"filters": [{"column": "email", "op": "=", "value": CANARY}]}
    oracle = await ask("catalog/datasets/lake.people/grid", equal)
    assert oracle.code == 403
    assert (await ask("catalog/audit")).value["total"] == 0
    scopes.append(SCOPE)
    for path, body in reads:
        assert CANARY in json.dumps((await ask(*revealing(path, body))).value), path
    assert (await ask("catalog/audit?name=lake.people")).value["total"] == len(reads)
