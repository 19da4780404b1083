"""`mlinfra catalog quality`, `rules`, `rule`, `contract`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ....faces.cli import paged
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Ended, Failed, Session
from ....faces.words import counted
from .noun import catalog

if TYPE_CHECKING:
    from ...quality.spec import RuleResult


@catalog.verb("quality")
@click.argument("name")
@revealing
def _quality(session: Session, name: str, reveal: bool) -> Any:
    """Run all rules of a dataset over all its rows; exit code 1 if one that blocks fails."""
    report = session.bench.catalog.quality(
        name,
        reveal=viewer_here(session, reveal),
        on_progress=lambda rows, total: session.progress(
            min(rows / total, 1) if total else 1, f"{rows:,} rows"
        ),
    )
    failed = [item for item in report.rules if not item.passed and item.severity == "block"]
    if not failed:
        return report
    dataset, verb = report.dataset, "fails" if len(failed) == 1 else "fail"
    error = Failed(
        f"{len(failed)} of the rules of {dataset} {verb}.",
        f"{'; '.join(map(_said, failed))}.",
        f"The samples show some of the rows. Earlier results: mlinfra catalog rules {dataset}",
    )
    return Ended(report, error=error)


def _said(result: RuleResult) -> str:
    if result.error:
        return f"{result.rule!r} cannot be asked: {result.error.rstrip('.')}"
    rows = f" in {counted(result.failed_rows, 'row')}" if result.failed_rows else ""
    return f"{result.rule!r} fails{rows}"


@catalog.verb("rules")
@click.argument("name")
@click.option("--history", is_flag=True, help="What they found earlier, newest first.")
@click.option("--rule", help="With --history: only this one, by its name.")
@paged
def _rules(session: Session, name: str, history: bool, rule: str | None, **options: Any) -> Any:
    """The rules of a dataset with their newest results, without asking them again."""
    catalog = session.bench.catalog
    return catalog.results(name, rule=rule, **options) if history else catalog.rules(name)


@catalog.verb("rule")
@click.argument("name")
@click.argument("text")
@click.option(
    "--severity",
    type=click.Choice(["block", "warn", "quarantine"]),
    default="block",
    show_default=True,
    help="What an ingest does with rows that fail.",
)
@click.option("--as", "as_", default="", metavar="NAME", help="Its name; by default its words.")
@click.option("--remove", is_flag=True, help="Take the rule of this name from the dataset.")
def _rule(session: Session, name: str, text: str, severity: Any, as_: str, remove: bool) -> Any:
    """Give a dataset a rule: "id not null", "a, b unique", "price between 0 and 100",
    "country in FR, DE", "mail matches .+@.+", "buyer references shop.buyers.id", "rows >= 1000",
    "fresh within 26 h", a condition such as "end >= start", or SQL: "SELECT * FROM {object} WHERE
    end < start" finds rows that fail, "SELECT avg(price) FROM {object} must be >= 10" compares.
    Some rows may fail: "id not null, failed rows must be < 5 %" (or: <= 10).
    """
    if remove:
        return session.bench.catalog.remove_rule(name, text)
    return session.bench.catalog.rule(
        name, text, severity=severity, as_=as_, reveal=viewer_here(session, True)
    )


@catalog.verb("contract")
@click.argument("name")
@click.argument("what", type=click.Choice(["export", "import"]))
@click.argument("file")
def _contract(session: Session, name: str, what: str, file: str) -> Any:
    """Write the columns and rules of a dataset to a data contract (ODCS 3.1), or take the rules of
    one, or of a schema of pandera (to_yaml). The answer says what the other side cannot say.
    """
    catalog = session.bench.catalog
    if what == "export":
        return catalog.export_contract(name, file)
    return catalog.import_contract(name, file, reveal=viewer_here(session, True))
