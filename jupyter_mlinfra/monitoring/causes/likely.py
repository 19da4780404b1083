"""The likely cause of an alert in a few words, out of all that is known of its feature."""

from __future__ import annotations

from ...core.refs import Ref
from ..spec import Alert
from .spec import CausePlace, CauseSource, FeatureCause

_OF_FEATURES = frozenset(
    ("psi", "ks", "wasserstein", "js", "hellinger", "chi2", "missing", "unseen", "out_of_range")
)
"""Metrics that each feature has."""


def feature_of(alert: Alert) -> str:
    """The feature that an alert is about; empty if it is about none."""
    if alert.metric not in _OF_FEATURES:
        return ""
    return alert.labels.get("feature") or alert.subject


def likely(found: FeatureCause) -> str:
    """The code nearest to the model, such as `ingest.ipynb, cell 4, changed since`, else what wrote
    the data; empty if neither is known.
    """
    places = [place for source in found.sources for place in source.places]
    changed = [place for place in places if place.change == "changed"]
    if places:
        return _place((changed or places)[0])
    return next((words for source in found.sources if (words := _writer(source))), "")


def _place(place: CausePlace) -> str:
    where = place.file if place.cell is None else f"{place.file}, cell {place.cell}"
    return f"{where}, changed since" if place.change == "changed" else where


def _writer(source: CauseSource) -> str:
    return Ref.parse(source.step).name if source.step else source.notebook
