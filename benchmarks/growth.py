"""How the cost of looking after deployments grows with their number, and with that of versions.

    python benchmarks/growth.py [--rounds 5]

10 and 100 deployments of two warm versions each; one deployment of 10 and of 100 versions, of which
two are warm. They are in the store, without processes: the keeper's round is the real one over
workers and an Envoy that are as they should be, and without asking Envoy for its counters. Measured
is processor time; ten times as many may cost at most 12 times as much (else it ends with 1).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.gateway import DeploymentPlan, Keys, VersionPlan
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets import keeper
from jupyter_mlinfra.deployments.targets.envoy import configuration, watched_files
from jupyter_mlinfra.experiments import Experiments

TIMES, MOST = 10, 12
LEAST_SECONDS = 0.2
"""An action is repeated until it has taken so long."""
SHARES = {"v1": 90, "v2": 10}


class WarmWorkers:
    """Workers of all versions that are wanted; nothing happens to them."""

    def __init__(self, wanted: Sequence[tuple[str, str]]) -> None:
        self.all = dict.fromkeys(wanted)
        self.events: list[Any] = []

    def sockets(self, key: tuple[str, str]) -> list[str]:
        return ["@".join(key)] if key in self.all else []

    def ready(self, _: object) -> int:
        return 1

    def damage(self, _: object) -> str:
        return ""

    def outdated(self, _: object) -> bool:
        return False

    def keep(self, launch: object, count: int) -> None: ...

    def note(self) -> None: ...

    def note_refused(self) -> None: ...


class SteadyGateway:
    """An Envoy that has the configuration."""

    def keep(self, _: object) -> bool:
        return True

    def alive(self) -> bool:
        return True

    def apply(self, plans: Sequence[DeploymentPlan]) -> bool:
        return bool(configuration.files(plans, port=1, keys=Keys("probe")))


class NoMeasures:
    """Nobody asks Envoy."""

    p95_ms: Mapping[tuple[str, str], float] = {}

    def step(self, *_: object, **__: float) -> bool:
        return False

    def mark(self, plans: object) -> None: ...


class Shop:
    """A project with so many deployments of so many versions."""

    def __init__(self, root: Path, deployments: int, versions: int) -> None:
        root.joinpath("mlinfra.toml").write_text("")
        self.project = Project(root)
        self.store = DeploymentStore(self.project.database, self.project.name)
        self.names = [f"d{number:03d}" for number in range(deployments)]
        for name in self.names:
            for number in range(1, versions + 1):
                self.store.begin(
                    name, f"v{number}", target="local", model="m", number=number, workers=1
                )
        with self.project.database.write() as connection:
            connection.execute(
                "UPDATE deployment_version SET state = 'stopped', proved = 1, deployer = ''"
            )
            for version, share in SHARES.items():
                connection.execute(
                    "UPDATE deployment_version SET state = 'ready', wanted = 1, traffic = ?"
                    " WHERE version = ?",
                    (share, version),
                )
        self.deployments = Deployments(self.project, Experiments(self.project))
        self.keeper = self._keeper()
        self.plans = [self._plan(name) for name in self.names]

    def _keeper(self) -> keeper.Keeper:
        made: Any = keeper.Keeper(self.project)
        made.workers = WarmWorkers([(name, version) for name in self.names for version in SHARES])
        made.gateway, made.measures = SteadyGateway(), NoMeasures()
        made._note_gateway = lambda: None
        found: keeper.Keeper = made
        return found

    def _plan(self, name: str) -> DeploymentPlan:
        versions = [
            VersionPlan(version=version, sockets=[f"{name}-{version}.sock"]) for version in SHARES
        ]
        return DeploymentPlan(name=name, namespace="default", versions=versions, weights=SHARES)

    def look_after(self) -> None:
        """One round of the keeper, in which nothing changes."""
        self.keeper.step()

    def write(self) -> None:
        """All files of Envoy, each swapped for a new one."""
        for name, text in configuration.files(self.plans, port=1, keys=Keys("probe")).items():
            Path(name).unlink(missing_ok=True)
            watched_files.swap(name, text)

    def show(self) -> None:
        self.deployments.show(self.names[0])

    def list(self) -> None:
        """All pages."""
        cursor: str | None = ""
        while cursor is not None:
            cursor = self.deployments.list(limit=500, cursor=cursor or None).cursor


def cost(action: Callable[[], None], rounds: int) -> float:
    """Milliseconds of processor time of one action, in the median of the rounds."""
    action()
    found = []
    for _ in range(rounds):
        times, began = 0, time.process_time()
        while (spent := time.process_time() - began) < LEAST_SECONDS:
            action()
            times += 1
        found.append(1000 * spent / times)
    return statistics.median(found)


def costs(deployments: int, versions: int, rounds: int) -> dict[str, float]:
    """Of each action."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where the keeper has Envoy's files
        shop = Shop(Path(folder), deployments, versions)
        actions = {
            "list": shop.list,
            "show one": shop.show,
            "round of the keeper": shop.look_after,
            "Envoy's files": shop.write,
        }
        try:
            return {name: cost(action, rounds) for name, action in actions.items()}
        finally:
            os.chdir("/")


def main() -> int:
    """Print a line for each action and kind of growth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    missed = []
    for what, few, many in (
        ("deployments", (10, 2), (10 * TIMES, 2)),
        ("versions", (1, 10), (1, 10 * TIMES)),
    ):
        before, after = costs(*few, rounds), costs(*many, rounds)
        print(f"{what}: CPU ms of 10, of {10 * TIMES}")
        for name, one in before.items():
            ratio = after[name] / one
            print(f"  {name:20s} {one:8.2f} {after[name]:8.2f}   {ratio:5.1f} times")
            if ratio > MOST:
                missed.append(f"{name}, ten times the {what}: {ratio:.1f} times")
    for text in missed:
        print(f"OUT OF BOUNDS: {text}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
