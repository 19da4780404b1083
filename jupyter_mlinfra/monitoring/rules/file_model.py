"""The schema of a rule file `*.mlrules.yaml`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ...core.documents import KeyPath
from ..against import PREVIOUS, REFERENCE, span_of
from .spec import THRESHOLD

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
MONITOR = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
MAX_DAYS = 366
MAX_ROWS = 10**12
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PAGE = re.compile(r"https?://[^\s/?#]\S*")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def seconds_of(span: str) -> float:
    """Seconds of a duration such as `90s` or `2d`."""
    number, unit = _SPAN.findall(span)[0]
    return float(number) * _SECONDS[unit]


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 30min, 6h or 2d")
    if seconds_of(text) > MAX_DAYS * 86_400:
        raise ValueError(f"{text} is longer than {MAX_DAYS}d")
    return text


def _moment(text: str) -> str:
    moment_of(text)
    return text


def moment_of(text: str) -> datetime:
    """A time such as `2026-12-01` or `2026-12-01T08:00Z`; UTC if it names no zone. Raises
    ValueError.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as 2026-12-01T08:00Z") from None
    except OverflowError:
        raise ValueError(f"{text} is not in the years 1 to 9999 in UTC") from None


def _against(text: str) -> str:
    if text not in (REFERENCE, PREVIOUS):
        span_of(text)
    return text


def _one_line(text: str) -> str:
    if found := _CONTROL.search(text):
        raise ValueError(
            f"it holds the character U+{ord(found[0]):04X}, and must be one line of text"
        )
    return text


def _page(text: str) -> str:
    if _one_line(text) and not _PAGE.fullmatch(text):
        raise ValueError("it is no address of a page, such as https://example.org/runbook")
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Span = Annotated[str, AfterValidator(_span)]
Name = Annotated[str, Field(pattern=NAME)]
Names = Annotated[list[Name], BeforeValidator(_as_list, json_schema_input_type=list[Name] | Name)]
Label = Literal["version", "feature", "segment"]
Labels = Annotated[
    list[Label], BeforeValidator(_as_list, json_schema_input_type=list[Label] | Label)
]
_Some = Annotated[list[str], Field(min_length=1)]
Some = Annotated[_Some, BeforeValidator(_as_list, json_schema_input_type=_Some | str)]
"""Texts; an empty list would let nothing through."""

Line = Annotated[str, AfterValidator(_one_line)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class SilenceEntry(_Part):
    """Nobody is told of the rule's alerts until then; they are still evaluated."""

    until: Annotated[str, AfterValidator(_moment)]
    """A time such as `2026-12-01T08:00Z`; UTC if it names no zone."""

    who: str = Field(min_length=1)
    """Who silenced it."""

    why: str = Field(min_length=1)
    """The reason."""


class WhereEntry(_Part):
    """Only points with one of these values."""

    version: Some | None = None
    """Versions, such as `v3`."""

    feature: Some | None = None
    """Names of features."""

    segment: Some | None = None
    """Segments, as `column=value`."""


class Options(_Part):
    """What a rule has if it says nothing else."""

    for_: Span | None = Field(default=None, alias="for")
    """How long the threshold must be crossed before the alert fires; until then it is pending.
    Default: at once.
    """

    keep_firing_for: Span | None = None
    """How long values must be good before the alert ends. Default: it ends at once."""

    min_rows: int | None = Field(default=None, ge=0, le=MAX_ROWS)
    """Windows of fewer rows (or requests) cannot be judged."""

    severity: Literal["info", "warning", "critical"] | None = None
    """Default: warning."""

    no_data: Literal["keep", "resolve", "fire"] | None = None
    """What a missing value means. `keep` (the default): a firing alert goes on. `resolve`: it ends,
    as by a good value. `fire`: a missing value is a breach. The state is never green.
    """

    stale_after: Span | None = None
    """Without a new value for so long there is no data. Default: 24h."""

    receivers: Names | None = None
    """Receivers of `[monitoring.receivers]` in mlinfra.toml that are told. Default: all of them;
    an empty list for none.
    """

    inhibited_by: Names | None = None
    """Rules that keep this one's notifications back while they fire for the same monitor."""

    owner: Line | None = Field(default=None, min_length=1)
    """Who looks after its alerts. Default: the owner of the project."""


class RuleEntry(Options):
    """One rule: a metric and a threshold."""

    name: Name
    """Its name; that of a built-in rule (drift, failed, refused) replaces it."""

    enabled: bool = True
    """`false` switches the rule off, also the built-in one of that name."""

    monitor: str | None = Field(default=None, pattern=MONITOR)
    """The monitor that it is for. Default: that of the file, else all. A rule for one monitor
    replaces a rule of that name for all.
    """

    kind: str = THRESHOLD
    """How a window is judged. `threshold`: its worst value is compared with the threshold; other
    kinds are those of installed packages.
    """

    with_: dict[str, Any] = Field(default={}, alias="with")
    """Options of a kind of another package, which checks them when the file is read."""

    metric: Line
    """`psi`, `ks`, `wasserstein`, `js`, `hellinger`, `chi2`, `missing`, `out_of_range`, `unseen`,
    `error_fraction`, `refused_fraction`, `p95_ms`, `requests`, `score_psi`, `output_psi`,
    `class_psi`, `memory_mib`, `cpu_cores`, `in_flight`, `retries`,
    `gpu_memory_mib`, `gpu_load`, `label_coverage`, `kpi`,
    `performance_real.NAME`, `performance_output.NAME`, `performance_estimated.NAME`.
    """

    op: Literal[">", ">=", "<", "<="] = ">="
    """The side of the threshold that is bad."""

    threshold: Finite
    """The value is compared with it."""

    against: Annotated[str, AfterValidator(_against)] = REFERENCE
    """What the drift of the window is against, as in `monitors status --against`: `reference` (the
    training data), `previous` (the window before), or a span of time, `START..END`.
    """

    clear: Finite | None = None
    """A firing alert goes on while the value is still on the bad side of this one (hysteresis)."""

    where: WhereEntry = WhereEntry()
    """Only these versions, features or segments. Default: all, without segments."""

    by: Labels = []
    """Each value of these has an alert of its own. Default: one alert, on the worst value."""

    share_of_at_least: int | None = Field(default=None, ge=1, le=MAX_ROWS)
    """For fractions: they count as shares of at least so many requests, so that one bad request of
    three is not a third.
    """

    summary: str = ""
    """One line for whoever is told. Default: what was measured."""

    runbook: Annotated[str, AfterValidator(_page)] = ""
    """Address of a page that says what to do: http or https."""

    silence: SilenceEntry | None = None
    """Until when nobody is told, who said so, and why."""


class RulesFile(_Part):
    """Rules of monitors."""

    group: Name | None = None
    """Alerts of a group that change together are told in one message. Default: the file's name
    without `.mlrules.yaml`.
    """

    monitor: str | None = Field(default=None, pattern=MONITOR)
    """The monitor that the rules are for. Default: all."""

    defaults: Options = Options()
    """What the rules have if they say nothing else."""

    rules: list[RuleEntry] = Field(min_length=1)
    """The rules."""


def keys_at(path: KeyPath) -> list[str]:
    """The keys that may stand in the mapping at `path`."""
    model: type[BaseModel] = RulesFile
    if path[:1] == ("defaults",):
        model = Options
    elif path[:1] == ("rules",):
        part = path[2] if len(path) > 2 else ""
        parts: dict[str, type[BaseModel]] = {"silence": SilenceEntry, "where": WhereEntry}
        model = parts.get(str(part), RuleEntry)
    return [field.alias or name for name, field in model.model_fields.items()]
