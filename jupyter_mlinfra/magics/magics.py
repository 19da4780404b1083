"""The magics themselves. A line magic returns the same record as the Python call."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..cli import Session, run
from ..cli.app import everywhere
from ..core.errors import BadRequest
from ..core.viewer import Viewer
from ..faces.parse import parameters
from ..widgets.reprs import Facts, Records
from .fault import explained
from .lines import magics, split, verbs_of, words_of

Magic = Callable[..., Any]


def magics_of(shell: Any) -> Mapping[str, Mapping[str, Magic]]:
    """Line and cell magics by name, for a shell."""
    from .cell import job_cell, track_cell

    line = {name: _short(name, shell) for name in magics()} | {"mlinfra": _umbrella()}
    cell = {
        "catalog": _sql(shell),
        "features": _define(),
        "job": job_cell(shell),
        "track": track_cell(shell),
    }
    return {"line": line, "cell": {name: ours(function) for name, function in cell.items()}}


def ours(function: Magic) -> Magic:
    """Mark a magic as one of this package, so that loading twice is not a clash; its errors become
    cards.

    Its line comes as it was written: IPython would make `{ date }` of a schedule's `{{ date }}`,
    and a value of a secret's `$NAME`.
    """
    from IPython.core.magic import no_var_expand

    found: Any = no_var_expand(explained(function))
    found.mlinfra = True
    return found  # type: ignore[no-any-return]


def carry_out(words: Sequence[str], project: str | None) -> Any:
    """The answer of `mlinfra WORDS`; progress is printed. project: a folder in it, None for the
    kernel's.
    """
    ended = run(words, Session(project, say=print, face="magic"))
    answer = None if ended.silent else _shown(ended.value)
    if ended.error is not None:
        from IPython.display import display

        display(answer)
        raise ended.error
    return answer


class Parser(argparse.ArgumentParser):
    """The options of a cell magic; a fault is a BadRequest, not an exit."""

    def error(self, message: str) -> Any:
        raise BadRequest(f"{self.prog}: {message}.", fix=" ".join(self.format_usage().split()))


def _shown(value: Any) -> Any:
    if isinstance(value, list) and value and not isinstance(value[0], Mapping):
        return Records(value)
    return Facts(value) if isinstance(value, dict) else value


def _short(name: str, shell: Any) -> Magic:
    short = magics()[name]

    def magic(line: str) -> Any:
        # A cell gets the record itself, whether JSON is asked for or not.
        words, project, _ = everywhere(split(line))
        if name == "job" and words[:1] == ["collect"]:
            return _collect(shell, words, project)
        return carry_out(words_of(short, words), project)

    magic.__doc__ = f"""`%{name} VERB …` is `mlinfra {short.group} VERB …`.

    Verbs: {", ".join(verbs_of(short))}. Alone: {short.bare}. Before a name: {short.other}.
    With --help: their options.
    """
    if name == "job":
        magic.__doc__ += (
            "    `%job collect ID`: the `--out` names of a `%%job` cell, into this kernel.\n"
        )
    return ours(magic)


def _collect(shell: Any, words: Sequence[str], project: str | None) -> None:
    """A verb that the command line cannot have: it brings values into this kernel."""
    from .cell import collect

    if len(words) != 2:
        raise BadRequest("The id of the job is missing.", fix="%job collect ID")
    collect(shell, words[1], Session(project))


def _umbrella() -> Magic:
    def magic(line: str) -> Any:
        words, project, _ = everywhere(split(line))
        return carry_out(words or ["--help"], project)

    lines = "\n".join(
        f"    %{name:10s} mlinfra {short.group} …" for name, short in magics().items()
    )
    magic.__doc__ = f"""`%mlinfra WORDS` is `mlinfra WORDS` of the command line, in this kernel.
    The answer is the record itself.

    Short forms:
{lines}
    %%catalog sql, %%features define NAME, %%job, %%track EXPERIMENT work on a cell.
    """
    return ours(magic)


def _sql(shell: Any) -> Magic:
    def magic(line: str, cell: str) -> Any:
        """`%%catalog sql [--out NAME] [--limit N] [-p NAME=VALUE] [--reveal] [--explore]`: answer
        one SELECT over datasets, as a Polars frame. `$NAME` in it is a value that `-p` gives.
        --out: a variable for the frame, or NS.TABLE, a dataset that the whole answer is written
        into, in place of its rows. --explore: as a grid, page by page.
        """
        parser = Parser(prog="%%catalog", add_help=False)
        parser.add_argument("verb", choices=["sql"])
        parser.add_argument("--out", metavar="NAME")
        parser.add_argument("--limit", type=int)
        parser.add_argument("-p", "--param", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("-r", "--raw", action="append", default=[], metavar="NAME=TEXT")
        parser.add_argument("--reveal", action="store_true")
        parser.add_argument("--explore", action="store_true")
        options = parser.parse_args(split(line))
        catalog, values = Session().bench.catalog, parameters(options.param, options.raw)
        viewer = Viewer("magic") if options.reveal else False
        if "." in (options.out or ""):
            if options.explore:
                raise BadRequest(
                    "--explore shows an answer; --out NAMESPACE.TABLE writes it.",
                    fix="Write it first, then explore the dataset: ml.explore(ml.dataset(…)).",
                )
            return catalog.sql_into(
                cell, into=options.out, parameters=values, limit=options.limit, reveal=viewer
            )
        frame = catalog.sql(cell, parameters=values, limit=options.limit, reveal=viewer)
        if options.out:
            shell.user_ns[options.out] = frame
        if options.explore:
            from ..nouns import explore

            return explore(frame)
        return frame

    return magic


def _define() -> Magic:
    def magic(line: str, cell: str) -> Any:
        """`%%features define NAME [--replace] [--no-apply]`: write the cell as the definition file
        NAME.py of the feature repository, once it was tried, and apply it.
        """
        parser = Parser(prog="%%features", add_help=False)
        parser.add_argument("verb", choices=["define"])
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--replace", action="store_true")
        parser.add_argument("--no-apply", dest="apply", action="store_false")
        options = parser.parse_args(split(line))
        return Session().bench.features.define(
            options.name, cell, replace=options.replace, apply=options.apply
        )

    return magic
