"""Sends the messages of alerts: `python -m jupyter_mlinfra.monitoring.alerts.delivering ROOT`.

Each receiver has a thread of its own, so a slow or broken one delays no other, neither what is due
now nor what becomes due while it is slow; and the evaluation of rules never waits for any. A
message that does not arrive is tried again with growing pauses for a day. It arrives at least once:
whoever is told twice sees the same `webhook-id`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ...core.files import file_lock
from ...core.project import Project
from ...core.records import now, to_json
from ...core.settings import FILE
from ...jobs import ROOT, Alarm, clear_alarm, set_alarm
from ..settings import MonitoringSettings, Receiver
from .deliveries import DeliveryStore, Message

ALARM = "alert-deliveries"
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0
GIVE_UP_SECONDS = 86_400.0
THREADS = 16
"""Receivers that are sent to at once."""
TURN_SECONDS = 30.0
LOOK_SECONDS = 0.5
"""How often it is looked for new messages while some are being sent."""

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
        arrived = _send_all(project, store, clock, say)
        _set_next(project, store)
    return arrived


def _send_all(project: Project, store: DeliveryStore, clock: Callable[[], float], say: Say) -> int:
    """Send until nothing is due. What becomes due while a receiver is slow is sent meanwhile."""
    receivers = project.settings.of(MonitoringSettings).receivers
    at_work: dict[str, Future[int | None]] = {}
    arrived, stuck = 0, set[str]()
    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            waiting: dict[str, list[Message]] = {}
            for message in store.due(clock()):
                if message.receiver not in stuck | at_work.keys():
                    waiting.setdefault(message.receiver, []).append(message)
            for name, found in waiting.items():
                at_work[name] = threads.submit(
                    _to_one, project, store, receivers, found, clock, say
                )
            if not at_work:
                return arrived
            wait(at_work.values(), timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for name in [name for name, result in at_work.items() if result.done()]:
                sent = at_work.pop(name).result()
                arrived += sent or 0
                if sent is None:
                    stuck.add(name)


def _to_one(
    project: Project,
    store: DeliveryStore,
    receivers: Mapping[str, Receiver],
    messages: Sequence[Message],
    clock: Callable[[], float],
    say: Say,
) -> int | None:
    """Send the messages of one receiver in their order, for a while; returns how many arrived, None
    if that could not be noted. After one that fails the others wait, or each would wait for the
    same time-out.
    """
    arrived, ends = 0, time.monotonic() + TURN_SECONDS
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
            if time.monotonic() > ends:
                break  # others may wait for this thread
    except MLInfraError as error:  # the state cannot be written: all of them stay where they are
        say(f"deliveries to {messages[0].receiver} were not noted: {error}")
        return None
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
    from .receivers import send  # not in every process that sets the alarm

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
    with project.database.write() as connection:
        next_at = store.next_at()  # within it, so that a message of another process is not missed
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
