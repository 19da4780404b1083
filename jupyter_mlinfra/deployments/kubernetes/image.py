"""The build context of a version's image: a folder that any builder of images takes.

    FOLDER/Dockerfile
           .dockerignore      everything but the two below
           requirements.txt   every package with its version, as in the environment that was tested
           bundle/            the bundle that passed the tests before traffic

The same version gives the same bytes: names, contents, modes and times of all files. The image
holds no secret, and its process is not root.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import Conflict, Unprocessable
from ...core.files import explain_os_error
from ..packaging import RUNTIME_NAME, damage
from ..runtimes import DEFAULT
from .records import ImageContext
from .render import GRPC_PORT, PORT

HOME = "/opt/mlinfra"
USER = 10001
"""A number, because the kubelet must see that it is not root without looking into the image."""
THREADS = 8
KEEPALIVE_SECONDS = 75
_EPOCH = 315_532_800
"""1980-01-01, the first moment that every archive format can store."""
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+\Z")
_SYSTEM_PACKAGES = {"lightgbm": "libgomp1"}
"""Libraries that a package's wheel does not bring along, and a slim base lacks."""
_PROBE = (
    "import os, urllib.request as r; "
    f"r.urlopen('http://127.0.0.1:' + os.environ.get('PREDICTIVE_UNIT_HTTP_SERVICE_PORT', '{PORT}')"
    " + '/health/ping', timeout=2)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an image is made of. model: `flights/3`. packages: `name==version` each. workers:
    serving processes of a container; `open-inference` has one, and more replicas instead.
    """

    deployment: str
    version: str
    model: str
    bundle: Path
    packages: Sequence[str]
    workers: int
    runtime: str = DEFAULT
    python: tuple[int, int] = sys.version_info[:2]

    @property
    def tag(self) -> str:
        """Names version and content."""
        return f"{self.version}-{self.bundle.name}"

    @property
    def base(self) -> str:
        """The image below, by the Python of the tested environment."""
        return f"python:{self.python[0]}.{self.python[1]}-slim"

    @property
    def command(self) -> list[str]:
        """What the container runs, as the local target does, on a port instead of a socket."""
        if self.runtime == "open-inference":
            lean = ["--threads", str(THREADS), "--keepalive", str(KEEPALIVE_SECONDS)]
            return ["python", "-m", f"{RUNTIME_NAME}.asgi", *lean]
        options = {
            "--service-type": "MODEL",
            "--grpc-workers": "1",
            "--grpc-threads": str(THREADS),
            "--workers": str(self.workers),
            "--threads": str(THREADS),
            "--keepalive": str(KEEPALIVE_SECONDS),
            "--log-level": "WARNING",
        }
        flat = [word for option in options.items() for word in option]
        return ["seldon-core-microservice", f"{RUNTIME_NAME}.model.Model", *flat]

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment of the process. Without MLINFRA_PAYLOADS it keeps no payload log: a
        container's disk does not last.
        """
        bundle = f"{HOME}/bundle"
        seldon = {
            # Bytes in, bytes out: the component parses and answers by itself.
            "PAYLOAD_PASSTHROUGH": "true",
            # Seldon's own names, which only its operator sets.
            "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(GRPC_PORT),
            "PREDICTIVE_UNIT_ID": self.deployment,
            "PREDICTOR_ID": self.version,
            "SELDON_DEPLOYMENT_ID": self.deployment,
        }
        return {
            "MLINFRA_BUNDLE": bundle,
            "MLINFRA_DEPLOYMENT": self.deployment,
            "MLINFRA_MODEL": self.model,
            "MLINFRA_VERSION": self.version,
            "OMP_NUM_THREADS": "1",
            **(seldon if self.runtime == DEFAULT else {}),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": bundle,
            "PYTHONUNBUFFERED": "1",
        }


def write(contents: Contents, into: Path) -> ImageContext:
    """Make the folder. Raises Conflict if it is there and not empty, Unprocessable if the bundle is
    damaged or a package cannot be installed elsewhere.
    """
    _check(contents)
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise Conflict(
            f"{into} is not empty.", "Nothing in it is overwritten.", "Name a folder that is new."
        )
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".image-", dir=into.parent))
        try:
            _fill(draft, contents)
            if into.is_dir():
                into.rmdir()
            draft.rename(into)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise explain_os_error(error, f"{into} could not be written.") from error
    return ImageContext(
        deployment=contents.deployment,
        version=contents.version,
        model=contents.model,
        folder=str(into),
        tag=contents.tag,
        base=contents.base,
        command=contents.command,
        packages=len(contents.packages),
        bytes=sum(file.stat().st_size for file in into.rglob("*") if file.is_file()),
    )


def packages_of(python: Path) -> Sequence[str]:
    """What is installed in a serving environment, as `name==version`. Raises Unprocessable if it
    does not say.
    """
    from ..environment import MARKER

    try:
        built = json.loads((python.parent.parent / MARKER).read_text())["packages"]
        return sorted(str(line) for line in built)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unprocessable(
            "The serving environment does not say what is installed in it.",
            f"{error}.",
            "Deploy the version again.",
        ) from error


def dockerfile(contents: Contents) -> str:
    """The text of the Dockerfile."""
    system = sorted(
        library
        for package, library in _SYSTEM_PACKAGES.items()
        if any(line.startswith(f"{package}==") for line in contents.packages)
    )
    install = (
        f"RUN apt-get update && apt-get install --yes --no-install-recommends {' '.join(system)}"
        " && rm -rf /var/lib/apt/lists/*\n"
        if system
        else ""
    )
    variables = " \\\n    ".join(
        f"{name}={json.dumps(value)}" for name, value in contents.variables.items()
    )
    license_note = (
        "# seldon-core is under the Business Source License 1.1 since 1.18: read it before"
        " production use.\n"
        if contents.runtime == DEFAULT
        else ""
    )
    ports = f"{PORT} {GRPC_PORT}" if contents.runtime == DEFAULT else str(PORT)
    return f"""\
# {contents.model} as version {contents.version} of deployment {contents.deployment}.
# Build: docker build -t REGISTRY/{contents.deployment}:{contents.tag} .
{license_note}ARG BASE={contents.base}
FROM ${{BASE}}
{install}COPY requirements.txt {HOME}/requirements.txt
# All versions are given: --no-deps keeps pip from resolving them again, and from the pins of
# seldon-core that the tested environment lifts.
RUN pip install --no-cache-dir --no-deps -r {HOME}/requirements.txt
COPY bundle {HOME}/bundle
ENV {variables}
USER {USER}:{USER}
WORKDIR /tmp
EXPOSE {ports}
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD {json.dumps(_probe())}
CMD {json.dumps(contents.command)}
"""


def _probe() -> list[str]:
    return ["python", "-c", _PROBE]


def _check(contents: Contents) -> None:
    if problem := damage(contents.bundle):
        raise Unprocessable(problem, "An image would keep it.", "Deploy the version again.")
    foreign = [line for line in contents.packages if not _PINNED.match(line)]
    if foreign:
        raise Unprocessable(
            f"An image cannot install {foreign[0][:120]}.",
            "It is not a version of an index: it is on this machine only.",
            "Log the model with a published version of it, and deploy again.",
        )


def _fill(folder: Path, contents: Contents) -> None:
    shutil.copytree(contents.bundle, folder / "bundle")
    (folder / "requirements.txt").write_text("\n".join(sorted(contents.packages)) + "\n")
    (folder / "Dockerfile").write_text(dockerfile(contents))
    (folder / ".dockerignore").write_text("*\n!requirements.txt\n!bundle\n")
    for path in [*folder.rglob("*"), folder]:
        # The project keeps its files from other users; in the image another user reads them.
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_EPOCH, _EPOCH))
