"""A Kubernetes for tests: an API server that refuses what a real one would, and really runs the
pods of Jobs. No cluster, no container.
"""

from .server import VERSIONS, Answer, FakeKubernetes, refuse

__all__ = ["VERSIONS", "Answer", "FakeKubernetes", "refuse"]
