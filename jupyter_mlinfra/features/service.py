"""The service of the feature store. Browsing reads a copy of the registry; Feast is loaded only to
read values.
"""

from __future__ import annotations

from .verbs.labelling import LabellingVerbs
from .verbs.online import OnlineVerbs
from .verbs.registered import RegisteredVerbs
from .verbs.training import TrainingVerbs


class Features(RegisteredVerbs, LabellingVerbs, TrainingVerbs, OnlineVerbs):
    """The feature store of one project: Feast over its repository; thread-safe."""
