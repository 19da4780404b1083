"""Manifests against the CustomResourceDefinitions of a cluster, as its API server checks them when
it is asked for strict field validation.

Source: "Extend the Kubernetes API with CustomResourceDefinitions" of the Kubernetes documentation
(structural schemas, pruning, `x-kubernetes-*`). A schema is OpenAPI 3.0, whose keywords are those
of JSON Schema's draft 4. Not evaluated: rules in CEL (`x-kubernetes-validations`), which are
counted, and admission webhooks, whose rules are in our models.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...core.errors import BadRequest, Unprocessable

_IMPLIED = frozenset({"apiVersion", "kind", "metadata"})
_CEL = "x-kubernetes-validations"
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"


@dataclass(frozen=True)
class Crd:
    """One version of a kind. name: of the CRD. rules: in CEL, not evaluated here."""

    api_version: str
    kind: str
    name: str
    schema: Mapping[str, Any]

    @cached_property
    def rules(self) -> int:
        """How many parts of the schema have rules in CEL."""
        return sum(_CEL in part for part in _parts(self.schema))

    def faults(self, document: Mapping[str, Any]) -> list[str]:
        """What the API server would refuse: where, and why; empty if nothing."""
        from jsonschema import FormatChecker

        checker = FormatChecker(formats=())
        for bits in (32, 64):
            checker.checks(f"int{bits}")(_fits(bits))
        validator = _validator_class()(self.schema, format_checker=checker)
        errors = sorted(validator.iter_errors(document), key=lambda error: [*map(str, error.path)])
        found = [_sentence(error) for error in errors]
        # The schema of a CRD never describes what every object has.
        return [*found, *(f"{name}: missing" for name in sorted(_IMPLIED - document.keys()))]


Crds = Mapping[tuple[str, str], Crd]


def load_crds(folder: Path) -> Crds:
    """All CRDs in the YAML files of a folder, by apiVersion and kind; other objects are passed
    over.

    Raises BadRequest if there is no such folder, Unprocessable for a broken file, or without a CRD.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if not folder.is_dir():
        raise BadRequest(f"There is no folder {folder}.", fix="Name a folder with CRD files.")
    found = dict[tuple[str, str], Crd]()
    for file in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml"), *folder.rglob("*.json")]):
        try:
            documents = [*yaml.load_all(file.read_bytes(), Loader=loader)]
            for document in documents:
                for crd in _crds(document):
                    found[crd.api_version, crd.kind] = crd
        except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise Unprocessable(
                f"{file.name} cannot be read.", f"{str(error)[:200]}.", "Export it again."
            ) from error
    if not found:
        raise Unprocessable(
            f"{folder} has no CustomResourceDefinition.",
            "No YAML or JSON file in it has one.",
            "kubectl get crd seldondeployments.machinelearning.seldon.io -o yaml > FOLDER/v1.yaml",
        )
    return found


def check(documents: Sequence[Mapping[str, Any]], crds: Crds) -> None:
    """Raise Unprocessable with the first fault of the first manifest that is refused, or whose kind
    the folder does not have.
    """
    for document in documents:
        kind = str(document["kind"])
        crd = crds.get((str(document["apiVersion"]), kind))
        if crd is None:
            known = ", ".join(sorted(f"{name} of {version}" for version, name in crds))
            raise Unprocessable(
                f"The folder has no CRD for {kind} of {document['apiVersion']}.",
                f"It has: {known}.",
                "Export the cluster's CRD into it.",
            )
        if faults := crd.faults(document):
            raise Unprocessable(
                f"The cluster's schema refuses {kind} {document['metadata']['name']}.",
                f"{faults[0]}.",
                f"It is the schema of {crd.name}.",
            )


def _crds(document: Any) -> Iterator[Crd]:
    if not isinstance(document, Mapping):
        return
    if document.get("kind") == "List":  # kubectl get crd -o yaml
        for item in document.get("items") or ():
            yield from _crds(item)
    if document.get("kind") != "CustomResourceDefinition":
        return
    spec = document["spec"]
    for version in spec["versions"]:
        if version.get("served", True):
            yield Crd(
                f"{spec['group']}/{version['name']}",
                spec["names"]["kind"],
                document["metadata"]["name"],
                version["schema"]["openAPIV3Schema"] | {_EMBEDDED: True},
            )


def _validator_class() -> Any:
    from jsonschema import Draft4Validator
    from jsonschema.validators import extend

    return extend(
        Draft4Validator,
        {
            "type": _type,
            "properties": _properties,
            "x-kubernetes-int-or-string": _int_or_string,
            "x-kubernetes-list-map-keys": _unique_keys,
            "x-kubernetes-list-type": _unique_items,
        },
    )


def _type(validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    from jsonschema import Draft4Validator, ValidationError

    if instance is None and schema.get("nullable"):
        return
    yield from Draft4Validator.VALIDATORS["type"](validator, wanted, instance, schema)
    described = {"properties", "additionalProperties"} & schema.keys() or schema.get(_PRESERVE)
    if wanted == "object" and isinstance(instance, dict) and not described:
        for name in sorted(instance):
            yield ValidationError(f"unknown field {name!r}", path=(name,))


def _properties(
    validator: Any, properties: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not isinstance(instance, dict):
        return
    implied = _IMPLIED if schema.get(_EMBEDDED) else frozenset[str]()
    for name in sorted(instance):
        if name in implied and name not in properties:
            continue
        if name == "metadata" and implied:
            continue  # it is the API server's own
        if name in properties:
            yield from validator.descend(
                instance[name], properties[name], path=name, schema_path=name
            )
        elif not schema.get(_PRESERVE) and "additionalProperties" not in schema:
            yield ValidationError(f"unknown field {name!r}", path=(name,))


def _int_or_string(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    is_int = isinstance(instance, int) and not isinstance(instance, bool)
    if wanted and not is_int and not isinstance(instance, str):
        yield ValidationError(f"{instance!r} is neither an integer nor a text")


def _unique_keys(_: Any, keys: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not isinstance(instance, list):
        return
    properties = (schema.get("items") or {}).get("properties") or {}
    defaults = {key: (properties.get(key) or {}).get("default") for key in keys}
    items = [item for item in instance if isinstance(item, dict)]
    counted = Counter(tuple(item.get(key, defaults[key]) for key in keys) for item in items)
    for values, count in counted.items():
        if count > 1:
            yield ValidationError(f"{', '.join(map(str, values))} is there {count} times")


def _unique_items(_: Any, kind: Any, instance: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if kind == "set" and isinstance(instance, list):
        counted = Counter(json.dumps(item, sort_keys=True) for item in instance)
        for value, count in counted.items():
            if count > 1:
                yield ValidationError(f"{value} is there {count} times")


def _fits(bits: int) -> Any:
    limit = 2 ** (bits - 1)

    def fits(value: object) -> bool:
        return not isinstance(value, int) or -limit <= value < limit

    return fits


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    message = str(error.message)
    what = message if len(message) <= 200 else f"{message[:200]}…"
    return f"{where}: {what}" if where else what


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _parts(value)
