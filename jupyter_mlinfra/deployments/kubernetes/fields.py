"""Values in manifests whose form Kubernetes and its controllers prescribe, as types.

Sources: "Object Names and IDs", "Resource units in Kubernetes" and "Images" of the Kubernetes
documentation; the grammar of image references in distribution/reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

LABEL_LENGTH = 63
"""The most characters of a DNS label, and of a label's value."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?\Z")
_KEY_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)(?P<unit>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+|)\Z"
)
_UNITS = dict(zip(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), range(-3, 7), strict=True))
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)"
    r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)
_SIGNED = re.compile(r"(x-amz-signature|x-goog-signature|[?&]sig)=", re.IGNORECASE)


class Strict(BaseModel):
    """A part of a manifest: fields that it does not have are refused, and nothing is converted.

    Kubernetes' names of the fields are their names here in camel case.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        protected_namespaces=(),
    )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From a document as it is in a file. Raises pydantic.ValidationError."""
        import json

        # Only JSON's mode takes an array for a tuple when nothing else is converted.
        return cls.model_validate_json(json.dumps(document))

    def document(self) -> dict[str, Any]:
        """As it is in a file; fields that are not set are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def derived_name(*parts: str, of: str, longest: int = LABEL_LENGTH) -> None:
    """Check a name that a controller makes from others. Raises ValueError."""
    name = "-".join(parts)
    if len(name) > longest:
        raise ValueError(
            f"{of} would be named {name}: {len(name)} characters, of which {longest} are allowed;"
            " use a shorter name for the deployment"
        )


def service_name(name: str) -> None:
    """Check a name with which the name of a Service begins (RFC 1035). Raises ValueError."""
    if not name[0].isalpha() or "." in name:
        raise ValueError(f"{name!r} must begin with a letter and have no dots, as a Service's name")


def quantity(text: str) -> Decimal:
    """The value of a quantity such as `500m` or `2Gi`. Raises ValueError."""
    found = _QUANTITY.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 1.5Gi")
    number, unit = Decimal(found["number"]), found["unit"]
    if unit in _BINARY:
        return number * (1 << 10 * (_BINARY.index(unit) + 1))
    if unit in _UNITS:
        return number.scaleb(3 * _UNITS[unit])
    return number.scaleb(int(unit[1:]))


def _matches(pattern: re.Pattern[str], longest: int, what: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.match(text):
            raise ValueError(f"{text!r} is not {what}")
        if len(text) > longest:
            raise ValueError(f"{text!r} has {len(text)} characters, of which {longest} are allowed")
        return text

    return check


def _subdomain(text: str) -> str:
    if len(text) > 253 or not all(
        _LABEL.match(part) and len(part) <= LABEL_LENGTH for part in text.split(".")
    ):
        raise ValueError(f"{text!r} is not a name: small letters, digits, hyphens and dots")
    return text


def _key(text: str) -> str:
    prefix, _, name = text.rpartition("/")
    if prefix:
        _subdomain(prefix)
    if not _KEY_NAME.match(name) or len(name) > LABEL_LENGTH:
        raise ValueError(f"{text!r} is not the key of a label or an annotation")
    return text


def _quantity(text: str) -> str:
    quantity(text)
    return text


def _image(text: str) -> str:
    found = _IMAGE.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not an image such as registry.example.com/team/model:v3")
    if not found["digest"] and found["tag"] in (None, "latest"):
        raise ValueError(
            f"image {text!r} has no tag of its own: which code runs would depend on when a node"
            " pulled it"
        )
    return text


def _url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{text!r} is not an address such as http://logger.team.svc")
    return text


def _uri(text: str) -> str:
    parts = _split(text)
    if not parts.scheme or not (parts.netloc or parts.path.strip("/")):
        raise ValueError(f"{text!r} is not an address such as s3://models/flights/3")
    if _SIGNED.search(text):
        raise ValueError("a signed address is a secret: name a Secret of the cluster instead")
    return text


def _split(text: str) -> Any:
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise ValueError("an address with a password is a secret: name a Secret of the cluster")
    if re.search(r"\s", text):
        raise ValueError(f"{text!r} has a space in it")
    return parts


Label = Annotated[
    str,
    AfterValidator(_matches(_LABEL, LABEL_LENGTH, "a name: small letters, digits and hyphens")),
]
"""A name that is a DNS label (RFC 1123)."""
Subdomain = Annotated[str, AfterValidator(_subdomain)]
"""A name that may have dots."""
Key = Annotated[str, AfterValidator(_key)]
"""Key of a label or an annotation."""
LabelValue = Annotated[
    str, AfterValidator(_matches(_LABEL_VALUE, LABEL_LENGTH, "the value of a label"))
]
Variable = Annotated[str, AfterValidator(_matches(_VARIABLE, 253, "the name of a variable"))]
Quantity = Annotated[str, AfterValidator(_quantity)]
Image = Annotated[str, AfterValidator(_image)]
"""An image with a tag of its own, or with its digest."""
Url = Annotated[str, AfterValidator(_url)]
Uri = Annotated[str, AfterValidator(_uri)]
"""Where a model is stored; never with a password."""
Percent = Annotated[int, Field(ge=0, le=100)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
AtLeastOne = Annotated[int, Field(ge=1, le=2**31 - 1)]
