"""`mlinfra`: finds the verb, carries it out, prints one JSON value or text for people, and ends
with an exit code.

Exit codes: 0 done; 1 failed, or the outcome is a failure; 2 invalid arguments; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import IO, NoReturn

import click

from ..core.display import printable
from ..core.domain import Group, load
from ..core.domains import domains, guarded, is_ours, ours
from ..core.errors import BadRequest, MLInfraError, Unavailable
from ..core.records import Page, to_json
from ..faces.cli import Noun, Words, sentence
from ..faces.session import Ended
from .session import Session

DEBUG = "MLINFRA_DEBUG"
"""Set it to see the traceback of a bug in the workbench."""

_INTERRUPT_AGAIN_SECONDS = 0.05

VERBS = ("status", "search", "up", "down", "init")
"""Verbs of no domain, in `cli.workbench`."""

_PROJECT = Group(
    name="project",
    help="The project card and its targets.",
    commands="jupyter_mlinfra.cli.workbench:project",
)


def groups() -> dict[str, Group]:
    """The nouns of the command line by name."""
    found = [group for item in domains() for group in item.groups]
    return {group.name: group for group in [*found, _PROJECT]}


def _group(name: str) -> Group | None:
    """A noun; other packages are asked only for what ours lack."""
    own = (group for item in ours() for group in item.groups if group.name == name)
    return next(own, None) or groups().get(name)


class Root(Words):
    """The top level: a domain's module is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [*VERBS, *groups()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name in VERBS:
            return _top().commands[name]
        group = _group(name)
        return None if group is None else _noun(group)

    def elsewhere(self, name: str) -> list[str]:
        """The domains that have this verb; one of another package that fails has none."""
        found = list[str]()
        for group in groups().values():
            with contextlib.suppress(Unavailable):
                if name in _noun(group).commands:
                    found.append(f"mlinfra {group.name} {name}")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Domains"):
            formatter.write_dl([(name, group.help) for name, group in groups().items()])
        with formatter.section("Workbench"):
            formatter.write_dl([(name, sentence(_top().commands[name])) for name in VERBS])


def _noun(group: Group) -> Noun:
    with guarded(group.name, own=is_ours(group.commands)):
        found = load(group.commands)
        if not isinstance(found, Noun):
            raise TypeError(f"{group.commands} is not a Noun")
        return found


def _top() -> Noun:
    from .workbench import top

    return top


@click.command(
    cls=Root,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON value. It may come anywhere before a `--`.",
)
@click.option(
    "--project",
    metavar="PATH",
    help=(
        "A folder of the project; default: MLINFRA_PROJECT or the working directory. Also anywhere"
        " before a `--`."
    ),
)
@click.version_option(package_name="jupyter-mlinfra", message="%(version)s")
def root(as_json: bool, project: str | None) -> None:
    """The machine-learning workbench of a project."""


def run(words: Sequence[str], session: Session) -> Ended:
    """Carry out `mlinfra WORDS` in this process. Raises MLInfraError; BadRequest for invalid words.

    words: without what `everywhere` took out; project and output format are the session's.
    """
    try:
        found = root.main(args=list(words), prog_name="mlinfra", standalone_mode=False, obj=session)
    except click.exceptions.NoArgsIsHelpError as error:
        if not session.json:
            click.echo(error.format_message())
            return Ended(None, code=2, silent=True)
        why, path = _usage(error.ctx)
        raise BadRequest("A verb is missing.", why, f"Verbs are listed by: {path} --help") from None
    except click.UsageError as error:
        why, path = _usage(error.ctx)
        raise BadRequest(_sentence(error.format_message()), why, f"{path} --help") from None
    except click.Abort as abort:
        was = abort.__cause__  # with what could not be ended, as notes
        raise (was if isinstance(was, KeyboardInterrupt) else KeyboardInterrupt()) from None
    if isinstance(found, Ended):
        return found
    # Click answers 0 to --help and --version.
    return Ended(None, silent=True) if isinstance(found, int) else Ended(found)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The entry point."""
    words, project, as_json = everywhere(sys.argv[1:] if argv is None else argv)
    session = Session(project, json=as_json)
    if not os.environ.get(DEBUG):
        warnings.simplefilter("ignore")
    try:
        with _only_ours(as_json) as out, _no_interrupt_lost():
            code = _execute(words, session, out)
            out.flush()
    except BrokenPipeError:
        # The reader has gone; Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 141
    except OSError as error:
        code = 1
        print(f"error: The answer could not be written.\n  why: {error.strerror}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # CPython remembers an interrupt that left an `exec` (those of an import, say), and `python -m`
    # then dies by SIGINT whatever its exit code is. The next `exec` clears it (run_eval_code_obj in
    # Python/pythonrun.c).
    exec("")  # noqa: S102 (empty text)
    sys.exit(code)


def everywhere(argv: Sequence[str]) -> tuple[list[str], str | None, bool]:
    """The words without `--json` and `--project`, which may be anywhere before a `--`; the project;
    whether JSON is requested.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    remaining = [word for word in argv[:end] if word != "--json"]
    as_json, project = len(remaining) < end, None
    words: list[str] = []
    while remaining:
        word = remaining.pop(0)
        if word.startswith("--project="):
            project = word.partition("=")[2]
        elif word == "--project" and remaining and not remaining[0].startswith("-"):
            project = remaining.pop(0)
        elif word == "--project":
            return [word], None, as_json  # click reports that its value is missing
        else:
            words.append(word)
    return [*words, *argv[end:]], project, as_json


def _execute(words: Sequence[str], session: Session, out: IO[str]) -> int:
    try:
        ended = run(words, session)
        text = (
            _json(ended) if session.json else "" if ended.silent else _text(ended, session, words)
        )
    except KeyboardInterrupt as interrupt:
        left = getattr(interrupt, "__notes__", ())
        stopped = MLInfraError(
            "It was interrupted.",
            " ".join(["Ctrl-C was pressed.", *left]),
            "" if left else "Start it again; nothing is half-done.",
        )
        return _fail(stopped, session, out, code=130, name="interrupted")
    except BadRequest as refused:
        return _fail(refused, session, out, code=2)
    except MLInfraError as failed:
        return _fail(failed, session, out)
    except BrokenPipeError:
        raise
    except Exception as fault:  # noqa: BLE001 (the last net: no traceback reaches a user or a script)
        if os.environ.get(DEBUG):
            traceback.print_exc()
        why = f"{type(fault).__name__}: {fault}"
        return _fail(
            MLInfraError(
                "The workbench failed.", why[:500], f"A bug; with {DEBUG}=1 it shows where."
            ),
            session,
            out,
        )
    if text:
        print(text, file=out)
    if ended.error is not None:
        _report(ended.error, session)
    return ended.exit_code


def _fail(
    error: MLInfraError, session: Session, out: IO[str], *, code: int = 1, name: str = ""
) -> int:
    if session.json:
        print(json.dumps({"error": error.to_json() | ({"code": name} if name else {})}), file=out)
    _report(error, session)
    return code


def _report(error: MLInfraError, session: Session) -> None:
    """Report the error to people; in a job, first as the job's reason."""
    from ..jobs import give_reason

    give_reason(str(error))
    if session.json:
        return
    lines = [
        f"error: {error.what}",
        error.why and f"  why: {error.why}",
        error.fix and f"  fix: {error.fix}",
    ]
    print(printable("\n".join(filter(None, lines))), file=sys.stderr)


def _json(ended: Ended) -> str:
    value = to_json(ended.value)
    if ended.error is not None:
        value = (value if isinstance(value, dict) else {"items": value}) | {
            "error": ended.error.to_json()
        }
    return json.dumps(value)


def _text(ended: Ended, session: Session, words: Sequence[str]) -> str:
    from .text import text_of

    noun, *arguments = words
    group = _group(noun)
    if (
        arguments == ["list"]
        and group is not None
        and group.begin
        and isinstance(ended.value, Page)
        and not ended.value.total
        and not ended.value.note
    ):
        return f"There are none yet. To begin: {group.begin}"
    return text_of(ended.value, session.opened)


@contextlib.contextmanager
def _no_interrupt_lost() -> Iterator[None]:
    """Raise a KeyboardInterrupt again that Python dropped because it was raised in a finaliser or
    in the callback of a weak reference, such as those of an import.
    """

    def raise_again(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, _INTERRUPT_AGAIN_SECONDS)
        else:
            before(dropped)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, alarm = sys.unraisablehook, signal.signal(signal.SIGALRM, signal.default_int_handler)
    sys.unraisablehook = raise_again
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        sys.unraisablehook = before


@contextlib.contextmanager
def _only_ours(as_json: bool) -> Iterator[IO[str]]:
    """Keep standard output for our own output. A script gets one JSON value there; what libraries
    print goes to standard error.
    """
    if not as_json:
        yield sys.stdout
        return
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            os.fdopen(os.dup(stdout), "w", encoding="utf-8") as out,
            contextlib.redirect_stdout(sys.stderr),
        ):
            yield out
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _usage(context: click.Context | None) -> tuple[str, str]:
    """The arguments of a command, and its name."""
    if context is None:
        return "", "mlinfra"
    return _sentence(" ".join(context.get_usage().split())), context.command_path


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
