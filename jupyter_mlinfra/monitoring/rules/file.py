"""Reading a rule file `*.mlrules.yaml`; each fault has its line, its reason and a fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...core.documents import Document, FileKind, KeyPath, parse_document, read_document
from ...core.errors import MLInfraError
from ..against import METRICS as MEASURED_AGAINST
from ..against import REFERENCE
from ..state import NoData
from .file_model import RuleEntry, RulesFile, keys_at, moment_of, seconds_of
from .kinds import KindRule, RuleKind, make_kind
from .spec import FAMILIES, METRICS, THRESHOLD, Operator, RuleSilence, ThresholdRule

SUFFIX = ".mlrules.yaml"
MAX_RULES = 1000
KIND = FileKind(
    noun="rule file",
    empty=("It has no rules.", "Write at least `rules:` with one rule."),
    listing="mlinfra rules list",
    too_large="Split it into several files.",
)
_ELSEWHERE = {
    "alert": "name",
    "hold": "for",
    "expr": "metric",
    "resolve_below": "clear",
    "group_by": "by",
    "labels": "where",
    "inhibit": "inhibited_by",
    "value": "threshold",
}
"""Keys under the names that other tools use."""

Fault = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file and what is wrong with it. rules: empty if anything is; switched_off: names (with
    their monitor) that it disables.
    """

    name: str
    rules: Sequence[ThresholdRule]
    switched_off: Sequence[tuple[str, str]]
    faults: Sequence[MLInfraError]


def read_file(path: Path, name: str) -> ReadFile:
    """Read and check one file. `name` is what messages call it."""
    try:
        document = read_document(path, name, KIND)
    except MLInfraError as error:
        return ReadFile(name, (), (), (error,))
    return _checked(document)


def read_text(text: str, name: str) -> ReadFile:
    """The same for a text that is not saved yet."""
    try:
        document = parse_document(text, name, KIND)
    except MLInfraError as error:
        return ReadFile(name, (), (), (error,))
    return _checked(document)


def _checked(document: Document) -> ReadFile:
    found: list[tuple[int, MLInfraError]] = []

    def fault(path: KeyPath, what: str, why: str = "", fix: str = "") -> None:
        found.append((document.line(path), document.error(path, what, why, fix)))

    file = _read(document, fault)
    kinds = [] if file is None else _check_all(document, file, fault)
    if file is None or found:
        by_line = sorted(found, key=lambda item: item[0])
        return ReadFile(document.name, (), (), [error for _, error in by_line])
    group = file.group or Path(document.name).name.removesuffix(SUFFIX)
    rules = [
        _rule(entry, kind, file, group, f"{document.name}:{document.line(('rules', place))}")
        for place, (entry, kind) in enumerate(zip(file.rules, kinds, strict=True))
        if entry.enabled
    ]
    off = [
        (item.name, item.monitor or file.monitor or "") for item in file.rules if not item.enabled
    ]
    return ReadFile(document.name, rules, off, ())


def _read(document: Document, fault: Fault) -> RulesFile | None:
    """The file by its schema; None with every fault of it, also those in rules that are sound but
    for it.
    """
    if not isinstance(document.data, dict):
        fault((), "a rule file is a mapping.", fix="Begin with `rules:`.")
        return None
    try:
        return RulesFile.model_validate(document.data)
    except ValidationError as error:
        _explain(error, fault)
    rules = document.data.get("rules")
    for place, given in enumerate(rules if isinstance(rules, list) else ()):
        if (entry := _sound_part(given)) is not None:
            _check(entry, ("rules", place), fault)
    return None


def _sound_part(given: Any) -> RuleEntry | None:
    """A rule without the values that cannot be used; None if too little is left."""
    try:
        return RuleEntry.model_validate(given)
    except ValidationError as error:
        bad = {item["loc"][0] for item in error.errors() if item["loc"]}
    if not isinstance(given, dict) or "metric" in bad:
        return None
    if "threshold" in bad:
        bad.add("clear")  # it is judged by the threshold
    if "kind" in bad:
        bad.add("with")  # it is judged by the kind
    sound = {key: value for key, value in given.items() if key not in bad}
    try:
        return RuleEntry.model_validate({"name": "rule", "threshold": 0.0, **sound})
    except ValidationError:
        return None


def _check_all(document: Document, file: RulesFile, fault: Fault) -> list[RuleKind | None]:
    """The kind of each rule, None of ours."""
    if len(file.rules) > MAX_RULES:
        fault(("rules",), f"there are more than {MAX_RULES} rules.", fix="Split the file.")
    seen: dict[tuple[str, str], int] = {}
    for place, entry in enumerate(file.rules):
        key = (entry.name, entry.monitor or file.monitor or "")
        if key in seen:
            line = document.line(("rules", seen[key]))
            why = f"It is also on line {line}."
            fault(("rules", place, "name"), f"rule {entry.name} is given twice.", why, "Keep one.")
        seen[key] = place
    return [_check(entry, ("rules", place), fault) for place, entry in enumerate(file.rules)]


def _check(entry: RuleEntry, at: KeyPath, fault: Fault) -> RuleKind | None:
    """What the schema cannot say. The kind of the rule, None of ours."""
    _check_metric(entry, at, fault)
    _check_threshold(entry, at, fault)
    _check_against(entry, at, fault)
    if entry.name in (entry.inhibited_by or ()):
        fault(
            (*at, "inhibited_by"),
            f"rule {entry.name} is inhibited by itself.",
            "Nobody would ever be told of it.",
            "Take it out.",
        )
    return _kind(entry, at, fault)


def _kind(entry: RuleEntry, at: KeyPath, fault: Fault) -> RuleKind | None:
    """The kind of another package, made with its options, which it checks; None of ours."""
    if entry.kind == THRESHOLD:
        if entry.with_:
            why = f"They are for kinds of other packages; this one is a {THRESHOLD}."
            fault((*at, "with"), f"rule {entry.name} has no options.", why, "Name its kind.")
        return None
    see = f"See the documentation of the package that adds {entry.kind}."
    try:
        return make_kind(entry.kind, entry.with_)
    except MLInfraError as error:
        fault((*at, "kind"), error.what, error.why, error.fix)
    except ValidationError as error:
        for item in error.errors():
            place = ("with", *item["loc"])
            what = f"{'.'.join(map(str, place))} cannot be used."
            fault((*at, *place), what, f"{item['msg']}.", see)
    except (TypeError, ValueError) as error:
        fault((*at, "with"), f"{entry.kind} does not take these options.", f"{error}.", see)
    return None


def _check_metric(entry: RuleEntry, at: KeyPath, fault: Fault) -> None:
    family, _, name = entry.metric.partition(".")
    if entry.metric not in METRICS and not (family in FAMILIES and name):
        close = get_close_matches(
            entry.metric, [*METRICS, *(f"{item}.roc_auc" for item in FAMILIES)], 1
        )
        fault(
            (*at, "metric"),
            f"there is no metric {entry.metric}.",
            f"Metrics: {', '.join([*METRICS, *(f'{family}.NAME' for family in FAMILIES)])}.",
            f"Did you mean {close[0]}?" if close else "Name one of these.",
        )
    if entry.share_of_at_least and not entry.metric.endswith("_fraction"):
        fault(
            (*at, "share_of_at_least"),
            f"{entry.metric} is not a share of requests.",
            "share_of_at_least is for error_fraction and refused_fraction.",
            "Use min_rows.",
        )


def _check_threshold(entry: RuleEntry, at: KeyPath, fault: Fault) -> None:
    op = Operator(entry.op)
    if (
        entry.clear is not None
        and (entry.clear > entry.threshold) is op.upward
        and (entry.clear != entry.threshold)
    ):
        fault(
            (*at, "clear"),
            f"clear {entry.clear:g} is on the bad side of the threshold {entry.threshold:g}.",
            "An alert would end while its threshold is still crossed.",
            f"Write a value {'below' if op.upward else 'above'} {entry.threshold:g}.",
        )


def _check_against(entry: RuleEntry, at: KeyPath, fault: Fault) -> None:
    if entry.against != REFERENCE and entry.metric not in MEASURED_AGAINST:
        fault(
            (*at, "against"),
            f"{entry.metric} is not measured against anything.",
            f"against is for {', '.join(MEASURED_AGAINST)}.",
            "Take it out.",
        )
    if entry.against != REFERENCE and "segment" in (*entry.by, *entry.where.model_fields_set):
        fault(
            (*at, "against"),
            f"segments are compared with the {REFERENCE} only.",
            f"{entry.against} is for all rows.",
            f"Take `segment` out, or write `against: {REFERENCE}`.",
        )


def _rule(
    entry: RuleEntry, kind: RuleKind | None, file: RulesFile, group: str, source: str
) -> ThresholdRule:
    def pick(key: str, fallback: Any) -> Any:
        own, default = getattr(entry, key), getattr(file.defaults, key)
        return own if own is not None else default if default is not None else fallback

    silence = (
        None
        if entry.silence is None
        else RuleSilence(
            until=moment_of(entry.silence.until).timestamp(),
            who=entry.silence.who,
            why=entry.silence.why,
        )
    )
    where = entry.where.model_dump(exclude_none=True)
    made = ThresholdRule if kind is None else partial(KindRule, judged_by=kind)
    return made(
        name=entry.name,
        kind=entry.kind,
        metric=entry.metric,
        op=Operator(entry.op),
        threshold=entry.threshold,
        clear=entry.clear,
        against=entry.against,
        hold_seconds=seconds_of(pick("for_", "0s")),
        keep_firing_seconds=seconds_of(pick("keep_firing_for", "0s")),
        min_rows=pick("min_rows", 0),
        share_of_at_least=entry.share_of_at_least or 0,
        severity=pick("severity", "warning"),
        group=group,
        monitor=entry.monitor or file.monitor or "",
        where={name: tuple(values) for name, values in where.items()},
        by=tuple(dict.fromkeys(entry.by)),
        no_data=NoData(pick("no_data", NoData.KEEP)),
        stale_seconds=seconds_of(pick("stale_after", "24h")),
        inhibited_by=tuple(pick("inhibited_by", ())),
        receivers=None if pick("receivers", None) is None else tuple(pick("receivers", ())),
        owner=pick("owner", ""),
        summary=entry.summary,
        runbook=entry.runbook,
        silence=silence,
        source=source,
    )


def _explain(error: ValidationError, fault: Fault) -> None:
    """Every error of pydantic in words. A misspelt key is both unknown and missing: only the first
    is in the file.
    """
    found = error.errors()
    misspelt = {item["loc"][:-1] for item in found if item["type"] == "extra_forbidden"}
    for item in found:
        path: KeyPath = item["loc"]
        key = str(path[-1]) if path else ""
        if item["type"] == "extra_forbidden":
            keys = keys_at(path[:-1])
            other = _ELSEWHERE.get(key)
            close = [other] if other in keys else get_close_matches(key, keys, 1, 0.5)
            fix = f"Did you mean {close[0]}?" if close else "Take it out."
            fault(path, f"unknown key {key}.", f"Known here: {', '.join(keys)}.", fix)
        elif item["type"] == "missing" and path[:-1] not in misspelt:
            fault(path[:-1], f"{_named(path[:-1])} has no {key}.", fix=f"Add `{key}: …`.")
        elif item["type"] == "string_pattern_mismatch":
            why = "A name has letters, digits, dot, - and _ (a monitor: small letters, digits, -)."
            fault(path, f"{item['input']!r} cannot be a name.", why, "Choose another.")
        elif item["type"] != "missing":
            problem = re.sub(r"^Value error, ", "", item["msg"])
            place = ".".join(map(str, path))
            fault(path, f"{place} cannot be used.", f"{problem}.", "See docs/rules.md.")


def _named(path: KeyPath) -> str:
    return f"rule {int(path[1]) + 1}" if path[:1] == ("rules",) and len(path) > 1 else "the file"
