"""Reads InferenceServices as KServe's Python package describes them; runs in an environment that
has it.

kserve_models.py < [documents]   →   {"version": …, "fields": …, "faults": ["0.spec.x: …"]}

fields: how many were looked at. A fault is a field that its model does not have, a value that is of
another type, or one without which the model cannot be made.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import kserve
from kubernetes.client import models as kubernetes_models

PLAIN: dict[str, Any] = {
    "str": str,
    "int": int,
    "bool": bool,
    "float": (int, float),
    "object": object,
}
QUANTITIES = "ResourceQuantity", "IntstrIntOrString", "IntOrString"


def faults(kind: str, value: Any, where: str, seen: list[str]) -> Iterator[str]:
    """kind: in the words of the models. seen: gets the path of every field."""
    seen.append(where)
    if many := re.fullmatch(r"[lL]ist\[(.+)\]", kind):
        if not isinstance(value, list):
            yield f"{where}: no list"
            return
        for place, item in enumerate(value):
            yield from faults(many[1], item, f"{where}.{place}", seen)
    elif mapping := re.fullmatch(r"[dD]ict[\[(]str, (.+)[\])]", kind):
        if not isinstance(value, dict):
            yield f"{where}: no mapping"
            return
        for key, item in value.items():
            yield from faults(mapping[1], item, f"{where}.{key}", seen)
    elif kind in PLAIN or kind.endswith(QUANTITIES):
        if not isinstance(value, PLAIN.get(kind, (str, int))):
            yield f"{where}: {value!r} is no {kind}"
    else:
        yield from _of_model(kind, value, where, seen)


def _of_model(kind: str, value: Any, where: str, seen: list[str]) -> Iterator[str]:
    model = getattr(kserve, kind, None) or getattr(kubernetes_models, kind, None)
    if model is None:
        yield f"{where}: nothing is known of {kind}"
        return
    if not isinstance(value, dict):
        yield f"{where}: no {kind}"
        return
    names = {written: name for name, written in model.attribute_map.items()}
    for key in value.keys() - names.keys():
        yield f"{where}.{key}: {kind} has no such field"
    known = {names[key]: item for key, item in value.items() if key in names}
    try:
        model(**known)
    except ValueError as error:
        yield f"{where}: {error}"
    for name, item in known.items():
        key = model.attribute_map[name]
        yield from faults(model.openapi_types[name], item, f"{where}.{key}", seen)


def main() -> None:
    seen: list[str] = []
    found = [
        fault
        for place, document in enumerate(json.load(sys.stdin))
        for fault in faults("V1beta1InferenceService", document, str(place), seen)
    ]
    sys.stdout.write(
        json.dumps({"version": version("kserve"), "fields": len(seen), "faults": found})
    )


main()
