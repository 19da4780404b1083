"""A model version becomes a bundle: a folder with everything that serves it, named by its content.

    bundles/<hash>/bundle.json       inputs, requirements, a sample, checksum of the model
                   model.ubj         as MLflow stored it
                   mlinfra_runtime/  the code that answers, as of this packaging

The name is the checksum of all files, so a changed bundle is noticed before it is started, and the
next deploy makes it again. A pure function of the model's folder (see `logged`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import Unprocessable
from ..core.files import explain_os_error
from .logged import Answers, Input, Logged, read, read_document
from .servable import BOOSTER

RUNTIME = Path(__file__).parent / "runtime"
RUNTIME_NAME = "mlinfra_runtime"
SAMPLE_ROWS = 20
UNUSED_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A packaged model version. sample: {"names": …, "ndarray": …}, a request that it answers.

    own_requirements, document: of the model's own pyfunc, whose answers are compared before
    traffic.
    """

    folder: Path
    columns: Sequence[Input]
    output_names: Sequence[str]
    model_class: str
    answers: Answers
    model_file: str
    requirements: Sequence[str]
    own_requirements: Sequence[str]
    document: Mapping[str, Any]
    sample: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Hash of its content."""
        return self.folder.name


def package(model: Path, into: Path, *, answers: Answers | None = None) -> Bundle:
    """Make the bundle of the MLflow model in folder `model` below `into`; the same content gives
    the same folder.

    answers: what a classifier answers; None: the same as its own pyfunc. A folder whose files were
    changed is made again. Raises Unprocessable if the folder holds no XGBoost model with a
    signature that can be served, BadRequest for answers it cannot give.
    """
    logged = read(model, answers)
    text = _facts(model, logged)
    folder = into / _digest(text.encode(), sorted(RUNTIME.glob("*.py")))
    try:
        if folder.is_dir() and damage(folder):
            shutil.rmtree(folder)
        if folder.is_dir():
            os.utime(folder)  # it is in use, and must not be removed
        else:
            _write(folder, logged.file, text)
    except OSError as error:
        raise explain_os_error(error, "The bundle could not be written.") from error
    return load_bundle(folder)


def _facts(model: Path, logged: Logged) -> str:
    """The content of bundle.json."""
    facts = {
        "format": 2,
        "model_file": logged.file.name,
        "model_sha256": _sha256(logged.file),
        "model_class": logged.model_class,
        "answers": logged.answers,
        "columns": [asdict(column) for column in logged.columns],
        "output_names": logged.output_names,
        "requirements": logged.requirements,
        "own_requirements": logged.own_requirements,
        "document": logged.document,
        "sample": _sample(model, logged.columns),
    }
    return json.dumps(facts, indent=1, sort_keys=True)


def damage(folder: Path) -> str:
    """What is wrong with a bundle's files, in one sentence; empty if they are those that were
    packaged.
    """
    try:
        text = (folder / "bundle.json").read_bytes()
        facts = json.loads(text)
        model, runtime = (
            folder / str(facts["model_file"]),
            sorted((folder / RUNTIME_NAME).glob("*.py")),
        )
        expected = {
            "bundle.json",
            model.name,
            RUNTIME_NAME,
            *(f"{RUNTIME_NAME}/{file.name}" for file in runtime),
        }
        unexpected = sorted(
            {str(file.relative_to(folder)) for file in folder.rglob("*")} - expected
        )
        if unexpected:
            return f"Bundle {folder.name} holds {unexpected[0]}, which was not packaged."
        if _digest(text, runtime) != folder.name:
            return f"The code or the description in bundle {folder.name} is not what was packaged."
        if _sha256(model) != facts["model_sha256"]:
            return f"{model.name} in bundle {folder.name} is not the file that was packaged."
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"Bundle {folder.name} cannot be read: {type(error).__name__}: {str(error)[:200]}."
    return ""


def _digest(text: bytes, runtime: Sequence[Path]) -> str:
    """Name of a bundle. text: of bundle.json, which holds the checksum of the model."""
    digest = hashlib.sha256(text)
    for file in runtime:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def prune(folder: Path, used: Collection[str]) -> list[str]:
    """Remove bundles in `folder` that no version uses and that are older than a day: a deploy in
    progress may just have made one.
    """
    removed = []
    for file in folder.glob("*/bundle.json"):
        bundle = file.parent
        with contextlib.suppress(OSError):
            if str(bundle) not in used and time.time() - bundle.stat().st_mtime > UNUSED_SECONDS:
                shutil.rmtree(bundle)
                removed.append(bundle.name)
    return removed


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle made by `package`. Raises Unprocessable if it is gone or damaged."""
    try:
        facts = json.loads((folder / "bundle.json").read_text())
        return Bundle(
            folder=folder,
            columns=[Input(**column) for column in facts["columns"]],
            output_names=facts["output_names"],
            # A bundle of an earlier version lacks these keys.
            model_class=facts.get("model_class", BOOSTER),
            answers=facts.get("answers", "values"),
            model_file=facts["model_file"],
            requirements=facts["requirements"],
            own_requirements=facts.get("own_requirements", ()),
            document=facts.get("document", {}),
            sample=facts["sample"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unprocessable(
            f"Bundle {folder.name} cannot be read.", f"{error}.", "Deploy the version again."
        ) from error


def _sample(model: Path, columns: Sequence[Input]) -> dict[str, Any]:
    names = [column.name for column in columns]
    rows = _example_rows(model, names)
    usable = [
        [_json_value(value, column) for value, column in zip(row, columns, strict=True)]
        for row in rows[:SAMPLE_ROWS]
    ]
    complete = [
        row
        for row in usable
        if all(
            value is not None or column.optional for value, column in zip(row, columns, strict=True)
        )
    ]
    return {"names": names, "ndarray": complete or [[_default(column) for column in columns]]}


def _example_rows(model: Path, names: Sequence[str]) -> list[list[Any]]:
    info = read_document(model).get("saved_input_example_info") or {}
    file = (model / str(info.get("artifact_path", ""))).resolve()
    if (
        not info.get("artifact_path")
        or not file.is_relative_to(model.resolve())
        or not file.is_file()
    ):
        return []
    try:
        example = json.loads(file.read_text())
    except ValueError:
        return []
    if (
        isinstance(example, dict)
        and isinstance(example.get("data"), list)
        and set(names) <= set(example.get("columns") or names)
    ):
        positions = {
            name: position for position, name in enumerate(example.get("columns") or names)
        }
        return [
            [row[positions[name]] for name in names]
            for row in example["data"]
            if isinstance(row, list) and len(row) == len(positions)
        ]
    return []


def _json_value(value: Any, column: Input) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return bool(value) if column.type == "boolean" and value in (0, 1) else value


def _default(column: Input) -> Any:
    return {"boolean": False, "string": None}.get(column.type, 0) if not column.optional else None


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(folder: Path, source: Path, text: str) -> None:
    """Write beside it, then rename: a bundle is whole or absent."""
    folder.parent.mkdir(exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        shutil.copyfile(source, draft / source.name)
        (draft / RUNTIME_NAME).mkdir()
        for file in RUNTIME.glob("*.py"):
            shutil.copyfile(file, draft / RUNTIME_NAME / file.name)
        (draft / "bundle.json").write_text(text)
        for file in draft.rglob("*"):
            if file.is_file():
                with open(file, "rb") as opened:
                    os.fsync(opened.fileno())
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another deploy has just made the same bundle
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
