"""Secrets of a step: keys of one Kubernetes Secret, which its container gets as variables. No
manifest and no executed notebook holds a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import Unprocessable
from ...core.secrets import references
from ..definition import StepDefinition, render
from .plan import Scope

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_OTHER = re.compile(r"[^-._a-zA-Z0-9]")

PREPARE = """
import sys, nbformat
source, target, *given = sys.argv[1:]
notebook = nbformat.v4.upgrade(nbformat.read(source, 4))
tags = [set(cell.metadata.get("tags", [])) for cell in notebook.cells]
last = max(at for at, own in enumerate(tags) if own & {"parameters", "injected-parameters"})
lines = ["%s = __import__('os').environ[%r]" % tuple(pair.split("=", 1)) for pair in given]
cell = nbformat.v4.new_code_cell("\\n".join(lines), metadata={"tags": ["injected-secrets"]})
notebook.cells.insert(last + 1, cell)
nbformat.write(notebook, target)
""".strip()
"""Adds a cell to a notebook that reads the secrets inside the kernel, as jobs here do: papermill's
own cell would hold their values.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret of a step. parameter: of the notebook. key: in the Kubernetes Secret. variable: of
    the container's environment.
    """

    parameter: str
    reference: str
    key: str
    variable: str


def secrets_of(step: StepDefinition, item: Mapping[str, Any], scope: Scope) -> list[Secret]:
    """The parameters of a step that are secrets. Raises Unprocessable for one inside a list or
    mapping, or that is known only at submit or from an item.
    """
    secrets = []
    names = {**scope.texts, **{name: f"{{{{inputs.parameters.{name}}}}}" for name in item}}
    for name, value in step.parameters.items():
        kind = render(value, {**scope.typed, **item})
        if not any(True for _ in references(kind)):
            continue
        if not isinstance(kind, str):
            why = (
                "It is inside a list or mapping, and a container has secrets as variables, one by"
                " one."
            )
            raise Unprocessable(
                f"Step {step.name} takes a secret in its parameter {name} that Argo cannot hand"
                " over.",
                why,
                "Make it a parameter of its own.",
            )
        reference = render(value, names)
        if "{{" in reference:
            why = (
                "Which secret it is depends on an item of foreach, or on another parameter; a"
                " container's is fixed in the manifest."
            )
            raise Unprocessable(
                f"Step {step.name} takes a secret as its parameter {name} that Argo cannot choose.",
                why,
                "Name it: env:NAME.",
            )
        secrets.append(_secret(name, reference))
    return secrets


def environment(secrets: Iterable[Secret], secret: str) -> list[dict[str, Any]]:
    """The container's variables."""
    keys = {item.variable: item.key for item in secrets}
    return [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for variable, key in keys.items()
    ]


def _secret(parameter: str, reference: str) -> Secret:
    """`env:NAME` becomes the key NAME; `keyring:SERVICE/NAME`, which a cluster lacks, the key
    SERVICE.NAME.
    """
    kind, _, name = reference.partition(":")
    key = name if kind == "env" else _OTHER.sub("-", name.replace("/", ".", 1))
    if not _KEY.fullmatch(key):
        fix = "Use letters, digits, dots, - and _ in its name."
        raise Unprocessable(
            f"{reference} cannot be a key of a Kubernetes Secret.",
            f"Parameter {parameter} needs it.",
            fix,
        )
    return Secret(
        parameter=parameter,
        reference=reference,
        key=key,
        variable=key if kind == "env" else re.sub(r"\W", "_", key).upper(),
    )
