"""The document that the front end's types are generated from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from jupyter_mlinfra.catalog.spec import DatasetDetail
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments.service import COMPARED
from jupyter_mlinfra.server import openapi
from jupyter_mlinfra.server.app import HEADER_KIB
from jupyter_mlinfra.server.openapi import document

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_document_in_docs_is_that_of_the_code() -> None:
    assert json.loads(DOCUMENT.read_text()) == document(), (
        "write it again: python -m jupyter_mlinfra.server.openapi"
    )


def test_a_check_says_whether_the_document_is_current_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "openapi.json"
    monkeypatch.setattr(openapi, "DOCUMENT", path)
    assert "does not match the code" in (openapi.main("--check") or "")
    assert "cannot be used" in (openapi.main("--chekc") or "")
    assert not path.exists()
    assert openapi.main() is None
    assert openapi.main("--check") is None
    path.write_text("{}")
    assert "does not match the code" in (openapi.main("--check") or "")
    assert path.read_text() == "{}"


def test_the_document_is_valid() -> None:
    validate(document())


async def test_the_server_hands_it_out(ask: Callable[..., Any]) -> None:
    assert (await ask("openapi.json")).value == document()


def test_every_field_of_an_answer_is_promised() -> None:
    schema = document()["components"]["schemas"]["DatasetDetail"]
    assert (
        set(schema["required"])
        == {field.name for field in fields(DatasetDetail)}
        == set(schema["properties"])
    )


def test_every_list_of_objects_is_a_page_or_bounded_by_its_object() -> None:
    """What may answer with a bare list, and what bounds it."""
    bounded = {
        "/features/online": "the entities asked for",
        "/jobs/backends": "what is installed",
        "/jobs/jobs/{id}/parameters": "one cell",
        "/jobs/parameters": "one cell",
        "/workbench/check": "the project card",
        "/workbench/domains": "what is installed",
    }
    bare = {
        path
        for path, verbs in document()["paths"].items()
        for operation in verbs.values()
        for media in operation["responses"]["200"]["content"].values()
        if media["schema"].get("type") == "array"
    }
    assert bare == set(bounded)


def test_every_operation_says_what_it_does() -> None:
    for path, verbs in document()["paths"].items():
        for verb, operation in verbs.items():
            assert operation["summary"].endswith("."), f"{verb} {path}"


def test_a_query_of_the_longest_values_fits_into_a_header() -> None:
    """A letter beyond the BMP is four bytes, each written as `%F0`."""
    longest = {}
    for path, operations in document()["paths"].items():
        for operation in operations.values():
            texts = [
                part.get("maxLength", 0)
                for one in operation.get("parameters", [])
                for part in _schemas(one["schema"])
            ]
            longest[path] = 12 * sum(texts)
    assert longest["/experiments/compare"] == 12 * 20_000
    assert max(longest.values()) < (HEADER_KIB - 64) << 10  # the rest is for cookies and tokens


def _schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("anyOf", [])]


async def test_as_many_runs_as_a_comparison_takes_can_be_named_by_their_references(
    ask: Callable[..., Any], project: Project
) -> None:
    ids = ",".join(f"run:{number:032x}" for number in range(COMPARED))
    answer = await ask(f"experiments/compare?ids={ids}")
    assert (answer.code, answer.value["error"]) == (404, "not_found")
