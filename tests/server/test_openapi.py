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
from jupyter_mlinfra.server import openapi
from jupyter_mlinfra.server.openapi import document

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_document_in_docs_is_that_of_the_code() -> None:
    assert json.loads(DOCUMENT.read_text()) == document(), "write it again: python -m jupyter_mlinfra.server.openapi"


def test_a_check_says_whether_the_document_is_current_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "openapi.json"
    monkeypatch.setattr(openapi, "DOCUMENT", path)
    assert "is not that of the code" in (openapi.main("--check") or "")
    assert "cannot be used" in (openapi.main("--chekc") or "")
    assert not path.exists()
    assert openapi.main() is None
    assert openapi.main("--check") is None
    path.write_text("{}")
    assert "is not that of the code" in (openapi.main("--check") or "")
    assert path.read_text() == "{}"


def test_the_document_is_valid() -> None:
    validate(document())


async def test_the_server_hands_it_out(ask: Callable[..., Any]) -> None:
    assert (await ask("openapi.json")).value == document()


def test_every_field_of_an_answer_is_promised() -> None:
    schema = document()["components"]["schemas"]["DatasetDetail"]
    assert set(schema["required"]) == {field.name for field in fields(DatasetDetail)} == set(schema["properties"])


def test_every_list_of_objects_is_a_page_or_bounded_by_its_object() -> None:
    """What may answer with a bare list, and what bounds it."""
    bounded = {
        "/features/online": "the entities asked for",
        "/jobs/backends": "what is installed",
        "/jobs/jobs/{id}/parameters": "one cell",
        "/jobs/parameters": "one cell",
        "/workbench/check": "the project card",
    }
    bare = {
        path
        for path, verbs in document()["paths"].items()
        for operation in verbs.values()
        if operation["responses"]["200"]["content"]["application/json"]["schema"].get("type") == "array"
    }
    assert bare == set(bounded)


def test_every_operation_says_what_it_does() -> None:
    for path, verbs in document()["paths"].items():
        for verb, operation in verbs.items():
            assert operation["summary"].endswith("."), f"{verb} {path}"
