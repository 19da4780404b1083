"""The OpenAPI document, read from the handlers: their signatures, their answers and their
docstrings.

`python -m jupyter_mlinfra.server.openapi` writes docs/openapi.json, from which the front end's
types are generated; with `--check` it only tells whether the file is current.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from ..core.errors import MLInfraError
from ..faces.handler import Endpoint, model_of
from ..faces.rows import records
from .routes import PREFIX, ROUTES

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


class _Schema(GenerateJsonSchema):
    """Schemas without the titles that only repeat a field's name, and with every field of an answer
    required, as `to_json` writes it.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def field_is_required(self, field: Any, *args: Any, **options: Any) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, *args, **options)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route."""
    adapters: list[tuple[tuple[str, str], JsonSchemaMode, TypeAdapter[Any]]] = []
    for path, verb, endpoint in endpoints():
        key = f"{verb} {path}"
        adapters.append(((key, "answer"), "serialization", TypeAdapter(_answer(endpoint.method))))
        if model := model_of(endpoint.method):
            adapters.append(((key, "parameters"), "validation", TypeAdapter(model)))
    schemas, shared = TypeAdapter.json_schemas(
        adapters, ref_template="#/components/schemas/{model}", schema_generator=_Schema
    )
    models = {
        item["$ref"].rpartition("/")[2]
        for (key, mode), item in schemas.items()
        if mode == "validation"
    }
    records = {name: item for name, item in shared["$defs"].items() if name not in models}
    names = {name: _plain(name) for name in records}
    paths: dict[str, Any] = {}
    for path, verb, endpoint in endpoints():
        key = f"{verb} {path}"
        ref = schemas.get(((key, "parameters"), "validation"))
        parameters = shared["$defs"][ref["$ref"].rpartition("/")[2]] if ref else None
        paths.setdefault(f"/{path}", {})[verb] = _operation(
            path, verb, endpoint, schemas[(key, "answer"), "serialization"], parameters
        )
    renamed: dict[str, Any] = _rename(_frame(paths, records), names)
    return renamed


def _frame(paths: Mapping[str, Any], records: Mapping[str, Any]) -> dict[str, Any]:
    """The document around its paths and the schemas of its records."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter-mlinfra",
            "version": "1",
            "description": (
                "The workbench of a project. Lists come in pages; a failure says what, why and how"
                " to fix it; NaN and infinity are words."
            ),
        },
        "servers": [{"url": PREFIX.rstrip("/")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token …`, of the Jupyter server",
                }
            },
            "schemas": {**records, "Error": _error()},
        },
    }


def endpoints() -> Iterator[tuple[str, str, Endpoint]]:
    """Path, verb and endpoint of every route."""
    for path, handler in ROUTES.items():
        for verb in ("get", "post"):
            endpoint = getattr(getattr(handler, verb), "endpoint", None)
            if endpoint is not None:
                yield path, verb, endpoint


def _operation(
    path: str,
    verb: str,
    endpoint: Endpoint,
    answer: Mapping[str, Any],
    parameters: Mapping[str, Any] | None,
) -> dict[str, Any]:
    domain = endpoint.resource.partition(":")[2]
    text = inspect.getdoc(endpoint.method) or ""
    operation: dict[str, Any] = {
        "operationId": _operation_id(path, verb),
        "tags": [domain],
        "summary": " ".join(text.partition("\n\n")[0].split()),
        "x-action": endpoint.action,
        "x-resource": endpoint.resource,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", path)
        ],
    }
    if parameters is not None and verb == "get":
        required = parameters.get("required", [])
        operation["parameters"] += [
            {"name": name, "in": "query", "required": name in required, "schema": item}
            for name, item in parameters["properties"].items()
        ]
    elif parameters is not None:
        body = {name: item for name, item in parameters.items() if name != "title"}
        operation["requestBody"] = {
            "required": bool(parameters.get("required")),
            "content": {"application/json": {"schema": body}},
        }
    fault = {
        "description": "What happened, why, and how to fix it",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    operation["responses"] = {
        "200": {"description": "OK", "content": {endpoint.media: {"schema": dict(answer)}}},
        "4XX": fault,
        "5XX": fault,
    }
    return operation


def _operation_id(path: str, verb: str) -> str:
    words = [word for word in re.split(r"[/.]", re.sub(r"\{(\w+)\}", r"by_\1", path)) if word]
    return "_".join([verb, *words])


def _answer(method: Any) -> Any:
    return get_type_hints(method, {**method.__globals__, **_records()})["return"]


@cache
def _records() -> dict[str, Any]:
    """Every record by its class name; the handlers name them only for the type checker."""
    found: dict[str, Any] = {}
    for module in records():
        package = module.partition(".")[0]
        for name, value in vars(importlib.import_module(module)).items():
            if (
                inspect.isclass(value)
                and value.__module__.partition(".")[0] == package
                and found.setdefault(name, value) is not value
            ):
                raise MLInfraError(
                    f"Two records are called {name}.",
                    f"{found[name].__module__} and {module}.",
                    "Rename one.",
                )
    return found


def _plain(name: str) -> str:
    """`Page_Dataset_` is called `DatasetPage`, `Page_str_` `StrPage`."""
    generic = re.fullmatch(r"Page_(\w)(\w+)_", name)
    return f"{generic[1].upper()}{generic[2]}Page" if generic else re.sub(r"\W", "_", name)


def _rename(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        renamed = {key: _rename(item, names) for key, item in value.items()}
        if isinstance(value.get("$ref"), str):
            head, _, name = value["$ref"].rpartition("/")
            renamed["$ref"] = f"{head}/{names.get(name, name)}"
        if "schemas" in value and "securitySchemes" in value:
            renamed["schemas"] = dict(
                sorted((names.get(name, name), item) for name, item in renamed["schemas"].items())
            )
        return renamed
    return [_rename(item, names) for item in value] if isinstance(value, list) else value


class _Error(BaseModel):
    """Every failure. error: one of bad_request, forbidden, not_found, conflict, too_large,
    unprocessable, unavailable, internal.
    """

    error: str
    message: str
    why: str
    fix: str


def _error() -> dict[str, Any]:
    return {**TypeAdapter(_Error).json_schema(schema_generator=_Schema), "title": "Error"}


def text() -> str:
    """The document as docs/openapi.json has it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main(*options: str) -> str | None:
    """Write the document, or with `--check` only compare it; returns what is wrong."""
    if options == ("--check",):
        current = DOCUMENT.exists() and DOCUMENT.read_text() == text()
        return (
            None
            if current
            else f"{DOCUMENT} does not match the code: python -m jupyter_mlinfra.server.openapi"
        )
    if options:
        return f"{' '.join(options)} cannot be used: there is only --check."
    DOCUMENT.write_text(text())
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
