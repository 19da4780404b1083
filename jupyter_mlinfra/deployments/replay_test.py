"""The test before traffic *replay*: whether a version answers what clients send to those that serve
now. That is what they have logged; without a log, the sample of the one that serves.

Some of it may be refused. A row that ends the model's process is the model's fault, and fails the
test at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ..core.errors import MLInfraError, Unprocessable
from . import client
from .bodies import row_at, rows_in, seldon_body
from .comparing import AnswerComparison
from .gateway import Keys
from .logged import Input
from .packaging import Bundle, load_bundle
from .personal import hidden_inputs
from .replaying import Limits, Subject, replay, window
from .runtime.guard import ENDS
from .settings import DeploymentSettings
from .spec import Gate
from .targets.layout import payload_folder

if TYPE_CHECKING:
    from ..core.project import Project
    from .rows import DeploymentRow

LIMITS = Limits(rows=500, seconds=10.0, timed=50)

MOST_REFUSED = 0.01
"""Share of the requests of today's clients that a version may refuse."""


def tested(
    project: Project,
    row: DeploymentRow,
    *,
    version: str,
    bundle: Bundle,
    url: str,
    keys: Keys,
) -> Gate | None:
    """Send a version what the log has of those with traffic, as their clients sent it. None if no
    other has traffic.
    """
    settings = project.settings.of(DeploymentSettings)
    live = {name: share for name, share in row.traffic.items() if share and name != version}
    bundles = _bundles(row, live)
    if not bundles or not settings.replay_test_hours:
        return None
    subject = Subject(
        deployment=row.name,
        version=version,
        bundle=bundle,
        url=url,
        keys=keys,
        against=next(iter(bundles)),
        may_die=False,
        hides_values=hidden_inputs(project).any,
    )
    since, until = window(timedelta(hours=settings.replay_test_hours))
    limit = _limit(settings)
    try:
        found = replay(
            payload_folder(project, row.name),
            subject,
            since=since,
            until=until,
            limits=LIMITS,
            sent={name: of.inputs for name, of in bundles.items() if of.layout == "columns"},
        )
    except Unprocessable:  # nothing is logged that could be sent again
        return _unlogged(subject, bundles[subject.against])
    except MLInfraError as error:
        said = f"{error.what} {error.why}".strip()[:500]
        return Gate(name="replay", limit=limit, measured=said, passed=False)
    return Gate(name="replay", limit=limit, measured=_said(found), passed=_passes(found, settings))


def _bundles(row: DeploymentRow, live: Mapping[str, int]) -> dict[str, Bundle]:
    """Of the versions with traffic, most traffic first; without those that cannot be read."""
    found = {}
    for name in sorted(live, key=lambda name: -live[name]):
        with contextlib.suppress(MLInfraError, OSError):
            found[name] = load_bundle(Path(row.version(name).bundle))
    return found


def _unlogged(subject: Subject, live: Bundle) -> Gate:
    """The test without a log. live: of `subject.against`.

    Its sample is sent. Values that are looked up by keys may have gone since the sample was taken,
    so with features in either version what requests carry is compared instead.
    """
    if live.features or subject.bundle.features:
        problem = _unfit(subject, live.inputs)
        return Gate(
            name="replay",
            limit=f"requests carry what those to {subject.against} do",
            measured=problem or f"no request is logged; the inputs of {subject.against} fit",
            passed=not problem,
        )
    count = rows_in(live.asked)
    limit = f"at most {MOST_REFUSED:.0%} of the rows of {subject.against}'s sample are refused"
    reasons: list[str] = []
    for place in range(count):
        if reason := _refusal(subject, live, row_at(live.asked, place)):
            reasons.append(reason)
        if ENDS in reason:
            measured = f"row {place + 1} ends the model's process (exit or crash)"
            return Gate(name="replay", limit=limit, measured=measured, passed=False)
    measured = f"no request is logged; {count - len(reasons):,} of {count:,} rows answered"
    return Gate(
        name="replay",
        limit=limit,
        measured=f"{measured}; {len(reasons):,} refused: {reasons[0][:300]}"
        if reasons
        else measured,
        passed=len(reasons) <= MOST_REFUSED * count,
    )


def _unfit(subject: Subject, sent: Sequence[Input]) -> str:
    """Why requests with these inputs are refused by a version; empty if they are not."""
    takes, against = subject.bundle.inputs, subject.against
    given, known = {item.name for item in sent}, {item.name for item in takes}
    missing = [item.name for item in takes if not item.optional and item.name not in given]
    unknown = [item.name for item in sent if not item.optional and item.name not in known]
    parts = [
        f"{subject.version} needs {', '.join(missing)}, which {against} does not take"
        * bool(missing),
        f"{against} needs {', '.join(unknown)}, which {subject.version} does not take"
        * bool(unknown),
    ]
    return "; ".join(part for part in parts if part)


def _refusal(subject: Subject, live: Bundle, row: Mapping[str, Any]) -> str:
    """Why a row of a sample is not answered; empty if it is."""
    body = orjson.dumps(seldon_body(live, row))
    try:
        answer = client.post(
            subject.url, body, keys=subject.keys, version=subject.version, probe=True
        )
        client.prediction(answer, version=subject.version)
    except MLInfraError as error:
        return f"{error.what} {error.why}".strip()
    return ""


def _limit(settings: DeploymentSettings) -> str:
    parts = [f"at most {MOST_REFUSED:.0%} of the logged rows are refused"]
    if settings.replay_agreement:
        parts.append(f"agreement at least {settings.replay_agreement:.1%}")
    if settings.replay_shift:
        parts.append(f"score shift at most {settings.replay_shift:g} standard deviations")
    return ", ".join(parts)


def _passes(found: AnswerComparison, settings: DeploymentSettings) -> bool:
    shift = abs(found.score_shift or 0.0)
    return (
        found.refused <= MOST_REFUSED * (found.rows + found.refused)
        and (found.agreement or 0.0) >= settings.replay_agreement
        and (not settings.replay_shift or shift <= settings.replay_shift * (found.spread or 0.0))
    )


def _said(found: AnswerComparison) -> str:
    parts = [
        f"agreement {found.agreement:.1%}" if found.agreement is not None else "",
        f"score shift {found.score_shift:+.3g}" if found.score_shift is not None else "",
        _times(found.latency),
    ]
    refused = f"; {found.refused:,} rows refused: {' '.join(found.notes)}" if found.refused else ""
    answered = f"{found.rows:,} rows answered: " + ", ".join(part for part in parts if part)
    return answered.removesuffix(": ") + refused


def _times(latency: Mapping[str, float | None]) -> str:
    own, given = latency.get("p95_ms"), latency.get("given_p95_ms")
    if own is None:
        return ""
    return f"p95 {own:.1f} ms" + (f" (now {given:.1f} ms)" if given is not None else "")
