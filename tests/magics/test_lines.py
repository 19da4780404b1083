"""Short magics: what they stand for, and that each is a `%mlinfra` line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from IPython.utils.capture import capture_output

from jupyter_mlinfra.cli.app import groups, root
from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page
from jupyter_mlinfra.core.settings import FILE
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.magics import load
from jupyter_mlinfra.magics.lines import magics, split, words_of
from jupyter_mlinfra.server.openapi import _records
from tests.server.noted import Noted, made_up

STANDS_FOR = [
    ("catalog", "", "catalog list"),
    ("catalog", "--namespace flights", "catalog list --namespace flights"),
    ("catalog", "flights.planes", "catalog show flights.planes"),
    ("catalog", "search late", "catalog search late"),
    ("features", "", "features list"),
    ("features", "use w:*", "features use w:*"),
    ("features", "origin_weather", "features show origin_weather"),
    ("jobs", "", "jobs list"),
    ("job", "7f3a", "jobs show 7f3a"),
    ("job", "log 7f3a", "jobs logs 7f3a"),
    ("job", "cancel 7f3a", "jobs cancel 7f3a"),
    ("pipeline", "", "pipelines list"),
    ("pipeline", "flights", "pipelines show flights"),
    ("pipeline", "status 9c1e", "pipelines status 9c1e"),
    ("jobs", "queue", "jobs queue"),
    ("pipeline", "explain flights/train", "pipelines explain flights/train"),
    ("pipeline", "repair 9c1e", "pipelines repair 9c1e"),
    (
        "pipeline",
        "backfill flights --from 2026-01-01 --to 2026-01-02 seed=2 --yes",
        "pipelines backfill flights --from 2026-01-01 --to 2026-01-02 -p seed=2 --yes",
    ),
    (
        "pipeline",
        "run flights seed=2 -p depth=6 --force",
        "pipelines run flights -p seed=2 -p depth=6 --force",
    ),
    ("schedule", "", "schedules list"),
    ("schedule", "churn-daily", "schedules show churn-daily"),
    ("schedules", "pause churn-daily", "schedules pause churn-daily"),
    ("schedule", "run-now churn-daily", "schedules run-now churn-daily"),
    ("runs", "churn --where 'metrics.auc > 0.9'", "runs list churn --where 'metrics.auc > 0.9'"),
    ("runs", "compare a b", "runs compare a b"),
    ("models", "flights", "models show flights"),
    ("models", "promote flights/2 champion", "models promote flights/2 --alias champion"),
    ("models", "promote flights/2 --alias x", "models promote flights/2 --alias x"),
    ("deploy", "", "deployments list"),
    ("deploy", "flights/2 --canary 10", "deployments deploy flights/2 --canary 10"),
    ("deploy", "status", "deployments list"),
    ("deploy", "status flights", "deployments show flights"),
    ("pipeline", "status", "pipelines list"),
    ("monitor", "status", "monitors list"),
    ("runs", "status", "runs list status"),
    ("deploy", "rollback flights", "deployments rollback flights"),
    ("monitor", "flights --since 24h", "monitors status flights --since 24h"),
    ("monitor", "", "monitors list"),
    ("alerts", "", "alerts list"),
    ("alerts", "--firing", "alerts list --firing"),
]


@pytest.mark.parametrize(
    ("magic", "line", "words"),
    STANDS_FOR,
    ids=[f"%{magic} {line}".strip() for magic, line, _ in STANDS_FOR],
)
def test_a_short_magic_stands_for_words_of_the_command_line(
    magic: str, line: str, words: str
) -> None:
    assert words_of(magics()[magic], split(line)) == shlex.split(words)


@pytest.mark.parametrize("name", magics())
def test_a_magic_has_the_verbs_of_the_command_line_and_no_others(name: str) -> None:
    short = magics()[name]
    group = root.get_command(click.Context(root), short.group)
    assert isinstance(group, click.Group)
    for verb in group.commands:
        assert words_of(short, [verb, "7f3a"])[:2] == [short.group, verb]
    for stands_for in [*short.verbs, *short.aliases.values(), short.bare, short.other]:
        assert stands_for in group.commands


def test_every_domain_of_the_command_line_has_a_magic() -> None:
    # %mlinfra has them.
    assert set(groups()) - {short.group for short in magics().values()} == {
        "experiments",
        "project",
    }


def test_quotes_that_do_not_close_are_said() -> None:
    with pytest.raises(BadRequest, match="cannot be read"):
        split('show "oops')


def test_a_magic_answers_with_the_record(shell: Any, noted: Noted) -> None:
    noted.answer = made_up(_records()["DatasetDetail"])
    assert shell.run_line_magic("catalog", "show f.p") is noted.answer
    assert shell.run_line_magic("mlinfra", "catalog show f.p --json") is noted.answer
    assert noted.calls == [("catalog", "show", {"name": "f.p"})] * 2


@pytest.mark.parametrize(
    ("magic", "line"),
    [
        ("mlinfra", "--project {} jobs list"),
        ("mlinfra", "jobs --project={} list"),
        ("mlinfra", "jobs list --json --project {}"),
        ("jobs", "--project {}"),
        ("jobs", "--project {} list"),
        ("jobs", "list --project {}"),
    ],
)
def test_a_magic_asks_the_project_that_its_line_names(
    shell: Any,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    magic: str,
    line: str,
) -> None:
    other = tmp_path / "other project"
    other.mkdir()
    (other / FILE).write_text("[project]\nname = 'other'\n")
    monkeypatch.chdir(project.root)
    asked = []
    monkeypatch.setattr(
        Jobs,
        "list",
        lambda self, **_: asked.append(self._project.root) or Page(items=[], shown=0, total=0),
    )
    shell.run_line_magic(magic, line.format(shlex.quote(str(other))))
    shell.run_line_magic("jobs", "list")
    assert asked == [other.resolve(), project.root]


@pytest.mark.parametrize(
    "line", ["features online w --key origin=JFK --key origin=LGA", "jobs parameters a.ipynb"]
)
def test_an_answer_of_several_records_is_a_table_wherever_it_is_printed(
    shell: Any, noted: Noted, line: str
) -> None:
    noted.answer = [made_up(_records()["OnlineRow" if "online" in line else "Parameter"])] * 2
    found = shell.run_line_magic("mlinfra", line)
    data, _ = shell.display_formatter.format(found)
    assert data["text/plain"] == repr(found) == str(found)
    lines = data["text/plain"].splitlines()
    assert len(lines) == 4  # how many, the names of the columns, two rows
    assert "(" not in data["text/plain"]
    assert found[0] is noted.answer[0]
    assert list(found[:1]) == noted.answer[:1]


def test_a_line_comes_as_it_was_written(shell: Any, noted: Noted) -> None:
    noted.answer = made_up(_records()["Schedule"])
    shell.user_ns["depth"] = 6
    for magic in ("%schedule", "%mlinfra schedules"):
        done = shell.run_cell(
            f'{magic} create z --pipeline churn --cron "0 6 * * *" -p day="{{{{ date }}}}" -p'
            " a={depth} -p b=$depth"
        )
        assert done.success
        assert noted.calls.pop()[2]["facts"]["parameters"] == {
            "day": "{{ date }}",
            "a": "{depth}",
            "b": "$depth",
        }


def test_what_follows_two_dashes_is_the_users_own(shell: Any, noted: Noted) -> None:
    noted.answer = made_up(_records()["Job"])
    for magic, verb in (("jobs", "submit"), ("mlinfra", "jobs submit")):
        shell.run_line_magic(magic, f"{verb} --json -- tool --json --project here")
    assert [list(call[2]["spec"].command) for call in noted.calls] == [
        ["tool", "--json", "--project", "here"]
    ] * 2


def test_a_verb_that_is_nearly_one_is_corrected_and_a_name_is_left_alone() -> None:
    with pytest.raises(BadRequest, match="no sumbit") as caught:
        words_of(magics()["jobs"], ["sumbit", "train.ipynb"])
    assert caught.value.fix == "Perhaps: %jobs submit"
    assert words_of(magics()["jobs"], ["submits"]) == ["jobs", "show", "submits"]
    named = words_of(magics()["pipeline"], ["retrain", "--json"])
    assert named == ["pipelines", "show", "retrain", "--json"]


def test_an_error_is_a_card_without_a_traceback_and_the_cell_fails(
    shell: Any, noted: Noted
) -> None:
    noted.error = NotFound(
        "There is no dataset <b>x</b>.", "It was never ingested.", "mlinfra catalog list"
    )
    with capture_output() as said:
        done = shell.run_cell("%catalog show x")
    assert isinstance(done.error_in_exec, NotFound)
    (card,) = [output for output in said.outputs if "text/html" in output.data]
    assert (
        card.data["text/plain"]
        == "✗ There is no dataset <b>x</b>.\n  why It was never ingested.\n  fix %mlinfra catalog"
        " list"
    )
    assert "<b>x</b>" not in card.data["text/html"]
    assert "&lt;b&gt;x&lt;/b&gt;" in card.data["text/html"]
    assert (said.stdout + said.stderr).strip() == "NotFound: There is no dataset <b>x</b>."


def test_words_that_cannot_be_used_are_cards_too(shell: Any, noted: Noted) -> None:
    for line in (
        "%catalog show",
        "%catalog list --limit 0",
        "%catalog 'oops",
        "%mlinfra teleport",
        "%job collect",
        "%%catalog sql --bogus\nSELECT 1",
        "%%track\n1",
    ):
        with capture_output() as said:
            done = shell.run_cell(line)
        assert isinstance(done.error_in_exec, MLInfraError), line
        assert len([output for output in said.outputs if "text/html" in output.data]) == 1, line
        assert "Traceback" not in said.stdout + said.stderr


def test_a_failed_outcome_shows_the_record_and_fails_the_cell(shell: Any, noted: Noted) -> None:
    noted.answer = made_up(_records()["PipelineRun"])
    object.__setattr__(noted.answer, "state", "failed")
    with capture_output() as said:
        done = shell.run_cell("%pipeline run flights")
    assert isinstance(done.error_in_exec, MLInfraError)
    assert len([output for output in said.outputs if "text/html" in output.data]) == 2


def test_loading_twice_is_no_clash_and_a_taken_name_is_left_alone_and_said(shell: Any) -> None:
    with capture_output() as said:
        load(shell)
    assert said.stdout == ""
    shell.register_magic_function(lambda line: f"theirs {line}", magic_name="jobs")
    with capture_output() as said:
        load(shell)
    assert (
        said.stdout
        == "%jobs: the name is taken, so it was left as it is; %mlinfra does the same.\n"
    )
    assert shell.run_line_magic("jobs", "x") == "theirs x"


def test_no_magic_of_ipython_is_shadowed() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell()
    known = {kind: set(names) for kind, names in shell.magics_manager.magics.items()}
    assert set(magics()) & known["line"] == set()
    assert {"catalog", "job", "track"} & known["cell"] == set()


def test_the_help_of_each_magic_says_what_it_stands_for(shell: Any) -> None:
    for name, short in magics().items():
        assert f"mlinfra {short.group}" in (shell.find_line_magic(name).__doc__ or "")
        assert f"%{name}" in (shell.find_line_magic("mlinfra").__doc__ or "")
