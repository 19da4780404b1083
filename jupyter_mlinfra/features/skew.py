"""Skew: whether the online store has what training would read, on a sample of keys. Loads no Feast
where the store is SQLite, Redis or PostgreSQL.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict
from ..core.feast_online.feast_stores import Column
from ..core.frames import exactly
from ..core.records import MASK
from .definitions import Definition
from .pulling import counting, label_start, within
from .sources import one_snapshot, readable, scan
from .spec import FeatureSkew, SkewReport

if TYPE_CHECKING:
    import polars as pl

    from .online import OnlineReader

_TOLERANCE = 1e-6
"""Relative, where one of two numbers is a float: a store may keep a feature as a 32-bit float."""

_OTHER_FORMS = ("DECIMAL", "JSON", "TIME_UUID", "UUID", "VALUE")


@dataclass(slots=True)
class _Count:
    """What was found of one feature."""

    compared: int = 0
    different: int = 0
    missing: int = 0
    only_online: int = 0
    example: str = ""

    def fault(self, kind: str, example: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.example = self.example or example


def check(
    view: Definition,
    reader: OnlineReader,
    repo: Path,
    *,
    until: datetime,
    size: int,
    masked: Collection[str] = (),
) -> SkewReport:
    """Compare the online values of at most `size` keys with their newest rows in the source, or the
    labels that count, as of `until`, the end of what was materialized. A value past its ttl is
    compared too. masked: features and keys whose values the examples do not tell.

    Raises Conflict for a view without a source, NotFound and Unprocessable for one whose source
    cannot be read, Unavailable if the store does not answer.
    """
    if view.source is None:
        raise Conflict(
            f"{view.name} has no source.",
            "There is nothing to compare its online values with.",
            "Only views with a batch source have a history.",
        )
    rows = _sample(view, repo, until, size)
    keys = [key.name for key in view.keys]
    entities = rows.select(map(exactly, keys)).to_dicts() if keys else [{}] * rows.height
    features = [column.name for column in view.features]
    stored = reader.stored(view, features, entities)
    times = _times(rows, view)
    hidden = dict.fromkeys([key for key in keys if key in masked], MASK)
    told = [{**entity, **hidden} for entity in entities]
    counts = {
        item.name: _compare(
            _answered(rows[item.name].to_list(), item.type),
            stored[item.name],
            times,
            told,
            view,
            item.name in masked,
        )
        for item in view.features
    }
    return _report(view, rows.height, until, counts)


def _sample(view: Definition, repo: Path, until: datetime, size: int) -> pl.DataFrame:
    assert view.source is not None
    with one_snapshot(), readable(view.source):
        rows = within(scan(view.source, repo), view.source, label_start(view, until), until)
        found = counting(rows, view, view.source, until, repo).collect(engine="streaming")
    return found.sample(size, seed=0) if found.height > size else found


def _times(rows: pl.DataFrame, view: Definition) -> list[datetime]:
    from .join import utc

    assert view.source is not None
    name = view.source.time
    times: list[datetime] = rows.select(utc(name, rows.schema[name]))[name].to_list()
    return times


def _answered(values: list[Any], kind: str) -> list[Any]:
    """The values as look-ups answer them, where those have another form than a source: JSON, UUIDs
    and decimals that are text, sets that are lists.
    """
    if not kind.endswith("_SET") and kind.removesuffix("_LIST") not in _OTHER_FORMS:
        return values
    from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values
    from feast.value_type import ValueType

    def answered(value: Any) -> Any:
        try:
            (proto,) = python_values_to_proto_values([value], ValueType[kind])
            return feast_value_type_to_python_type(proto, ValueType[kind])
        except Exception:  # noqa: BLE001  # of many kinds, for a value that cannot be online
            return value

    return [answered(value) for value in values]


def _compare(
    expected: Sequence[Any],
    stored: Column,
    times: Sequence[datetime],
    entities: Sequence[Mapping[str, Any]],
    view: Definition,
    masked: bool = False,
) -> _Count:
    count = _Count()

    def shown(value: Any) -> str:
        return MASK if masked else f"{value!r:.40}"

    for value, online, at, online_at, entity in zip(
        expected, stored.values, times, stored.at, entities, strict=True
    ):
        named = ", ".join(f"{key}={item}" for key, item in entity.items()) or view.name
        if online_at is None:
            count.fault(
                "missing", f"{named}: not online; the source has {shown(value)} of {at:%F %T}"
            )
            continue
        newer = online_at.replace(microsecond=0) > at
        if newer and view.push:
            count.only_online += 1
            continue
        count.compared += 1
        older = at.replace(microsecond=0) > online_at
        if newer or older or not same(online, value):
            said = f"online {shown(online)} of {online_at:%F %T}"
            count.fault("different", f"{named}: {said}; in the source {shown(value)} of {at:%F %T}")
    return count


def same(online: Any, offline: Any) -> bool:
    """Whether a stored value is that of the source. Floating-point numbers may differ by the
    millionth part, and times by less than a second, since stores round them. Feast stores NaN as a
    null, and a null within a list as NaN.
    """
    if (online is None) != (offline is None):
        given = offline if online is None else online
        return isinstance(given, float) and math.isnan(given)
    if isinstance(offline, set) and isinstance(online, set):
        return same(*(sorted(values, key=str) for values in (online, offline)))
    if isinstance(offline, date) and isinstance(online, datetime):
        return abs((online - _moment(offline)).total_seconds()) < 1
    if isinstance(offline, list | tuple) and isinstance(online, list | tuple):
        return len(online) == len(offline) and all(map(same, online, offline))
    if _is_number(online) and _is_number(offline) and float in (type(online), type(offline)):
        both = math.isnan(online) and math.isnan(offline)
        return both or math.isclose(online, offline, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return bool(online == offline)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moment(value: date) -> datetime:
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _report(
    view: Definition, sampled: int, until: datetime, counts: Mapping[str, _Count]
) -> SkewReport:
    compared = sum(count.compared for count in counts.values())
    different = sum(count.different for count in counts.values())
    missing = sum(count.missing for count in counts.values())
    return SkewReport(
        view=view.name,
        until=until,
        sampled=sampled,
        compared=compared,
        different=different,
        missing_online=missing,
        rate=different / compared if compared else None,
        upper=upper_bound(different, compared),
        features={
            name: FeatureSkew(
                compared=count.compared,
                different=count.different,
                missing_online=count.missing,
                only_online=count.only_online,
                example=count.example,
            )
            for name, count in counts.items()
        },
        passed=different == 0 and missing == 0,
    )


def upper_bound(different: int, compared: int) -> float | None:
    """The largest rate of differences that the sample does not contradict, at 95 %; None for no
    sample. Source: Clopper and Pearson, one-sided; about 3/n for none of n.
    """
    if compared == 0:
        return None
    if different >= compared:
        return 1.0
    from scipy.stats import beta

    return float(beta.ppf(0.95, different + 1, compared - different))
