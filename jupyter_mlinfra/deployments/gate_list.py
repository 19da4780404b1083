"""The tests before traffic of one deploy, kept as they are carried out: of a deploy that is stopped
it stays known how far it came, and which test stopped it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from ..core.errors import MLInfraError, Unprocessable
from .log_tail import without_secrets
from .spec import Gate


class Stopped(Unprocessable):
    """A test before traffic has stopped a deploy; the version's tests say which."""


class GateList:
    """keep: stores the tests so far."""

    def __init__(self, keep: Callable[[Sequence[Gate]], None]) -> None:
        self._keep = keep
        self.gates: list[Gate] = []

    def add(self, gate: Gate) -> None:
        """One more, without secrets in what was measured."""
        self.gates.append(replace(gate, measured=without_secrets(gate.measured)))
        self._keep(self.gates)

    def step[T](
        self,
        name: str,
        limit: str,
        work: Callable[[], T],
        measured: Callable[[T], str],
        *,
        fails: type[MLInfraError] = Unprocessable,
        log: Callable[[MLInfraError], str] = lambda _: "",
    ) -> T:
        """A step that is a test because it may fail; what it returns. measured: what is to be said
        of that. fails: what it raises, besides Unprocessable, if it is the model that fails. log:
        the last lines that it printed before it failed.

        Raises Stopped if it fails. Any other error, such as a full disk, says nothing of the model
        and is raised as it is.
        """
        try:
            found = work()
        except (Unprocessable, fails) as error:
            self.fail(name, limit, error, log(error))
        self.add(Gate(name=name, limit=limit, measured=measured(found), passed=True))
        return found

    def fail(self, name: str, limit: str, error: MLInfraError, log: str = "") -> NoReturn:
        """Add a test that an error has ended, and raise Stopped for it."""
        what, why = without_secrets(error.what), without_secrets(error.why)
        said = f"{what} {why}".strip()[:500]
        self.add(Gate(name=name, limit=limit, measured=said, passed=False, log=log))
        raise Stopped(what, why, error.fix) from error

    def check(self, name: str) -> None:
        """Raise Stopped if one has failed. name: of the model's version."""
        failed = [gate for gate in self.gates if gate.passed is False]
        if failed:
            why = "; ".join(
                f"{gate.name}: {gate.limit}, measured {gate.measured}" for gate in failed
            )
            raise Stopped(
                f"{name} did not pass its tests before traffic"
                f" ({len(self.gates) - len(failed)} of {len(self.gates)}).",
                f"{why}.",
                "Correct the model and register a new version. The traffic is unchanged.",
            )
