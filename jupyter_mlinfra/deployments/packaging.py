"""A model version becomes a bundle: a folder that holds all that serves it, named by its content.

    bundles/<hash>/bundle.json       inputs, requirements, a sample, checksum of the model
                   model.ubj         as MLflow stored it
                   mlinfra_runtime/  the code that answers, as of this packaging

A pure function of the model's folder: no tracking server, no import of the model's library, nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import Unprocessable
from ..core.files import explain_os_error
from .servable import fix_of, unservable

RUNTIME = Path(__file__).parent / "runtime"
RUNTIME_NAME = "mlinfra_runtime"
TYPES = ("double", "float", "integer", "long", "boolean", "string")
"""Types of an MLflow signature that an XGBoost model can be asked with."""

SAMPLE_ROWS = 20
UNUSED_SECONDS = 86_400
_KEPT = re.compile(r"(?P<name>xgboost|xgboost-cpu|numpy|scipy)\s*(?P<spec>(?:[=<>!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One column of the signature. optional: missing values were part of the training data."""

    name: str
    type: str
    optional: bool
    categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A packaged model version. sample: {"names": …, "ndarray": …}, a request that it answers."""

    folder: Path
    columns: Sequence[Input]
    output_names: Sequence[str]
    model_file: str
    requirements: Sequence[str]
    sample: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Hash of its content."""
        return self.folder.name


def package(model: Path, into: Path) -> Bundle:
    """Make the bundle of the MLflow model in folder `model` below `into`; the same content gives the same folder.

    Raises Unprocessable when the folder holds no XGBoost model with a signature that can be served.
    """
    document = _read_document(model)
    source = _model_file(model, document)
    columns, outputs = _signature(document)
    facts = {
        "format": 1,
        "model_file": source.name,
        "model_sha256": _sha256(source),
        "columns": [asdict(column) for column in columns],
        "output_names": outputs,
        "requirements": _requirements(model, document),
        "sample": _sample(model, document, columns),
    }
    text = json.dumps(facts, indent=1, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for file in sorted(RUNTIME.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    folder = into / digest.hexdigest()[:16]
    try:
        if folder.is_dir():
            os.utime(folder)  # in use: not one to be removed
        else:
            _write(folder, source, text)
    except OSError as error:
        raise explain_os_error(error, "The bundle could not be written.") from error
    return load_bundle(folder)


def prune(folder: Path, used: Collection[str]) -> list[str]:
    """Remove bundles below `folder` that no version uses and that are older than a day: a deploy under way has just made its own."""
    removed = []
    for file in folder.glob("*/bundle.json"):
        bundle = file.parent
        with contextlib.suppress(OSError):
            if str(bundle) not in used and time.time() - bundle.stat().st_mtime > UNUSED_SECONDS:
                shutil.rmtree(bundle)
                removed.append(bundle.name)
    return removed


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle that `package` made. Raises Unprocessable when it is gone or damaged."""
    try:
        facts = json.loads((folder / "bundle.json").read_text())
        return Bundle(
            folder=folder,
            columns=[Input(**column) for column in facts["columns"]],
            output_names=facts["output_names"],
            model_file=facts["model_file"],
            requirements=facts["requirements"],
            sample=facts["sample"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unprocessable(f"Bundle {folder.name} cannot be read.", f"{error}.", "Deploy the version again.") from error


def _read_document(model: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load((model / "MLmodel").read_text())
    except FileNotFoundError:
        raise Unprocessable(f"{model.name} is no MLflow model.", "It has no file MLmodel.", "Log the model again, by the log_model of its library.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Unprocessable("The file MLmodel cannot be read.", f"{str(error)[:200]}.", "Log the model again.") from error
    if not isinstance(document, dict) or not isinstance(document.get("flavors"), dict):
        raise Unprocessable("The file MLmodel is broken.", "It names no flavor.", "Log the model again.")
    return document


def _model_file(model: Path, document: Mapping[str, Any]) -> Path:
    flavor = document["flavors"].get("xgboost")
    data = str(flavor.get("data", "")) if isinstance(flavor, dict) else ""
    file = (model / data).resolve()
    if isinstance(flavor, dict) and not (file.is_relative_to(model.resolve()) and file.is_file()):
        raise Unprocessable("The model's file is missing.", f"MLmodel names {data[:80]!r}, which is not in its folder.", "Log the model again.")
    if why := unservable(document):
        raise Unprocessable("The model cannot be served.", why, fix_of(document))
    return file


def _signature(document: Mapping[str, Any]) -> tuple[list[Input], list[str]]:
    signature = document.get("signature") or {}
    try:
        inputs = json.loads(signature.get("inputs") or "null")
        outputs = json.loads(signature.get("outputs") or "null")
    except (ValueError, TypeError, AttributeError) as error:
        raise Unprocessable("The model's signature is broken.", f"{error}.", "Log the model again.") from error
    if not inputs:
        fix = "Log it with signature=mlflow.models.infer_signature(inputs, predictions), and register the new run."
        raise Unprocessable("The model has no signature.", "Without one a request cannot be checked before the model sees it.", fix)
    if inputs[0].get("type") == "tensor":
        return _tensor_inputs(inputs), []
    bad = [str(item.get("name")) for item in inputs if item.get("type") not in TYPES or not item.get("name")]
    if bad:
        found = next(item for item in inputs if str(item.get("name")) == bad[0])
        why = f"Input {bad[0]} is of type {found.get('type')}; an XGBoost model takes {', '.join(TYPES)}."
        raise Unprocessable("The signature has an input that cannot be served.", why, "Turn it into a number before training, and log the model again.")
    columns = [Input(name=item["name"], type=item["type"], optional=item.get("required") is False) for item in inputs]
    names = [str(item["name"]) for item in outputs or [] if item.get("type") != "tensor" and item.get("name")]
    return columns, names


def _tensor_inputs(inputs: Sequence[Mapping[str, Any]]) -> list[Input]:
    """A signature without names: columns by position. Its floats may be missing, as NaN is one of their values."""
    spec = inputs[0].get("tensor-spec", {})
    shape, kind = spec.get("shape", []), str(spec.get("dtype", ""))
    if len(inputs) != 1 or len(shape) != 2 or int(shape[1]) < 1 or not kind.startswith(("float", "int", "uint")):
        raise Unprocessable(
            "The signature cannot be served.", f"It is a tensor of shape {shape} and type {kind or 'unknown'}.", "Use a signature with named columns."
        )
    floats = kind.startswith("float")
    return [Input(name=f"f{place}", type="double" if floats else "long", optional=floats) for place in range(int(shape[1]))]


def _requirements(model: Path, document: Mapping[str, Any]) -> list[str]:
    """What was recorded of the libraries that decide the answer; the model's other requirements are of no use in the runtime."""
    kept: dict[str, str] = {}
    file = model / "requirements.txt"
    for line in file.read_text().splitlines() if file.is_file() else []:
        found = _KEPT.match(line.partition("#")[0].strip().lower().replace("_", "-"))
        if found:
            kept[found["name"]] = found["spec"].replace(" ", "")
    if "xgboost" not in kept and "xgboost-cpu" not in kept:
        recorded = str(document["flavors"]["xgboost"].get("xgb_version", ""))
        kept["xgboost"] = f"=={recorded}" if re.match(r"[\w.]+\Z", recorded) else ">=3.1"
    return [f"{name}{spec}" for name, spec in sorted(kept.items())]


def _sample(model: Path, document: Mapping[str, Any], columns: Sequence[Input]) -> dict[str, Any]:
    names = [column.name for column in columns]
    rows = _example_rows(model, document, names)
    usable = [[_plain(value, column) for value, column in zip(row, columns, strict=True)] for row in rows[:SAMPLE_ROWS]]
    full = [row for row in usable if all(value is not None or column.optional for value, column in zip(row, columns, strict=True))]
    return {"names": names, "ndarray": full or [[_default(column) for column in columns]]}


def _example_rows(model: Path, document: Mapping[str, Any], names: Sequence[str]) -> list[list[Any]]:
    info = document.get("saved_input_example_info") or {}
    file = (model / str(info.get("artifact_path", ""))).resolve()
    if not info.get("artifact_path") or not file.is_relative_to(model.resolve()) or not file.is_file():
        return []
    try:
        example = json.loads(file.read_text())
    except ValueError:
        return []
    if isinstance(example, dict) and isinstance(example.get("data"), list) and set(names) <= set(example.get("columns") or names):
        given = {name: place for place, name in enumerate(example.get("columns") or names)}
        return [[row[given[name]] for name in names] for row in example["data"] if isinstance(row, list) and len(row) == len(given)]
    return []


def _plain(value: Any, column: Input) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return bool(value) if column.type == "boolean" and value in (0, 1) else value


def _default(column: Input) -> Any:
    return {"boolean": False, "string": None}.get(column.type, 0) if not column.optional else None


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(folder: Path, source: Path, text: str) -> None:
    """Write beside, then rename: a bundle is whole or absent."""
    folder.parent.mkdir(parents=True, exist_ok=True)
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
            if not folder.is_dir():  # else another deploy has just made the same bundle
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
