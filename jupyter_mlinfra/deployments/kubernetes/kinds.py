"""All kinds of manifests that we write, by the names that Kubernetes has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from .core2 import Experiment, Model, Server
from .fields import Strict
from .kserve import InferenceService
from .seldon_v1 import SeldonDeployment

KINDS: Mapping[tuple[str, str], type[Strict]] = {
    (model.model_fields["api_version"].default, model.model_fields["kind"].default): model
    for model in (SeldonDeployment, Model, Experiment, Server, InferenceService)
}


def faults(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a manifest: where, and why; empty if it is one that we could have
    written.
    """
    name = str(document.get("apiVersion")), str(document.get("kind"))
    if name not in KINDS:
        known = ", ".join(kind for _, kind in KINDS)
        return [f"{name[1]} of {name[0]} is none of our kinds: {known}"]
    try:
        KINDS[name].of(document)
    except ValidationError as error:
        return [_sentence(item) for item in error.errors(include_url=False, include_input=False)]
    return []


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
