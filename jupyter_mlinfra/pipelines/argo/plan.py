"""What is exported, and how each of its values is written in the manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import Unprocessable
from ...core.secrets import is_reference
from ..definition import Definition, placeholders, render
from ..schedules.spec import ScheduleSpec

_NAME = re.compile(r"[A-Za-z0-9_]+")
_EXAMPLES = {"date": "2000-01-01", "due": "2000-01-01T00:00:00+00:00"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgoPlan:
    """One export. bound: the pipeline with its own defaults, for the items of `foreach`. image:
    None if each submit names one.

    secret: name of the Kubernetes Secret. schedule: makes it a CronWorkflow. paused: whether that
    schedule is paused.
    """

    definition: Definition
    bound: Definition
    image: str | None
    secret: str
    schedule: ScheduleSpec | None = None
    paused: bool = False

    @property
    def name(self) -> str:
        """The workflow's name."""
        return slug(self.definition.name)

    @property
    def claim(self) -> str:
        """The volume claim that holds the project."""
        return f"{self.name}-project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that `{{ name }}` may refer to. typed: each with a value of its type. texts: each
    with the text for Argo.

    arguments: those that a submit can set, None for one that it must set.
    """

    typed: Mapping[str, Any]
    texts: Mapping[str, str]
    arguments: Mapping[str, str | None]


def scope(plan: ArgoPlan) -> Scope:
    """Parameters and date of the pipeline. A secret stays a reference. What depends on the due time
    is not an argument: only Argo knows it.
    """
    schedule = plan.schedule
    values = {**plan.definition.parameters, **(schedule.parameters if schedule else {})}
    date = plan.definition.date
    if schedule and date and date not in schedule.parameters:
        values[date] = "{{ date }}"  # the day that it was due, as here
    typed, texts, arguments = dict[str, Any](), dict[str, str](), dict[str, str | None]()
    for name, value in values.items():
        of_due = (
            schedule is not None
            and (name in schedule.parameters or name == date)
            and any(True for _ in placeholders(value))
        )
        typed[name] = render(value, _EXAMPLES) if of_due else value
        if isinstance(value, str) and is_reference(value):
            texts[name] = value
        elif of_due:
            texts[name] = text_of(render(value, _due(schedule.tz)))  # type: ignore[union-attr]  # of_due says that there is one
        else:
            arguments[name] = text_of(value)
            texts[name] = f"{{{{workflow.parameters.{name}}}}}"
    if date and date not in values:
        typed[date], texts[date], arguments[date] = "", f"{{{{workflow.parameters.{date}}}}}", None
    return Scope(
        typed=typed,
        texts=texts,
        arguments=arguments if plan.image else {**arguments, "image": None},
    )


def check(plan: ArgoPlan, scope: Scope) -> None:
    """Raise Unprocessable for names and values that Argo would refuse or misread."""
    items = [(step, step.item) for step in plan.bound.steps]
    for name in (*scope.typed, *(name for _, item in items for name in item)):
        if not _NAME.fullmatch(name):
            raise Unprocessable(
                f"Argo takes no parameter called {name}.",
                "It accepts letters without accents, digits and _.",
                "Give it another name.",
            )
    if not plan.image and "image" in scope.typed:
        raise Unprocessable(
            "The workflow would have two parameters called image.",
            "One of them names the container image.",
            "Give --image.",
        )
    late = {
        name for name, text in scope.texts.items() if plan.schedule is not None and "{{=" in text
    }
    for step in plan.definition.steps:
        if names := late & set(placeholders(step.foreach or "")):
            why = f"Its items depend on {', '.join(sorted(names))}, only known when it is due."
            raise Unprocessable(
                f"Argo cannot spread step {step.name} over its items.", why, "Give it fixed items."
            )
    values = [(f"parameter {name}", text) for name, text in scope.arguments.items()]
    values += [
        (f"foreach of step {step.file_name}", text_of(value))
        for step, item in items
        for value in item.values()
    ]
    for place, text in values:
        if text is not None and "{{" in text:
            raise Unprocessable(
                f"Argo would fill in {text!r} of {place}.",
                "It interprets {{ wherever it occurs.",
                "Write the value without {{.",
            )


def text_of(value: Any) -> str:
    """The value as Argo passes it on: everything is text there."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def slug(name: str) -> str:
    """A name that Kubernetes accepts."""
    return (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x")[:50].rstrip("-")


def _due(tz: str) -> dict[str, str]:
    """Argo's expressions for the due time in a zone."""
    # the time with which Go describes its formats
    at = "sprig.toDate('2006-01-02T15:04:05Z07:00', workflow.scheduledTime)"
    forms = {"date": "2006-01-02", "due": "2006-01-02T15:04:05-07:00"}
    return {
        name: f"{{{{=sprig.dateInZone('{form}', {at}, '{tz}')}}}}" for name, form in forms.items()
    }
