"""A Ray for tests: its Jobs API and as much of its state API as is asked for, answers as a real
2.60 gave them; entrypoints really run.

`make ray` runs the same cases against the real thing.
"""

from .cluster import Cluster
from .server import FakeRay

__all__ = ["Cluster", "FakeRay"]
