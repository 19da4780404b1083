"""What the values of a view tell: read from its source, computed at events, or taken from its last
stored training set; once for each state of these.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalog import Profile
from ...core.errors import Conflict, MLInfraError
from ...core.files import write_atomic
from ...core.records import to_json
from ...core.viewer import Reveal
from ..definitions import Definition, stem_of
from ..masking import hidden_of
from ..pages import short_type, view_ref
from ..repo import folder
from ..sources import SourceSpec, one_snapshot, readable, scan
from . import trained
from .computed import OnDemand, Values, window_values
from .drift import Drift, between, drifts
from .spec import TrainingWindow
from .stored_values import stored_profile

if TYPE_CHECKING:
    from feast import FeatureStore
    from pydantic import TypeAdapter

    from ...core.project import Project

SAMPLED = 100_000
"""Rows that the profile of a source without sketches is told from."""

_FORM = 4
"""Of the files; what was kept in another one is computed again."""

NO_TRAINING = (
    f"No training set of at least {trained.FEWEST} rows was made of this view: there is nothing to"
    " measure drift against."
)
_NOT_RUN = "Drift needs its values after training, and its code was not run for them."
_ROWS = "the rows of the source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What reading the rows has told; see `ViewStatistics`."""

    profile: Profile | None = None
    drift: Mapping[str, Drift] = field(default_factory=dict)
    no_drift: str = ""
    told_from: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A view whose statistics are asked for. masked: what is not shown."""

    project: Project
    view: Definition
    views: Mapping[str, Definition]
    window: TrainingWindow | None
    masked: frozenset[str]

    def read(self, source: SourceSpec, state: str) -> Found:
        """What is known of a source in this state, or read now."""
        if state and (kept := self._kept(state)):
            return kept
        view, repo = self.view, folder(self.project)
        with one_snapshot(), readable(source):
            if view.aggregated:
                values = window_values(view, source, repo, self.window)
                return self._keep(self._told(values, self.masked), state)
            found = Found(
                profile=_profile(view, source, repo), no_drift=NO_TRAINING, told_from=_ROWS
            )
            if self.window is not None:
                drift, reason = drifts(view, repo, self.window)
                found = replace(found, drift=drift, no_drift=reason)
        return self._keep(found, state)

    def revealed(
        self, found: Found, source: SourceSpec, reveal: Reveal
    ) -> tuple[Found, frozenset[str]]:
        """The same with what the viewer may see, and what stays masked."""
        view, repo = self.view, folder(self.project)
        if view.aggregated:
            left = self._hidden(reveal)
            with one_snapshot(), readable(source):
                values = window_values(view, source, repo, self.window)
            return self._told(values, left), left
        if source.kind == "dataset":
            return replace(found, profile=_profile(view, source, repo, reveal)), frozenset()
        return found, self.masked

    def _hidden(self, reveal: Reveal) -> frozenset[str]:
        if not reveal:
            return self.masked
        return hidden_of(self.project, self.view, self.views, reveal, verb="features statistics")

    def stored(self, reveal: Reveal) -> tuple[Found, frozenset[str]]:
        """What the last stored training set tells of a view whose code is not run, and what stays
        masked.
        """
        hidden = self._hidden(reveal)
        profile, words = stored_profile(self.project, self.view, self.window, hidden, reveal)
        reason = NO_TRAINING if self.window is None else _NOT_RUN
        return Found(profile=profile, no_drift=reason, told_from=words), hidden

    def run(self, feast: Callable[[], FeatureStore]) -> Found:
        """Run the code of an on-demand view. Raises Conflict, Unprocessable."""
        asked = OnDemand.of(self.view, self.views)
        if asked is None:
            raise Conflict(
                f"{self.view.name} is not computed on a sample.",
                "Only an on-demand view has code for that, and one of the views that it is computed"
                " from must have all keys and a source that is read here.",
                f"mlinfra features statistics {self.view.name}",
            )
        repo = folder(self.project)
        values = asked.values(feast(), self.views, repo, self.window, telling=not self.masked)
        return self._keep(self._told(values, self.masked), asked.state(self.views, repo))

    def kept_run(self) -> Found | None:
        """What running the code has told, if nothing has changed since."""
        asked = OnDemand.of(self.view, self.views)
        state = asked.state(self.views, folder(self.project)) if asked else ""
        return self._kept(state) if state else None

    def _told(self, values: Values, masked: Collection[str]) -> Found:
        from ...catalog import profile_of

        frame = values.every.frame
        profile = profile_of(
            frame.lazy(),
            {column.name: short_type(column.type) for column in self.view.features},
            ref=view_ref(self.view.name),
            sample_rows=frame.height,
            sample_of_rows=values.every.rows,
            masked=masked,
        )
        found = Found(profile=profile, no_drift=NO_TRAINING, told_from=values.words)
        if values.before is None or values.after is None:
            return found
        drift, reason = between(values.before, values.after)
        return replace(found, drift=drift, no_drift=reason)

    def _mark(self, state: str) -> str:
        facts = (_FORM, state, self.window, sorted(self.masked))
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    @property
    def _path(self) -> Path:
        name = f"{stem_of(self.view.name)}-{self.view.digest}.json"
        return self.project.folder("features", "figures") / name

    def _kept(self, state: str) -> Found | None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._path.read_bytes())
            if kept["mark"] == self._mark(state):
                return _adapter().validate_python(kept["found"])
        return None

    def _keep(self, found: Found, state: str) -> Found:
        body = {"mark": self._mark(state), "found": to_json(asdict(found))}
        with contextlib.suppress(MLInfraError):  # a full disk costs time, but no page
            write_atomic(self._path, json.dumps(body).encode())
        return found


def _profile(view: Definition, source: SourceSpec, repo: Path, reveal: Reveal = False) -> Profile:
    """That of the dataset, which keeps sketches, else one of the rows."""
    from ...catalog import profile_of
    from ..sources.datasets import catalog_of

    names = {column.name: short_type(column.type) for column in view.features}
    if source.kind == "dataset":
        pinned = f"{source.name}@{source.snapshot}" if source.snapshot else source.name
        mapping = dict(source.mapping)
        origin = {new: old for old, new in mapping.items()}
        found = catalog_of(source, repo).profile(
            pinned,
            columns=[origin.get(name, name) for name in names],
            reveal=reveal,
            verb="features statistics",
        )
        told = {mapping.get(name, name): item for name, item in found.columns.items()}
        return replace(found, columns={name: told[name] for name in names if name in told})
    frame = scan(source, repo)
    there = frame.collect_schema()
    types = {name: kind for name, kind in names.items() if name in there}
    return profile_of(frame, types, ref=view_ref(view.name), sample_rows=SAMPLED)


@cache
def _adapter() -> TypeAdapter[Found]:
    from pydantic import TypeAdapter

    return TypeAdapter(Found)
