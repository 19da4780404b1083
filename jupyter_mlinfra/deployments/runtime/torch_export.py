"""Export a PyTorch model to ONNX, and find out whether onnxruntime answers as torch does.

    python -m mlinfra_runtime.torch_export BUNDLE FOLDER SECONDS

In an environment with the model's requirements, onnx, onnxscript and onnxruntime. Writes
`report.json` into FOLDER, and `model.onnx` if there is one. It kills itself after SECONDS.

What is compared are the engines that would answer requests, with the batches that they would get
(see `proof`). Floats may differ by TOLERANCE, absolutely, or relative to values above 1; whole
numbers and truth values not at all. float32 has 24 bits, so each rounding is one of 6e-8; the two
libraries add up in different orders, by which a sum of a thousand terms differs by some 1e-6. What
differs by more than 1e-5 computes something else, or amplifies its roundings, which also must not
change with the library.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .contract import Batch
from .engine import Packaged, add_code_paths, check_files
from .proof import Case, difference, first_rows, proof

TOLERANCE = 1e-5
_LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")
_TRACED_ROWS = 3
"""torch takes sizes of 0 and 1 for constants."""


class NotExportedError(Exception):
    """Why torch answers the requests."""


def main(bundle: Path, folder: Path, seconds: int) -> None:
    """Write the report, whatever happens before the process is killed."""
    signal.alarm(seconds)
    report: dict[str, Any] = {"engine": "torch", "tolerance": TOLERANCE, "versions": _versions()}
    try:
        check_files(bundle)
        report |= _examine(Packaged.of(bundle), folder, report)
    except NotExportedError as error:
        report["why"] = str(error)
    except Exception as error:  # noqa: BLE001 (code of the model, and of two compilers)
        report["why"] = f"the export failed: {_said(error)}"
    _write(folder, report)


def _examine(packaged: Packaged, folder: Path, report: dict[str, Any]) -> Mapping[str, Any]:
    """What the report says of a model that onnxruntime can serve. Raises NotExportedError."""
    from .torch_engine import TorchEngine

    add_code_paths(packaged)
    try:
        engine = TorchEngine(packaged)
        cases = proof(packaged, engine.contract)
    except Exception as error:
        raise NotExportedError(f"torch could not read the model: {_said(error)}") from error
    at_once, answers = _answers(packaged, engine, cases)
    report["rows_at_once"] = at_once
    packaged = replace(packaged, rows_at_once=at_once)
    # If the export ends this process, this is known.
    _write(folder, {**report, "why": "the export ended its process"})
    file = folder / "model.onnx"
    whole = next(case.batch for case in cases if case.is_sample and case.batch.size > 1)
    exporter = _export(engine, first_rows(whole, 1 if at_once else _TRACED_ROWS), packaged, file)
    served = replace(packaged, engine="onnx", folder=folder, model_file=file.name)
    worst = _compare(served, answers)
    return {
        "engine": "onnx",
        "why": "",
        "difference": worst,
        "rows": sum(case.batch.size for case, _ in answers),
        "batches": sorted({case.batch.size for case, _ in answers}),
        "exporter": exporter,
    }


Answered = Sequence[tuple[Case, Mapping[str, np.ndarray]]]


def _answers(packaged: Packaged, engine: Any, cases: Sequence[Case]) -> tuple[int, Answered]:
    """What torch answers, and 1 if it takes one row at a time only, else 0. It has to answer the
    sample; made-up rows that it refuses are left out. Raises NotExportedError.
    """
    from .torch_engine import TorchEngine

    at_once = 0
    single, *_ = cases
    try:
        engine.predict(single.batch)
    except Exception as error:
        raise NotExportedError(f"torch does not answer the sample: {_said(error)}") from error
    answers = []
    for case in cases:
        try:
            answer = engine.predict(case.batch)
        except Exception as error:
            if not case.is_sample or case.batch.size == 1:
                continue
            if at_once:
                raise NotExportedError(
                    f"torch does not answer the sample: {_said(error)}"
                ) from error
            at_once, engine = 1, TorchEngine(replace(packaged, rows_at_once=1))
            answer = engine.predict(case.batch)
        again = engine.predict(case.batch)
        if difference(again, answer) > TOLERANCE:
            raise NotExportedError(
                "torch answers the same rows differently each time: the model was exported in"
                " training mode, or draws random numbers"
            )
        answers.append((case, answer))
    return at_once, answers


def _compare(served: Packaged, answers: Answered) -> float:
    """The largest difference of onnxruntime's answers. Raises NotExportedError if it is above
    TOLERANCE.
    """
    from .onnx_engine import OnnxEngine

    try:
        engine = OnnxEngine(served)
    except Exception as error:
        raise NotExportedError(f"onnxruntime could not read the export: {_said(error)}") from error
    worst = 0.0
    for case, expected in answers:
        rows = f"{case.batch.size} {'row' if case.batch.size == 1 else 'rows'}"
        try:
            found = difference(engine.predict(case.batch), expected)
        except Exception as error:
            raise NotExportedError(
                f"onnxruntime answers a batch of {rows} otherwise: {_said(error)}"
            ) from error
        if not found <= TOLERANCE:
            raise NotExportedError(
                f"onnxruntime's answers to a batch of {rows} differ by {found:.2g}; the limit is"
                f" {TOLERANCE:g}"
            )
        worst = max(worst, found)
    return worst


def _export(engine: Any, batch: Batch, packaged: Packaged, file: Path) -> str:
    """Write the ONNX file; returns what made it."""
    import torch

    inputs = engine.inputs(batch)
    with torch.no_grad():
        outputs = list(engine.ask(inputs))

    class Flat(torch.nn.Module):  # type: ignore[misc]
        """Takes the inputs by position, and answers with a tuple."""

        def __init__(self) -> None:
            super().__init__()
            self.inner, self.training = engine.module, False

        def train(self, mode: bool = True) -> Any:  # noqa: ARG002
            """It stays as it was read; an exported program refuses the call."""
            return self

        def forward(self, *tensors: Any) -> Any:
            found = engine.ask(dict(zip(inputs, tensors, strict=True)))
            return tuple(found[name] for name in outputs)

    scripted = isinstance(engine.module, torch.jit.ScriptModule)
    axes = _open_axes(packaged, list(inputs))
    options: dict[str, Any] = (
        # It keeps the control flow of TorchScript, which the other exporter does not read.
        {"dynamo": False, "dynamic_axes": axes | {name: {0: "rows"} for name in outputs}}
        if scripted
        else {
            "dynamo": True,
            "external_data": False,  # a file above 2 GiB is refused
            "dynamic_shapes": (
                tuple(dict.fromkeys(axes[name], torch.export.Dim.AUTO) for name in inputs),
            ),
        }
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                engine.module if scripted else Flat(),
                tuple(inputs.values()),
                str(file),
                input_names=list(inputs),
                output_names=outputs,
                **options,
            )
        _strip(file)
    except Exception as error:
        raise NotExportedError(f"torch.onnx cannot export it: {_said(error)}") from error
    return f"torch.onnx of torch {_versions()['torch']}{', from TorchScript' * scripted}"


def _open_axes(packaged: Packaged, names: Sequence[str]) -> dict[str, dict[int, str]]:
    """The axes of any size, by input."""
    rows = {} if packaged.rows_at_once else {0: "rows"}
    if packaged.layout != "tensors":
        return {name: dict(rows) for name in names}
    sizes = {column.name: list(column.spec.get("shape", [-1]))[1:] for column in packaged.columns}
    return {
        name: rows | {at: f"size_{at}" for at, size in enumerate(sizes[name], 1) if size < 0}
        for name in names
    }


def _strip(file: Path) -> None:
    """Remove what the exporter notes for debugging: lines and paths of the code that made it, which
    are nobody's business and make the file another one each time.
    """
    import onnx

    model = onnx.load(file)
    model.doc_string = ""
    del model.metadata_props[:]
    _strip_graph(model.graph)
    for function in model.functions:
        function.doc_string = ""
        del function.metadata_props[:]
        for node in function.node:
            _strip_node(node)
    onnx.save(model, file)


def _strip_graph(graph: Any) -> None:
    graph.doc_string = ""
    del graph.metadata_props[:]
    for part in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    for node in graph.node:
        _strip_node(node)


def _strip_node(node: Any) -> None:
    node.doc_string = ""
    del node.metadata_props[:]
    for attribute in node.attribute:
        if attribute.HasField("g"):
            _strip_graph(attribute.g)


def _said(error: BaseException) -> str:
    """The first line of what an error says; of a chain, of its cause: compilers wrap theirs."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = re.sub(r"\x1b\[[\d;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip(" -=")]
    return f"{type(error).__name__}: {lines[0] if lines else 'it said nothing'}"[:300]


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _write(folder: Path, report: Mapping[str, Any]) -> None:
    (folder / "report.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
