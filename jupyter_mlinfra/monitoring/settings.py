"""Settings of the monitoring."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..core.secrets import is_reference
from ..core.settings import Section


def _reference(text: str) -> str:
    if not is_reference(text):
        raise ValueError("a secret is given by reference: env:NAME or keyring:SERVICE/NAME")
    return text


def _address(text: str) -> str:
    if not is_reference(text):
        found = urlsplit(text)
        if found.scheme not in ("https", "http") or not found.hostname:
            raise ValueError("an address begins with https:// (or http:// for a private one)")
        if found.username or found.password:
            raise ValueError("an address holds no password; give it as env:NAME")
    return text


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError("a path below the project")
    return text


class WebhookReceiver(BaseModel):
    """An address that is told by POST."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: Literal["webhook"]

    url: Annotated[str, AfterValidator(_address)]
    """Address, or a reference to one that is secret: `env:NAME`, `keyring:SERVICE/NAME`."""

    secret: Annotated[str, AfterValidator(_reference)] | None = None
    """Reference to the key that signs each message (HMAC-SHA256)."""

    private: bool = False
    """Whether the address may be of this machine or of a private network, also by http."""


class FileReceiver(BaseModel):
    """A file that gets one line of JSON for each message."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: Literal["file"]

    path: Annotated[str, AfterValidator(_inside)]
    """Path below the project."""


ReceiverName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Receiver = Annotated[WebhookReceiver | FileReceiver, Field(discriminator="type")]


class MonitoringSettings(Section):
    """`[monitoring]`"""

    TABLE: ClassVar[str] = "monitoring"

    evaluate_minutes: float = Field(default=5.0, ge=1, le=525_600, allow_inf_nan=False)
    """Minutes between two evaluations of the rules, from 1 to a year's."""

    psi_alert: float = Field(default=0.2, gt=0)
    """PSI from which the default drift rule fires."""

    min_rows: int = Field(default=500, ge=1)
    """Fewest rows of a window that the drift rule may judge."""

    failed_alert: float = Field(default=0.01, gt=0, le=1)
    """Share of requests answered with 5xx from which an alert fires."""

    refused_alert: float = Field(default=0.05, gt=0, le=1)
    """Share of requests refused with 4xx from which an alert fires."""

    hold_minutes: float = Field(default=0.0, ge=0)
    """Minutes that a breach has to last before its alert fires; until then it is pending."""

    clear_fraction: float = Field(default=0.75, gt=0, le=1)
    """Share of the limit of a default rule below which a value has to fall to end its alert."""

    keep_firing_minutes: float | None = Field(default=None, ge=0, le=525_600)
    """Minutes for which the values of a default rule have to be good before its alert ends; by
    default those of two evaluations.
    """

    series_days: float = Field(default=366.0, ge=1)
    """Days for which the hourly figures of monitors are kept."""

    receivers: dict[ReceiverName, Receiver] = Field(default_factory=dict)
    """Who is told of alerts, by name: tables `[monitoring.receivers.NAME]` with `type = "webhook"`
    (`url`, `secret`, `private`) or `type = "file"` (`path`).
    """

    @property
    def keep_firing_seconds(self) -> float:
        """For how long the values of a default rule have to be good before its alert ends."""
        chosen = self.keep_firing_minutes
        return 60 * (2 * self.evaluate_minutes if chosen is None else chosen)
