"""Sends the messages of alerts: `python -m jupyter_mlinfra.monitoring.alerts.delivering ROOT`.

Each receiver has a thread of its own, so a slow or broken one delays no other, and the evaluation
of rules never waits for any. A message that does not arrive is tried again with growing pauses for
a day. It arrives at least once: whoever is told twice sees the same `webhook-id`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ...core.files import file_lock
from ...core.project import Project
from ...core.records import now, to_json
from ...core.settings import FILE
from ...jobs import ROOT, Alarm, clear_alarm, set_alarm
from ..settings import MonitoringSettings, Receiver
from .deliveries import DeliveryStore, Message
from .receivers import send

ALARM = "alert-deliveries"
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0
GIVE_UP_SECONDS = 86_400.0
THREADS = 16

Say = Callable[[str], None]


def next_alarm(project: Project, due_at: float) -> Alarm:
    """The alarm that has the waiting messages sent at a time."""
    return Alarm(
        name=ALARM,
        due_at=due_at,
        set_at=time.time(),
        module=__name__,
        arguments=[ROOT],
        log=str(project.folder("logs") / "monitoring.log"),
    )


def deliver(project: Project, say: Say, *, clock: Callable[[], float] = time.time) -> int:
    """Try every message that is due, and set the alarm of the next try; returns how many arrived.

    Raises Conflict while another process does this.
    """
    lock = project.folder("monitoring") / "deliveries.lock"
    with file_lock(lock, wait=False, what="A delivery of alerts"):
        store = DeliveryStore(project.database)
        receivers = project.settings.of(MonitoringSettings).receivers
        waiting: dict[str, list[Message]] = {}
        for message in store.due(clock()):
            waiting.setdefault(message.receiver, []).append(message)
        arrived = 0
        if waiting:
            with ThreadPoolExecutor(min(THREADS, len(waiting))) as threads:
                results = [
                    threads.submit(_to_one, project, store, receivers, found, clock, say)
                    for found in waiting.values()
                ]
            arrived = sum(result.result() for result in results)
        _set_next(project, store)
    return arrived


def _to_one(
    project: Project,
    store: DeliveryStore,
    receivers: Mapping[str, Receiver],
    messages: Sequence[Message],
    clock: Callable[[], float],
    say: Say,
) -> int:
    """Send the messages of one receiver in their order. After one that fails the others wait, or
    each would wait for the same time-out.
    """
    arrived = 0
    try:
        for message in messages:
            try:
                _send(project, receivers, message, clock())
            except Exception as error:  # noqa: BLE001 (of one receiver: the others go on)
                known = error if isinstance(error, MLInfraError) else None
                _postpone(store, message, known or _failed(error), clock(), say)
                break
            store.delivered(message)
            arrived += 1
    except MLInfraError as error:  # the state cannot be written: all of them stay where they are
        say(f"deliveries to {messages[0].receiver} were not noted: {error}")
    finally:
        project.database.close()
    return arrived


def _failed(error: Exception) -> MLInfraError:
    """Without the error's text, which may hold a secret."""
    return Unavailable(
        "The message could not be sent.",
        f"{type(error).__name__}.",
        "Look at the receiver's url and secret.",
    )


def _send(project: Project, receivers: Mapping[str, Receiver], message: Message, at: float) -> None:
    receiver = receivers.get(message.receiver)
    if receiver is None:
        raise NotFound(
            f"There is no receiver {message.receiver} any more.",
            fix=f"Add [monitoring.receivers.{message.receiver}] to mlinfra.toml.",
        )
    send(project.root, receiver, message.id, message.body, at)


def _postpone(
    store: DeliveryStore, message: Message, error: MLInfraError, at: float, say: Say
) -> None:
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(message.attempts, 20))
    over = at + pause > message.created_at + GIVE_UP_SECONDS
    store.failed(message, str(error), next_at=None if over else at + pause)
    what = "is given up" if over else f"is tried again in {pause:.0f} s"
    say(f"a message to {message.receiver} did not arrive and {what}: {error}")


def _set_next(project: Project, store: DeliveryStore) -> None:
    next_at = store.next_at()
    with project.database.write() as connection:
        if next_at is None:
            clear_alarm(connection, ALARM)
        else:
            set_alarm(connection, next_alarm(project, max(next_at, time.time() + 1.0)))


def main(root: str) -> int:
    """0 if all that is due was tried, or another process is doing so now."""
    if not (Path(root) / FILE).is_file():
        _say(f"nothing was sent: {root} is not a project: it has no {FILE}.")
        return 1
    try:
        deliver(Project(Path(root)), _say)
    except Conflict:
        return 0
    except MLInfraError as error:
        _say(f"nothing was sent: {error}")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{to_json(now())} {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
