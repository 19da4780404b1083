"""Entry of `mlinfra`: reads `--json` wherever it stands before `--`, and turns every failure into what, why and fix."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import click

from ..core.errors import BadRequest, MLInfraError
from .session import Session

_GROUPS = {
    "catalog": "catalog",
    "features": "features",
    "jobs": "jobs",
    "pipelines": "pipelines",
    "experiments": "experiments",
    "runs": "experiments",
    "models": "experiments",
    "deployments": "deployments",
    "monitors": "monitoring",
    "alerts": "monitoring",
    "project": "workbench",
    "status": "workbench",
    "search": "workbench",
    "up": "workbench",
    "down": "workbench",
    "init": "workbench",
}


class _Root(click.Group):
    """Loads a domain's verbs when they are asked for, so that `mlinfra status` does not pay for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _GROUPS:
            return None
        command: click.Command = getattr(import_module(f".{_GROUPS[cmd_name]}", __package__), cmd_name)
        return command


@click.group(
    cls=_Root, context_settings={"help_option_names": ["-h", "--help"]}, epilog="Every verb takes --json (before a --): one JSON value on standard output."
)
@click.option("--project", metavar="PATH", help="The project's folder, or one below it. Default: MLINFRA_PROJECT, else where you are.")
@click.version_option(package_name="jupyter-mlinfra", message="%(version)s")
@click.pass_obj
def root(session: Session, project: str | None) -> None:
    """A whole machine-learning infrastructure, from the shell."""
    session.project = project


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 when it failed, 2 when its words cannot be read, 130 when it was interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    head, tail = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    session = Session(as_json="--json" in head, tail=tail)
    try:
        answer = root.main([word for word in head if word != "--json"], prog_name="mlinfra", obj=session, standalone_mode=False)
        return answer if isinstance(answer, int) else 0
    except MLInfraError as error:
        session.refuse(error)
        return 1
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error))
        return 2
    except click.ClickException as error:
        usage = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "mlinfra"
        session.refuse(BadRequest(error.format_message(), fix=f"{usage} --help"))
        return 2
    except (KeyboardInterrupt, click.Abort):
        session.refuse(MLInfraError("Interrupted.", "You stopped it."))
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has had enough
        return 1
    except Exception as error:  # noqa: BLE001 - the last net: no traceback reaches a user or a script
        session.refuse(_bug(error))
        return 1


def _bug(error: Exception) -> MLInfraError:
    where = traceback.extract_tb(error.__traceback__)[-1]
    fix = "Report this: it is a bug. MLINFRA_TRACEBACK=1 prints where it happened."
    if os.environ.get("MLINFRA_TRACEBACK"):
        traceback.print_exc()
    return MLInfraError(f"{type(error).__name__}: {error}", f"In {os.path.basename(where.filename)}, line {where.lineno}.", fix)
