"""A model version becomes a bundle: a folder with everything that serves it, named by its content.

    bundles/<hash>/bundle.json       inputs, requirements, a sample, checksums of the model's files
                   model/            the files that its engine reads, as MLflow stored them
                   mlinfra_runtime/  the code that answers, as of this packaging

The name is the checksum of all files, so a changed bundle is noticed before it is started, and the
next deploy makes it again. A pure function of the model's folder (see `logged`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core import feast_online
from ..core.errors import Unprocessable
from ..core.files import explain_os_error
from .logged import Answers, Input, Logged, Param, read
from .samples import sample_of
from .servable import BOOSTER, Engine, Layout

RUNTIME = Path(__file__).parent / "runtime"
READERS = Path(feast_online.__file__).parent
"""Modules that bundles have in place of those of the same names in RUNTIME."""

RUNTIME_NAME = "mlinfra_runtime"
MODEL_FOLDER = "model"
EXPORTED_FILE = "mlinfra-export/model.onnx"
"""An ONNX file that was made of the model's own, beside which it lies."""

UNUSED_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A packaged model version. sample: {"names": …, "ndarray": …}, rows that it answers; a model
    with several tensors has {"names": …, "jsonData": {name: …}}. features: see `featuring.plan_of`;
    empty if all inputs are in the request.

    export: the report on the engine of a PyTorch model, see `onnx_export`; empty for others.
    own_requirements, document: of the model's own pyfunc, whose answers are compared before
    traffic. python: the minor version that its files need; empty for any. files: checksums by
    path below the folder. params: those that a request may have beside its rows.
    """

    folder: Path
    engine: Engine
    layout: Layout
    columns: Sequence[Input]
    output_names: Sequence[str]
    model_class: str
    answers: Answers
    model_file: str
    files: Mapping[str, str]
    requirements: Sequence[str]
    own_requirements: Sequence[str]
    python: str
    runs_code: bool
    document: Mapping[str, Any]
    sample: Mapping[str, Any]
    export: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)
    params: Sequence[Param] = ()

    @property
    def inputs(self) -> Sequence[Input]:
        """What a request carries: the model's columns, unless some come from the online store."""
        items = self.features.get("inputs")
        return [Input(**item) for item in items] if items else self.columns

    @property
    def asked(self) -> Mapping[str, Any]:
        """The sample as requests carry it."""
        sample: Mapping[str, Any] = self.features.get("sample") or self.sample
        return sample

    @property
    def id(self) -> str:
        """Hash of its content."""
        return self.folder.name


def package(
    model: Path,
    into: Path,
    *,
    answers: Answers | None = None,
    features: Mapping[str, Any] | None = None,
) -> Bundle:
    """Make the bundle of the MLflow model in folder `model` below `into`; the same content gives
    the same folder.

    answers: what a classifier answers; None: the same as its own pyfunc. features: which inputs
    come from the online store (see `featuring.plan_of`); None: all are in the request. A
    folder whose files were changed is made again. Raises Unprocessable if the folder holds no model
    with a signature that can be served, BadRequest for answers it cannot give.
    """
    logged = read(model, answers)
    sources = {name: logged.folder / name for name in logged.files}
    return _bundle(into, sources, _facts(logged, features))


def with_export(
    bundle: Bundle, report: Mapping[str, Any], *, onnx: Path | None, requirements: Sequence[str]
) -> Bundle:
    """The bundle with the report on its engine, beside it. onnx: the file that serves it from now
    on, with these requirements; None if torch does.
    """
    facts = json.loads((bundle.folder / "bundle.json").read_text())
    sources = {name: bundle.folder / MODEL_FOLDER / name for name in facts["files"]}
    facts |= {"export": dict(report), "requirements": list(requirements)}
    if onnx is not None:
        sources[EXPORTED_FILE] = onnx
        facts["files"] = {**facts["files"], EXPORTED_FILE: _sha256(onnx)}
        facts |= {"engine": "onnx", "model_file": EXPORTED_FILE}
    text = json.dumps(facts, indent=1, sort_keys=True)
    return _bundle(bundle.folder.parent, sources, text)


def _bundle(into: Path, sources: Mapping[str, Path], text: str) -> Bundle:
    """The bundle with this description. sources: the model's files by their names."""
    folder = into / _digest(text.encode(), _runtime())
    try:
        if folder.is_dir() and damage(folder):
            shutil.rmtree(folder)
        if folder.is_dir():
            os.utime(folder)  # it is in use, and must not be removed
        else:
            _write(folder, sources, text)
    except OSError as error:
        raise explain_os_error(error, "The bundle could not be written.") from error
    return load_bundle(folder)


def _facts(logged: Logged, features: Mapping[str, Any] | None) -> str:
    """The content of bundle.json."""
    plan = {name: value for name, value in (features or {}).items() if name != "requirements"}
    needed = features["requirements"] if features else []
    facts = {
        "format": 3,
        "engine": logged.engine,
        "layout": logged.layout,
        "model_file": logged.model_file,
        "files": {name: _sha256(logged.folder / name) for name in logged.files},
        "model_class": logged.model_class,
        "answers": logged.answers,
        "columns": [asdict(column) for column in logged.columns],
        "output_names": logged.output_names,
        "requirements": sorted([*logged.requirements.serving, *needed]),
        "own_requirements": logged.requirements.own,
        "python": logged.requirements.python,
        "runs_code": logged.runs_code,
        "document": logged.document,
        "sample": sample_of(logged),
        **({"features": plan} if plan else {}),
        **({"params": [asdict(param) for param in logged.params]} if logged.params else {}),
    }
    return json.dumps(facts, indent=1, sort_keys=True)


def damage(folder: Path) -> str:
    """What is wrong with a bundle's files, in one sentence; empty if they are those that were
    packaged.
    """
    try:
        text = (folder / "bundle.json").read_bytes()
        files = _files(json.loads(text))
        runtime = sorted((folder / RUNTIME_NAME).glob("*.py"))
        expected = {
            "bundle.json",
            RUNTIME_NAME,
            *(f"{RUNTIME_NAME}/{file.name}" for file in runtime),
            *files,
            *(str(parent) for name in files for parent in Path(name).parents),
        }
        unexpected = sorted(
            {str(file.relative_to(folder)) for file in folder.rglob("*")} - expected
        )
        if unexpected:
            return f"Bundle {folder.name} holds {unexpected[0]}, which was not packaged."
        if _digest(text, runtime) != folder.name:
            return f"The code or the description in bundle {folder.name} is not what was packaged."
        for name, digest in files.items():
            if _sha256(folder / name) != digest:
                return (
                    f"{Path(name).name} in bundle {folder.name} is not the file that was packaged."
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"Bundle {folder.name} cannot be read: {type(error).__name__}: {str(error)[:200]}."
    return ""


def is_of(bundle: Bundle, model: Path) -> bool:
    """Whether the bundle was made of the files in the folder of this MLflow model. Raises OSError
    for one that cannot be read.
    """
    for stored, digest in bundle.files.items():
        name = stored.removeprefix(f"{MODEL_FOLDER}/")
        if name == EXPORTED_FILE:  # made of the others
            continue
        if not (model / name).is_file() or _sha256(model / name) != digest:
            return False
    return True


def _files(facts: Mapping[str, Any]) -> dict[str, str]:
    """Checksums of the model's files by their path in the bundle."""
    if "files" not in facts:  # a bundle of an earlier version
        return {str(facts["model_file"]): str(facts["model_sha256"])}
    return {f"{MODEL_FOLDER}/{name}": str(digest) for name, digest in facts["files"].items()}


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
            # A bundle of an earlier version lacks the keys that are not taken for granted.
            engine=facts.get("engine", "xgboost"),
            layout=facts.get("layout", "columns"),
            columns=[Input(**column) for column in facts["columns"]],
            output_names=facts["output_names"],
            model_class=facts.get("model_class", BOOSTER),
            answers=facts.get("answers", "values"),
            model_file=facts["model_file"],
            files=_files(facts),
            requirements=facts["requirements"],
            own_requirements=facts.get("own_requirements", ()),
            python=facts.get("python", ""),
            runs_code=facts.get("runs_code", False),
            document=facts.get("document", {}),
            sample=facts["sample"],
            export=facts.get("export", {}),
            features=facts.get("features") or {},
            params=[Param(**item) for item in facts.get("params", ())],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unprocessable(
            f"Bundle {folder.name} cannot be read.", f"{error}.", "Deploy the version again."
        ) from error


def _runtime() -> list[Path]:
    """The code that is copied into a bundle, by name."""
    files = {file.name: file for file in RUNTIME.glob("*.py")}
    files |= {file.name: file for file in READERS.glob("feast_*.py")}
    return [files[name] for name in sorted(files)]


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(folder: Path, sources: Mapping[str, Path], text: str) -> None:
    """Write beside it, then rename: a bundle is whole or absent."""
    folder.parent.mkdir(exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        for name, source in sources.items():
            target = draft / MODEL_FOLDER / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        (draft / RUNTIME_NAME).mkdir()
        for file in _runtime():
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
