"""A deployment in several clusters: one after the other, each healthy before the next, and each
with a way back of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...core.errors import Conflict, MLInfraError, NotFound, Unprocessable
from ...core.files import file_lock, write_atomic
from .cluster import POLL_SECONDS, Cluster, Manifest

_CURRENT = "+current"
"""Stands for the current context, in the name of a file; no quoted context has a plus in it."""
KEPT = 20
"""States that a region remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A state of a region: what was applied, by whom, and what became of it.

    outcome: `applying` until it is known; `ready`, `failed`, `rolled back`.
    """

    at: float
    user: str
    manifests: Sequence[Manifest]
    outcome: str = "applying"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """What a rollout did in one cluster. outcome: `ready`, `rolled back`, `failed` (also the way
    back), `not reached` (a region before it failed).
    """

    context: str
    outcome: str
    reason: str = ""


class Regions:
    """The regions of one deployment. Their states are in a file each, so that a rollout that was
    killed can be rolled back by whoever comes next.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cluster: Callable[[str], Cluster],
        user: str,
        now: Callable[[], float],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._folder, self._cluster, self._user, self._now = folder, cluster, user, now
        self._poll_seconds = poll_seconds

    def roll_out(
        self,
        contexts: Sequence[str],
        manifests: Sequence[Manifest],
        *,
        timeout_seconds: float,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> Sequence[Region]:
        """Apply to one region after the other. A region that does not become ready gets back what
        it had, and those after it are not touched; those before it keep the new state.
        """
        done = list[Region]()
        for place, context in enumerate(contexts):
            with self._locked(context):
                region = self._one(context, manifests, timeout_seconds, on_progress)
            done.append(region)
            if region.outcome != "ready":
                after = f"{region.context} before it did not become ready"
                done += [
                    Region(context=left, outcome="not reached", reason=after)
                    for left in contexts[place + 1 :]
                ]
                break
        return done

    def roll_back(
        self,
        context: str,
        *,
        timeout_seconds: float,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> Region:
        """Give a region the last ready state before its present one. Raises Conflict if there is
        none.
        """
        with self._locked(context):
            states = self.states(context)
            if not states:
                raise NotFound(f"Nothing was applied to {context or 'this cluster'} from here.")
            before = _before(states)
            if before is None:
                raise Conflict(
                    f"{context or 'This cluster'} has nothing to go back to.",
                    "There was no ready state before the present one.",
                )
            on_progress(f"{context}: back to the state of {len(before.manifests)} manifests")
            reason = self._change(
                context, before.manifests, states[-1].manifests, timeout_seconds, on_progress
            )
            self._note(context, replace(states[-1], outcome="rolled back"), last=True)
            self._note(
                context,
                replace(
                    before,
                    at=self._now(),
                    user=self._user,
                    outcome="failed" if reason else "ready",
                    reason=reason,
                ),
            )
        return Region(context=context, outcome="failed" if reason else "ready", reason=reason)

    def contexts(self) -> Sequence[str]:
        """The regions to which anything was ever applied."""
        return [_context(file.stem) for file in sorted(self._folder.glob("*.json"))]

    def states(self, context: str) -> Sequence[Applied]:
        """What a region has had, oldest first."""
        try:
            found = json.loads(self._file(context).read_text())
            return [Applied(**item) for item in found]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise Unprocessable(
                f"The states of {context or 'this cluster'} cannot be read.",
                f"{error}.",
                f"Look at {self._file(context)}.",
            ) from error

    def _one(
        self,
        context: str,
        manifests: Sequence[Manifest],
        timeout_seconds: float,
        on_progress: Callable[[str], None],
    ) -> Region:
        states = self.states(context)
        present = states[-1].manifests if states else ()
        # Before anything is changed, so that a crash leaves what to go back from.
        self._note(context, Applied(at=self._now(), user=self._user, manifests=manifests))
        on_progress(f"{context}: applying {len(manifests)} manifests")
        reason = self._change(context, manifests, present, timeout_seconds, on_progress)
        now = self.states(context)[-1]
        if not reason:
            self._note(context, replace(now, outcome="ready"), last=True)
            return Region(context=context, outcome="ready")
        before = _before(self.states(context))
        on_progress(f"{context}: {reason}; going back")
        back = self._change(
            context, before.manifests if before else (), manifests, timeout_seconds, on_progress
        )
        if back:
            self._note(context, replace(now, outcome="failed", reason=reason), last=True)
            why = f"{reason}; the way back failed too: {back}"
            return Region(context=context, outcome="failed", reason=why)
        self._note(context, replace(now, outcome="rolled back", reason=reason), last=True)
        if before:
            self._note(context, replace(before, at=self._now(), user=self._user))
        return Region(context=context, outcome="rolled back", reason=reason)

    def _change(
        self,
        context: str,
        wanted: Sequence[Manifest],
        present: Sequence[Manifest],
        timeout_seconds: float,
        on_progress: Callable[[str], None],
    ) -> str:
        """Apply what is wanted, wait for it, then delete what is not wanted any more; empty, or why
        it did not work.
        """
        try:
            cluster = self._cluster(context)
            for manifest in wanted:
                cluster.apply(manifest)
            reason = cluster.follow(
                wanted,
                timeout_seconds=timeout_seconds,
                on_progress=on_progress,
                poll_seconds=self._poll_seconds,
            )
            if reason:
                return reason
            # In the opposite order: an experiment before the models that it names.
            for manifest in reversed(present):
                if not any(_same(manifest, other) for other in wanted):
                    cluster.delete(manifest)
        except MLInfraError as error:
            return str(error)
        return ""

    def _note(self, context: str, state: Applied, *, last: bool = False) -> None:
        states = [*self.states(context)]
        kept = [*(states[:-1] if last else states), state][-KEPT:]
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps([asdict(item) for item in kept], indent=1)
        write_atomic(self._file(context), text.encode())

    def _file(self, context: str) -> Path:
        return self._folder / f"{_file_name(context)}.json"

    def _locked(self, context: str) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = self._folder / f"{_file_name(context)}.lock"
        return file_lock(lock, wait=False, what=f"A rollout to {context or 'this cluster'}")


def _before(states: Sequence[Applied]) -> Applied | None:
    """The last ready state before the present one that is a different one."""
    present = states[-1].manifests
    return next(
        (
            state
            for state in reversed(states[:-1])
            if state.outcome == "ready" and state.manifests != present
        ),
        None,
    )


def _same(first: Manifest, second: Manifest) -> bool:
    def key(manifest: Mapping[str, Any]) -> tuple[Any, ...]:
        metadata = manifest["metadata"]
        return manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"]

    return key(first) == key(second)


def _context(file_name: str) -> str:
    from urllib.parse import unquote

    return "" if file_name == _CURRENT else unquote(file_name)


def _file_name(context: str) -> str:
    """Contexts may have slashes and colons, such as those of cloud providers."""
    from urllib.parse import quote

    return quote(context, safe="").replace(".", "%2E") or _CURRENT
