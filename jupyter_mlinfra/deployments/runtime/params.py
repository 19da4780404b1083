"""The parameters of a request: `params` of the model's MLflow signature, such as a temperature.

In Seldon's protocol they are the tag `params` of the request's meta; in the Open Inference Protocol
its `parameters`; a name that the protocol's extensions have is the model's if its signature has it.
What is left out has the signature's default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from .param_names import BINARY, TAG
from .refusal import RequestRefused, listed, show
from .values import EXPECTED, FITS, moment, nested_fault

_EXTENSIONS = frozenset(
    {
        BINARY,
        "content_type",
        "headers",
        "priority",
        "sequence_end",
        "sequence_id",
        "sequence_start",
        "timeout",
    }
)
"""What clients of Triton and MLServer send on their own."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a signature. is_list: its values are lists of `type`. spec: of an object,
    its properties in MLflow's signature.
    """

    name: str
    type: str
    default: Any
    is_list: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)


def of_tags(meta: Any) -> Mapping[str, Any]:
    """The parameters in the meta of Seldon's protocol. Raises RequestRefused."""
    tags = meta.get("tags") if isinstance(meta, Mapping) else None
    given = tags.get(TAG) if isinstance(tags, Mapping) else None
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise RequestRefused(
            "The parameters cannot be read.",
            f"meta.tags.{TAG} is {show(given)}.",
            f'Send {{"meta": {{"tags": {{"{TAG}": {{"NAME": value}}}}}}}}.',
        )
    return given


def of_parameters(known: Sequence[Param], parameters: Any) -> Mapping[str, Any]:
    """Those for the model among the parameters of the Open Inference Protocol. known: of the
    signature; without any, all are the protocol's, which leaves them to extensions.
    """
    if not known or not isinstance(parameters, Mapping):
        return {}
    own = {param.name for param in known}
    return {
        name: value
        for name, value in parameters.items()
        if name in own or not (name in _EXTENSIONS or name.startswith("triton_"))
    }


def checked_params(known: Sequence[Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given as the model takes it. known: those of the signature. Raises RequestRefused
    for one that it does not have, or of another type.

    A text for a parameter that is none is read as JSON: the Open Inference Protocol carries neither
    lists nor objects, and its gRPC no fractions.
    """
    by_name = {param.name: param for param in known}
    unknown = [name for name in given if name not in by_name]
    if unknown:
        names = listed(list(by_name), 60)
        raise RequestRefused(
            f"The model has no parameter {listed(unknown)}.",
            "Its signature names those that it takes." if names else "Its signature has none.",
            f"It takes {names}." if names else "Leave the parameters out.",
        )
    return {name: _value(by_name[name], value) for name, value in given.items()}


def _value(param: Param, given: Any) -> Any:
    is_text = param.type in ("string", "datetime") and not param.is_list
    if isinstance(given, str) and not is_text:
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            raise _wrong(param, given) from None
    if not param.is_list:
        return _single(param, given, given)
    if not isinstance(given, list):
        raise _wrong(param, given)
    return [_single(param, item, given) for item in given]


def _single(param: Param, value: Any, given: Any) -> Any:
    """One value that fits. given: the whole of it, for the refusal. None stays, as in MLflow."""
    if value is None:
        return None
    is_bool = param.type == "boolean"
    if isinstance(value, bool) is not is_bool or not FITS.get(param.type, _never)(value):
        raise _wrong(param, given)
    if fault := nested_fault(value, {**param.spec, "type": param.type}, "it"):
        raise _wrong(param, given, fault)
    if param.type in ("integer", "long"):
        return int(value)
    if param.type in ("double", "float"):
        return float(value)
    return moment(value).isoformat() if param.type == "datetime" else value


def _never(_: Any) -> bool:
    return False


def _wrong(param: Param, given: Any, fault: str = "") -> RequestRefused:
    kind = EXPECTED.get(param.type, param.type)
    expected = f"a list, each item {kind}" if param.is_list else kind
    return RequestRefused(
        f"Parameter {param.name} has a wrong type.",
        f"{show(given)}: {fault or f'{param.type} means {expected}'}.",
        f"Send {expected}.",
    )
