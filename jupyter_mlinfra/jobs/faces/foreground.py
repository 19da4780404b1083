"""The verbs that keep the terminal: a log that is followed, a shell in a job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import click

from ...core.errors import BadRequest, Unavailable
from ...faces.session import Ended, Session

_FOLLOW_SECONDS = 0.3
_OF_TERMINALS = ("TERM", "COLORTERM")
"""Variables that a shell has from its own terminal, whatever its job has."""


def print_log(session: Session, id: str, *, follow: bool, tail: int | None) -> Ended:
    """Print the log of a job. follow: until the job ends. tail: only so many last lines of what is
    there.
    """
    service = session.bench.jobs
    chunk = service.logs(id, tail=tail)
    text = [chunk.text]
    _write(session, chunk.text)
    more = chunk.next < chunk.size
    while more or (follow and not chunk.ended):
        if not more:
            time.sleep(_FOLLOW_SECONDS)
        start = chunk.next
        chunk = service.logs(id, offset=start)
        # A character is kept back until all its bytes are there.
        more = start < chunk.next < chunk.size
        text.append(chunk.text)
        _write(session, chunk.text)
    if chunk.note:
        click.echo(chunk.note, err=True)
    return Ended(
        {
            "id": id,
            "text": "".join(text),
            "next": chunk.next,
            "size": chunk.size,
            "ended": chunk.ended,
            "note": chunk.note,
        },
        silent=True,
    )


def open_shell(session: Session, id: str) -> Any:
    """Give the terminal to a shell in the environment of a job, until it ends."""
    attachment = session.bench.jobs.attach(id)
    if session.json:
        return {
            "command": list(attachment.command),
            "folder": attachment.folder,
            "note": attachment.note,
        }
    if not sys.stdin.isatty():
        raise BadRequest(
            "A shell needs a terminal.",
            "This is not one.",
            f"In JupyterLab: Attach, on the page of the job. Else: mlinfra jobs attach {id}",
        )
    if attachment.note:
        session.say(attachment.note)
    variables = {
        **attachment.environment,
        **{name: os.environ[name] for name in _OF_TERMINALS if name in os.environ},
    }
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell
    try:
        done = subprocess.run(attachment.command, cwd=attachment.folder, env=variables, check=False)
    except OSError as error:
        raise Unavailable(
            "The shell did not start.",
            f"{attachment.command[0]}: {error.strerror}.",
            "Look at SHELL, or at the programs that it needs.",
        ) from error
    finally:
        signal.signal(signal.SIGINT, handler)
    return Ended(None, code=done.returncode, silent=True)


def _write(session: Session, text: str) -> None:
    if not session.json:
        sys.stdout.write(text)
        sys.stdout.flush()
