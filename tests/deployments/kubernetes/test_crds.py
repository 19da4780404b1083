"""Manifests against CRDs as an API server checks them, on small CRDs; `make manifests` does it on
released ones.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.deployments.kubernetes.crds import check, load_crds

SCRIPT = Path(__file__).parents[3] / "scripts" / "manifests.py"
SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "format": "int32", "minimum": 1},
        "port": {"x-kubernetes-int-or-string": True},
        "memory": {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": "^[0-9]+Mi$",
        },
        "note": {"type": "string", "nullable": True},
        "mode": {"type": "string", "enum": ["all", "none"]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"known": {"type": "boolean"}},
        },
        "empty": {"type": "object"},
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        },
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["number", "protocol"],
            "items": {
                "type": "object",
                "properties": {
                    "number": {"type": "integer"},
                    "protocol": {"type": "string", "default": "TCP"},
                },
            },
        },
        "words": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    },
}


def crd(spec: dict[str, Any], group: str = "example.com", kind: str = "Box") -> dict[str, Any]:
    schema = {"type": "object", "properties": {"metadata": {"type": "object"}, "spec": spec}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}es.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind},
            "versions": [
                {"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}},
                {"name": "v0", "served": False, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    }


def box(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "b", "labels": {"a": "b"}}
    return {"apiVersion": "example.com/v1", "kind": "Box", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("crds")
    (found / "box.yaml").write_text(yaml.safe_dump(crd(SPEC)))
    return found


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"port": 80, "memory": 1},
        {"port": "http", "memory": "10Mi"},
        {"note": None, "mode": "all", "labels": {"any": "text"}},
        {"free": {"known": True, "other": [1, {"a": None}]}},
        {"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"x": 1}, "spec": {"a": 1}}},
        {"ports": [{"number": 1}, {"number": 1, "protocol": "UDP"}], "words": ["a", "b"]},
        {"empty": {}},
    ],
)
def test_what_an_api_server_takes_is_accepted(folder: Path, spec: dict[str, Any]) -> None:
    check([box(size=1, **spec)], load_crds(folder))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"size": 0}, "spec.size: 0 is less than the minimum of 1"),
        ({"size": True}, "spec.size"),
        ({"size": 1.5}, "spec.size"),
        ({"size": 2**31}, "spec.size"),
        ({}, "'size' is a required property"),
        ({"size": 1, "sise": 2}, "unknown field 'sise'"),
        ({"size": 1, "port": 1.5}, "spec.port: 1.5 is neither an integer nor a text"),
        ({"size": 1, "memory": "lots"}, "spec.memory: 'lots' does not match"),
        ({"size": 1, "mode": None}, "spec.mode"),
        ({"size": 1, "mode": "some"}, "spec.mode: 'some' is not one of"),
        ({"size": 1, "labels": {"a": 1}}, "spec.labels.a"),
        ({"size": 1, "free": {"known": "yes"}}, "spec.free.known"),
        ({"size": 1, "empty": {"a": 1}}, "unknown field 'a'"),
        ({"size": 1, "template": {"spec": {"b": 1}}}, "unknown field 'b'"),
        ({"size": 1, "template": {"specs": {}}}, "unknown field 'specs'"),
        (
            {"size": 1, "ports": [{"number": 1}, {"number": 1, "protocol": "TCP"}]},
            "1, TCP is there 2 times",
        ),
        ({"size": 1, "words": ["a", "a"]}, "is there 2 times"),
    ],
)
def test_what_an_api_server_refuses_is_refused(
    folder: Path, spec: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unprocessable) as refused:
        check([box(**spec)], load_crds(folder))
    assert words in str(refused.value)
    assert "boxes.example.com" in str(refused.value)


def test_a_kind_and_a_version_that_are_not_served_are_unknown(folder: Path) -> None:
    for change in ({"kind": "Bag"}, {"apiVersion": "example.com/v0"}):
        with pytest.raises(Unprocessable, match=r"It has: Box of example\.com/v1"):
            check([box(size=1) | change], load_crds(folder))


def test_what_kubectl_exports_is_read_and_rules_in_cel_are_counted(tmp_path: Path) -> None:
    ruled = crd(SPEC | {"x-kubernetes-validations": [{"rule": "self.size < 9"}]})
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [ruled]})
    (tmp_path / "all.yml").write_text(f"apiVersion: v1\nkind: Namespace\n---\n{text}")
    (found,) = load_crds(tmp_path).values()
    assert (found.kind, found.rules) == ("Box", 1)


def test_a_folder_without_crds_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        load_crds(tmp_path / "nowhere")
    with pytest.raises(Unprocessable, match="no CustomResourceDefinition"):
        load_crds(tmp_path)
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(Unprocessable, match=r"broken\.yaml cannot be read"):
        load_crds(tmp_path)


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, 1, "ACCEPTED"),
        ({"type": "object", "properties": {"candidates": {"type": "array"}}}, 1, "REFUSED"),
    ],
)
def test_the_script_fails_where_crds_disagree_with_us(
    tmp_path: Path, spec: dict[str, Any], code: int, words: str
) -> None:
    document = crd(spec, "mlops.seldon.io", "Experiment")
    document["spec"]["versions"][0]["name"] = "v1alpha1"
    (tmp_path / "crd.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert words in done.stdout
    assert "Experiment" in done.stdout
    assert "not in the folder" in done.stdout
