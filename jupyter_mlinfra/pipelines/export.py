"""A pipeline in the form of another system, as text whose head lists the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Unprocessable
from .argo.manifest import FOLDER, items_of, manifest, parameter_of
from .argo.plan import ArgoPlan, scope
from .argo.secret import Secret, secrets_of
from .definition import placeholders
from .spec import Exported

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = ("argo",)


def check_target(to: str) -> None:
    """Raise BadRequest for an unknown system."""
    if to not in TARGETS:
        raise BadRequest(
            f"{to!r} is not a system to export to.",
            f"There is: {', '.join(TARGETS)}.",
            "mlinfra pipelines export NAME --to argo",
        )


def export(plan: ArgoPlan, *, root: Path) -> Exported:
    """As YAML. root: of the project. Raises Unprocessable for what Argo cannot do."""
    if plan.schedule is not None and not plan.image:
        raise Unprocessable(
            "A CronWorkflow needs an image.",
            "Nobody can name it when it is due.",
            "Give --image registry/name:tag.",
        )
    body = manifest(plan)
    secrets = _secrets(plan, root)
    notes = _notes(plan, secrets)
    head = "".join(
        f"# {note}\n"
        for note in (f"Made from {plan.definition.path}; change that, and export it again.", *notes)
    )
    return Exported(
        pipeline=plan.definition.name, target="argo", text=head + _yaml(body), notes=notes
    )


def written(exported: Exported, path: Path) -> Exported:
    """The same, after it was written to the file."""
    from ..core.files import write_atomic

    write_atomic(path, exported.text.encode(), mode=0o644, parents=True)
    return replace(exported, path=str(path))


def _yaml(body: Mapping[str, Any]) -> str:
    """Programs as readable blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(
        str,
        lambda dumper, text: dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
        ),
    )
    return yaml.dump(body, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)


def _secrets(plan: ArgoPlan, root: Path) -> list[Secret]:
    """The secrets of all steps. Raises Unprocessable for a notebook that cannot take any, or for
    two secrets under one name.
    """
    from .notebook import read_notebook

    names, every = scope(plan), list[Secret]()
    for step in plan.definition.steps:
        own_secrets = secrets_of(step, next(iter(items_of(plan, step)), {}), names)
        if (
            own_secrets
            and (language := read_notebook(root / step.notebook, step.notebook).language)
            != "python"
        ):
            problem = f"{step.notebook} cannot be given secrets."
            raise Unprocessable(
                problem,
                f"Its language is {language}.",
                "Read them from the environment in the notebook.",
            )
        every += own_secrets
    for secret in every:
        if other := next(
            (
                other
                for other in every
                if other.variable == secret.variable and other.reference != secret.reference
            ),
            None,
        ):
            problem = (
                f"{secret.reference} and {other.reference} would be one variable,"
                f" {secret.variable}."
            )
            raise Unprocessable(
                problem, "Argo's containers have secrets as variables.", "Rename one of them."
            )
    return every


def _notes(plan: ArgoPlan, secrets: Sequence[Secret]) -> list[str]:
    notes = [
        f"The project lies on the volume claim {plan.claim}, which every step mounts at {FOLDER}.",
        "Argo runs every step each time: the cache is not exported.",
    ]
    names = scope(plan)
    required = [name for name, text in names.arguments.items() if text is None]
    if required:
        first = sorted(required, key=lambda name: name != "image")
        notes.append(f"A submit must set: {' '.join(f'-p {name}=…' for name in first)}")
    if secrets:
        keys = dict.fromkeys(f"{secret.key} ({secret.reference})" for secret in secrets)
        notes.append(
            f"The Secret {plan.secret} must have the keys {', '.join(keys)}. What a cell prints"
            " of them is not hidden there."
        )
    if any(0 < step.gpus < 1 for step in plan.definition.steps):
        notes.append("A part of a GPU became a whole one.")
    fixed = [
        step
        for step in plan.definition.steps
        if any(True for _ in placeholders(step.foreach or "")) and parameter_of(step, names) is None
    ]
    if fixed:
        notes.append(
            "The items of foreach are those of the parameters' defaults:"
            f" {', '.join(step.name for step in fixed)}."
        )
    return notes + (_clock_notes(plan) if plan.schedule is not None else [])


def _clock_notes(plan: ArgoPlan) -> list[str]:
    schedule = plan.schedule
    if schedule is None:
        return []
    notes = [
        "It needs Argo 3.6 or later.",
        f"Schedule {schedule.name} continues here too, unless it is paused or was never created.",
    ]
    if schedule.tz not in ("UTC", "Etc/UTC"):
        notes.append(
            "On days of a clock change, a time that does not exist is skipped there, and one"
            " that occurs twice may be run twice."
        )
    return notes
