"""The service of the feature store. Browsing reads a copy of the registry; Feast is loaded only to
read values.
"""

from __future__ import annotations

from .verbs.browsing import BrowsingVerbs
from .verbs.defining import DefiningVerbs
from .verbs.online import OnlineVerbs
from .verbs.training import TrainingVerbs


class Features(BrowsingVerbs, DefiningVerbs, TrainingVerbs, OnlineVerbs):
    """The feature store of one project: Feast over its repository; thread-safe."""
