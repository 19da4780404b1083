"""What a cluster has is asked once for several that look at the same time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_mlinfra.jobs import backends


class Counting:
    def __init__(self, name: str) -> None:
        self.name, self.asked = name, 0

    def compute(self) -> object:
        self.asked += 1
        return SimpleNamespace(backend=self.name, asked=self.asked)


@pytest.mark.parametrize(("name", "asked"), [("slurm", 1), ("local", 2)])
def test_a_cluster_is_asked_again_after_a_while_and_this_machine_each_time(
    monkeypatch: pytest.MonkeyPatch, name: str, asked: int
) -> None:
    clock, backend = [1000.0], Counting(name)
    monkeypatch.setattr(backends, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    backends.recent_compute(backend)  # type: ignore[arg-type]
    backends.recent_compute(backend)  # type: ignore[arg-type]
    assert backend.asked == asked
    clock[0] += backends.COMPUTE_SECONDS + 0.1
    backends.recent_compute(backend)  # type: ignore[arg-type]
    assert backend.asked == asked + 1
