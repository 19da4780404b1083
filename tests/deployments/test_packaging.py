"""From an MLflow model folder to a bundle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.deployments.packaging import damage, load_bundle, package, prune
from jupyter_mlinfra.deployments.runtime import contract, values
from jupyter_mlinfra.deployments.servable import NESTED, SCALARS

Alter = Callable[..., Path]


def test_a_bundle_holds_model_signature_requirements_and_a_sample(
    models: Mapping[int, Path], tmp_path: Path
) -> None:
    bundle = package(models[1], tmp_path)
    assert (bundle.folder / "model" / bundle.model_file).read_bytes() == (
        models[1] / "model.ubj"
    ).read_bytes()
    assert [column.name for column in bundle.columns][-2:] == ["count", "flag"]
    assert {column.name for column in bundle.columns if column.optional} == {"x5"}
    assert [line.partition("==")[0] for line in bundle.requirements] == [
        "numpy",
        "scipy",
        "xgboost",
    ]
    example = json.loads((models[1] / "input_example.json").read_text())
    assert bundle.sample["names"] == example["columns"]
    assert bundle.sample["ndarray"][0][0] == example["data"][0][0]
    assert (bundle.folder / "mlinfra_runtime" / "model.py").is_file()
    assert load_bundle(bundle.folder) == bundle


def test_equal_content_gives_the_same_bundle_and_another_model_another(
    models: Mapping[int, Path], tmp_path: Path
) -> None:
    first, again, other = (
        package(models[1], tmp_path),
        package(models[1], tmp_path),
        package(models[2], tmp_path),
    )
    assert first.id == again.id != other.id
    assert not list(tmp_path.glob(".draft*"))


def test_a_model_without_signature_is_refused_with_the_fix(altered: Alter, tmp_path: Path) -> None:
    folder = altered(lambda document: document.pop("signature"))
    with pytest.raises(Unprocessable) as refused:
        package(folder, tmp_path / "bundles")
    assert "no signature" in refused.value.what
    assert "infer_signature" in refused.value.fix
    assert not list((tmp_path / "bundles").glob("*")) if (tmp_path / "bundles").exists() else True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda document: document["flavors"].clear(), "flavor"),
        (lambda document: document["flavors"]["xgboost"].update(data="model.pkl"), "missing"),
        (
            lambda document: document["flavors"]["xgboost"].update(data="../../../etc/passwd"),
            "missing",
        ),
        (lambda document: document["signature"].update(inputs="[{"), "broken"),
        (
            lambda document: document["signature"].update(
                inputs='[{"type": "datetime", "name": "at", "required": true}]'
            ),
            "datetime",
        ),
        (
            lambda document: document["signature"].update(
                inputs='[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1, 2]}}]'
            ),
            "tensor",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_and_nothing_is_written(
    altered: Alter, tmp_path: Path, change: Any, said: str
) -> None:
    with pytest.raises(Unprocessable) as refused:
        package(altered(change), tmp_path / "bundles")
    assert said in str(refused.value)
    assert refused.value.fix
    assert not (tmp_path / "bundles").exists()


def test_a_pickled_model_is_packaged_without_being_opened_and_said_to_run_code(
    altered: Alter, tmp_path: Path
) -> None:
    folder = altered(lambda document: document["flavors"]["xgboost"].update(data="model.pkl"))
    (folder / "model.pkl").write_bytes(
        b"cos\nsystem\n(S'touch " + str(tmp_path / "canary").encode() + b"'\ntR."
    )
    bundle = package(folder, tmp_path / "bundles")
    assert bundle.runs_code
    assert not package(altered(lambda _: None, "plain"), tmp_path / "bundles").runs_code
    assert not (tmp_path / "canary").exists()


def test_a_link_that_leaves_the_folder_is_not_followed(altered: Alter, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = altered(
        lambda document: document["flavors"]["python_function"].update(loader_module="theirs")
    )
    (folder / "extra").symlink_to(secret)
    with pytest.raises(Unprocessable, match="extra is a link"):
        package(folder, tmp_path / "bundles")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable, match="not an MLflow model"):
        package(tmp_path, tmp_path / "bundles")
    (tmp_path / "MLmodel").write_text("flavors: [")
    with pytest.raises(Unprocessable, match="cannot be read"):
        package(tmp_path, tmp_path / "bundles")


def test_a_hostile_requirements_file_brings_nothing_but_known_libraries(
    models: Mapping[int, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(models[1], tmp_path / "hostile")
    (folder / "requirements.txt").write_text(
        "--index-url http://example.invalid/\nxgboost @ file:///etc/passwd\nnumpy==2.5.0; import"
        " os\nevil==1\nscipy==1.16.0\n"
    )
    bundle = package(folder, tmp_path / "bundles")
    # Xgboost from the flavor.
    assert [line for line in bundle.requirements if not line.startswith("xgboost==")] == [
        "scipy==1.16.0"
    ]


def test_a_sample_is_made_up_when_the_model_has_none(altered: Alter, tmp_path: Path) -> None:
    bundle = package(
        altered(lambda document: document.pop("saved_input_example_info")), tmp_path / "bundles"
    )
    checked = contract.MatrixContract(
        [contract.Column(column.name, column.type, column.optional) for column in bundle.columns]
    )
    assert checked.from_rows(bundle.sample["ndarray"], bundle.sample["names"]).size == 1


def test_packaging_and_runtime_know_the_same_types() -> None:
    assert {*SCALARS, *NESTED} == set(values.TYPES)


def test_a_model_file_that_was_changed_after_packaging_is_not_served(
    models: Mapping[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.deployments.runtime.model import Model

    bundle = package(models[1], tmp_path)
    for name, value in {
        "BUNDLE": str(bundle.folder),
        "DEPLOYMENT": "flights",
        "VERSION": "v1",
        "MODEL": "flights/1",
        "PAYLOADS": "",
    }.items():
        monkeypatch.setenv(f"MLINFRA_{name}", value)
    Model().load()
    file = bundle.folder / "model" / bundle.model_file
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(RuntimeError, match="not the file that was packaged"):
        Model().load()


def changed_model(folder: Path) -> None:
    file = folder / "model" / "model.ubj"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (changed_model, "model.ubj"),
        (
            lambda folder: (folder / "mlinfra_runtime" / "model.py").write_text("raise SystemExit"),
            "code",
        ),
        (lambda folder: (folder / "mlinfra_runtime" / "journal.py").unlink(), "code"),
        (lambda folder: (folder / "sitecustomize.py").write_text(""), "sitecustomize.py"),
        (lambda folder: (folder / "mlinfra_runtime" / "__pycache__").mkdir(), "__pycache__"),
        (
            lambda folder: (folder / "bundle.json").write_text(
                (folder / "bundle.json").read_text().replace("x0", "x9")
            ),
            "description",
        ),
        (lambda folder: (folder / "bundle.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "model" / "model.ubj").unlink(), "cannot be read"),
    ],
)
def test_any_change_in_a_bundle_is_noticed_and_packaging_repairs_it(
    models: Mapping[int, Path], tmp_path: Path, harm: Any, said: str
) -> None:
    bundle = package(models[1], tmp_path)
    assert damage(bundle.folder) == ""
    harm(bundle.folder)
    assert said in damage(bundle.folder)
    assert package(models[1], tmp_path).folder == bundle.folder
    assert damage(bundle.folder) == ""
    assert load_bundle(bundle.folder) == bundle


FULL = """
import resource, sys
sys.dont_write_bytecode = True  # cut off, a library would be damaged for all
from pathlib import Path
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.deployments.packaging import package
# Python leaves half a .pyc where a file may not grow, and every later import of it fails.
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    package(Path(sys.argv[1]), Path(sys.argv[2]))
except Unavailable as error:
    print(error.what)
"""


def test_a_disk_that_is_full_leaves_no_half_bundle(
    models: Mapping[int, Path], tmp_path: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", FULL, str(models[1]), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "The bundle could not be written.\n"
    assert list(tmp_path.iterdir()) == []
    assert package(models[1], tmp_path).folder.is_dir()


def test_a_bundle_that_no_version_uses_goes_after_a_day(
    models: Mapping[int, Path], tmp_path: Path
) -> None:
    used, unused, fresh = (package(models[number], tmp_path).folder for number in (1, 2, 3))
    for folder in (used, unused):
        os.utime(folder, (1, 1))
    assert prune(tmp_path, {str(used)}) == [unused.name]
    assert used.is_dir()
    assert fresh.is_dir()
    package(models[1], tmp_path)  # deployed again: it is in use before a version says so
    assert prune(tmp_path, set()) == []
