"""Models and their versions: register a run's model, move aliases, fetch the files."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..core.errors import BadRequest, MLInfraError, NotFound, Unavailable, Unprocessable
from ..core.files import explain_os_error, file_lock, write_atomic
from ..core.imports import fix_of_missing
from ..core.outbox import node, outbox
from ..core.project import Project
from ..core.refs import named
from . import artifacts, registrations
from .facts import DIGEST, FLAVORS, SIGNATURE, Examined, RunFacts, VersionFacts
from .source import Source
from .state import moved
from .store import TrackingStore, explained

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")

Unservable = Callable[[Mapping[str, Any], Path | None], str]
"""Why a model cannot be deployed, judged by its `MLmodel` and the folder of its files, if they are
on this machine.
"""

RunsCode = Callable[[Mapping[str, Any]], bool]
"""Whether loading a model may run code from its files, judged by its `MLmodel`."""

_DIGITS = 9  # of a number that every MLflow store can hold


class Registry:
    """The model registry of one project."""

    def __init__(
        self,
        project: Project,
        store: TrackingStore,
        source: Callable[[], Source],
        unservable: Unservable,
        runs_code: RunsCode,
    ) -> None:
        self._unservable, self._runs_code = unservable, runs_code
        self._project = project
        self._store = store
        self._source = source

    def find(self, ref: str) -> VersionFacts:
        """A version by `model/3` or `model@alias`. Raises BadRequest or NotFound."""
        model, version, alias = parse(ref)
        if version is None:
            registered = next(
                (item for item in self._source().models() if item.name == model), None
            )
            if registered is None:
                raise self._no_model(model)
            if alias not in registered.aliases:
                existing = (
                    ", ".join(
                        f"{name} (version {number})" for name, number in registered.aliases.items()
                    )
                    or "none"
                )
                raise NotFound(
                    f"Model {model} has no alias {alias}.",
                    f"It has: {existing}.",
                    f"mlinfra models promote {model}/VERSION --alias {alias}",
                )
            version = registered.aliases[alias]
        facts = self._source().version(model, version)
        if facts is None:
            newest = self._source().versions(model, 1)
            if not newest:
                raise self._no_model(model)
            raise NotFound(
                f"Model {model} has no version {version}.",
                f"Its newest is {newest[0].version}.",
                f"mlinfra models show {model}",
            )
        return facts

    def register(self, run: RunFacts, *, model: str, artifact: str) -> VersionFacts:
        """Make the run's model a version. The same model of the same run is registered once: later
        calls return that version.

        Raises NotFound if the run has no such model, Unprocessable if it has no signature.
        """
        if not _NAME.match(model):
            raise BadRequest(
                f"{model!r} cannot name a model.",
                "Letters, digits, dot, - and _, at most 100, the first a letter or digit.",
                "For example flights.",
            )
        if self._store.sqlite is not None and outbox() is not None:
            why = (
                f"This job runs on {node()}, and the registry of the project is a file that one"
                " machine alone opens."
            )
            raise Unavailable(
                f"No version of {model} can be registered here.",
                why,
                f"When the job has ended: mlinfra models register {run.id[:8]} --model {model}",
            )
        source, location = self._logged(run, artifact)
        folder = self._head(location)
        if not artifacts.has_signature(folder):
            raise no_signature(f"Model {artifact} of run {run.id[:8]}")
        flavors = ",".join(
            str(name)
            for name in artifacts.mapping((artifacts.read_mlmodel(folder) or {}).get("flavors"))
        )
        tags = {SIGNATURE: "yes", FLAVORS: flavors, "mlinfra.registered_by": self._project.user}
        if artifacts.local_path(location) is not None:
            tags[DIGEST] = artifacts.digest(folder)
        client = self._store.client()
        with self._store.write_lock(), explained(self._store):
            existing = [
                item
                for item in self._source().versions(model, 1000)
                if item.source == source and item.run == run.id
            ]
            if existing:
                self._note(existing[0])
                return existing[0]
            self._make_model(client, model)
            number = source.removeprefix("models:/") if source.startswith("models:/") else None
            created = client.create_model_version(
                model, source, run_id=run.id, tags=tags, await_creation_for=0, model_id=number
            )
        registered = self.find(f"{model}/{created.version}")
        self._note(registered)
        return registered

    def _note(self, version: VersionFacts) -> None:
        """Remember the files of a version that this project registers, if they are here, or if
        loading them runs code.
        """
        if outbox() is not None:
            return  # the state of the project is on another machine
        location = self._location(version)
        folder = artifacts.local_path(location)
        if folder is None:
            if not self._runs_code(artifacts.read_mlmodel(self._head(location)) or {}):
                return
            folder = self._copy(version)
        digest = artifacts.digest(folder)
        registrations.note(
            self._project.database, version.model, version.version, digest, self._project.user
        )

    def registered_here(self, version: VersionFacts, folder: Path | None = None) -> bool:
        """Whether this project registered the version with the files in `folder`; None: with those
        that it has now.
        """
        digests = artifacts.every_digest(folder or self.download(version))
        return registrations.is_noted(
            self._project.database, version.model, version.version, digests
        )

    def promote(self, ref: str, *, alias: str) -> VersionFacts:
        """Point an alias at a version; the previous champion stays available as `rollback`."""
        version = self.find(ref)
        if not self.has_signature(version):
            raise no_signature(f"Model {version.model} version {version.version}")
        client = self._store.client()
        with self._store.write_lock(), explained(self._store):
            aliases = next(
                item.aliases for item in self._source().models() if item.name == version.model
            )
            for name, number in moved(aliases, alias=alias, version=version.version).items():
                client.set_registered_model_alias(version.model, name, str(number))
        return self.find(f"{version.model}/{version.version}")

    def delete(self, version: VersionFacts, *, check: Callable[[VersionFacts], None]) -> None:
        """Take a version out of the registry; its number is not given again.

        check: called with the version while no alias can move; what it raises keeps the version.
        """
        client = self._store.client()
        with self._store.write_lock(), explained(self._store):
            check(self.find(f"{version.model}/{version.version}"))
            client.delete_model_version(version.model, str(version.version))

    def has_signature(self, version: VersionFacts) -> bool:
        """Whether the version states its inputs: by what was recorded at registration, else by its
        files.
        """
        if SIGNATURE in version.tags:
            return version.tags[SIGNATURE] == "yes"
        folder = artifacts.local_path(self._location(version))
        if folder is not None:
            return artifacts.has_signature(folder)
        with contextlib.suppress(NotFound):
            return artifacts.has_signature(self._head(self._location(version)))
        return False

    def examined(self, version: VersionFacts) -> Examined:
        """What a page shows of the version's files; files that cannot be read are reported for this
        version only.
        """
        try:
            folder = self.local_folder(version) if version.location else None
            document = (
                artifacts.read_mlmodel(folder) if folder is not None else _recorded_flavors(version)
            )
            return Examined(
                signature=self.has_signature(version),
                unservable=self._unservable(document, folder) if document else "",
                size_bytes=artifacts.stated_bytes(document or {}),
            )
        except MLInfraError as error:
            return Examined(
                signature=version.tags.get(SIGNATURE) == "yes",
                fault=f"{error.what} {error.why} {error.fix}".strip(),
            )

    def local_folder(self, version: VersionFacts) -> Path | None:
        """The folder of its files, if they are on this machine."""
        return artifacts.local_path(self._location(version))

    def _location(self, version: VersionFacts) -> str:
        """Where its files are; a server's list leaves it out."""
        facts = (
            version if version.location else self._source().version(version.model, version.version)
        )
        return artifacts.found_again(facts.location, self._store.artifacts) if facts else ""

    def head(self, version: VersionFacts) -> Path:
        """A folder with at least the version's `MLmodel`: of remote files it alone is fetched."""
        return self._head(self._location(version))

    def download(self, version: VersionFacts) -> Path:
        """The folder with the version's files: their own, or a verified copy if they are remote.
        The caller must not change it.

        Raises NotFound if the files are gone, Unprocessable if they are not those that were
        registered.
        """
        folder = artifacts.local_path(self._location(version)) or self._copy(version)
        if artifacts.read_mlmodel(folder) is None:
            raise NotFound(
                f"The files of {version.model} version {version.version} are gone.",
                f"There is no MLmodel in {folder}.",
                "Restore the folder, or register the model again.",
            )
        noted = version.tags.get(DIGEST)
        if noted is not None and not artifacts.has_digest(folder, noted):
            raise Unprocessable(
                f"The files of {version.model} version {version.version} were changed.",
                "Their digest is not the one noted when the version was registered.",
                "Register the model again, or restore its files.",
            )
        return folder

    def _copy(self, version: VersionFacts) -> Path:
        target = (
            self._project.folder("models")
            / quote(version.model, safe="")
            / f"{version.version}-{version.created}"
        )
        digest_file = target.with_name(f"{target.name}.sha256")
        with file_lock(self._project.home / "models.lock"):
            if (
                target.exists()
                and digest_file.exists()
                and artifacts.has_digest(target, digest_file.read_text())
            ):
                return target
            draft = Path(tempfile.mkdtemp(dir=self._project.folder("models"), prefix=".draft-"))
            try:
                fetched = self._fetch(self._location(version), draft)
                shutil.rmtree(target, ignore_errors=True)  # a copy that was changed
                write_atomic(digest_file, artifacts.digest(fetched).encode())
                os.replace(fetched, target)
            except OSError as error:
                raise explain_os_error(
                    error, f"Model {version.model} version {version.version} was not fetched."
                ) from error
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return target

    def _fetch(self, uri: str, into: Path) -> Path:
        self._store.activate()
        import mlflow

        try:
            with explained(self._store):
                return Path(
                    mlflow.artifacts.download_artifacts(
                        artifact_uri=uri, dst_path=str(into / "files"), tracking_uri=self._store.uri
                    )
                )
        except Unavailable as error:
            if not isinstance(error.__cause__, ModuleNotFoundError):
                raise
            package = (error.__cause__.name or "").partition(".")[0]
            what, why = (
                f"The files in {urlsplit(uri).scheme}: storage cannot be fetched.",
                f"The package {package or 'it needs'} is not installed.",
            )
            raise Unavailable(what, why, fix_of_missing(package)) from error

    def _head(self, location: str) -> Path:
        """A folder with at least the model's `MLmodel`."""
        folder = artifacts.local_path(location)
        if folder is not None:
            return folder
        return self._fetch(
            f"{location}/MLmodel", self._project.folder("models", "heads", quote(location, safe=""))
        ).parent

    def _logged(self, run: RunFacts, artifact: str) -> tuple[str, str]:
        """Source URI and location of a model that the run logged."""
        logged = self._source().logged_models(run.id)
        if artifact in logged:
            return logged[artifact]
        with explained(self._store):
            root = str(self._store.client().get_run(run.id).info.artifact_uri)
        folder = artifacts.local_path(f"{root}/{artifact}")
        if folder is not None and artifacts.read_mlmodel(folder) is not None:
            return f"runs:/{run.id}/{artifact}", str(folder)
        existing = ", ".join(sorted(logged)) or "none"
        fix = (
            f"Name one of them: artifact={next(iter(logged))!r}"
            if logged
            else (
                "Log the model in the run, for example by mlflow.xgboost.log_model(…, signature=…)."
            )
        )
        raise NotFound(
            f"Run {run.id[:8]} logged no model {artifact!r}.",
            f"Models that it logged: {existing}.",
            fix,
        )

    def _make_model(self, client: MlflowClient, name: str) -> None:
        if not any(item.name == name for item in self._source().models()):
            client.create_registered_model(name)

    def _no_model(self, name: str) -> NotFound:
        existing = ", ".join(item.name for item in self._source().models()[:10]) or "none"
        return NotFound(
            f"There is no model {name}.",
            f"Models: {existing}.",
            "mlinfra models list shows them all.",
        )


def _recorded_flavors(version: VersionFacts) -> Mapping[str, Any]:
    """What was recorded at registration about remote files; empty for a version that MLflow alone
    registered.
    """
    names = version.tags.get(FLAVORS, "")
    return {"flavors": {name: dict[str, str]() for name in names.split(",")}} if names else {}


def parse(ref: str) -> tuple[str, int | None, str]:
    """(model, version, alias) of `m/3`, `m@alias`, `version:m/3` or MLflow's `models:/m/3`; version
    is None if an alias was given.

    Raises BadRequest for anything else, NotFound for an impossible number.
    """
    text = named(ref, "version").removeprefix("models:/")
    model, slash, number = text.rpartition("/")
    digits = number.removeprefix("v")
    # First: no alias contains a slash, but a name may contain an `@`.
    if slash and model and digits.isdecimal():
        if len(digits) > _DIGITS:
            raise NotFound(
                f"Model {model} has no version {digits[:40]}.",
                f"No version has over {_DIGITS} digits.",
                f"mlinfra models show {model}",
            )
        return model, int(digits), ""
    model, at, alias = text.rpartition("@")
    if at and model and alias:
        return model, None, alias
    raise BadRequest(
        f"{ref!r} is not a version.",
        "A version is MODEL/NUMBER or MODEL@ALIAS.",
        f"For example {text.partition('/')[0] or 'flights'}@champion",
    )


def no_signature(subject: str) -> Unprocessable:
    """The error for a model without signature."""
    return Unprocessable(
        f"{subject} has no signature.",
        "Without one it is unknown which columns and types it takes, and a wrong request would be"
        " answered wrongly.",
        "Log it again with signature=mlflow.models.infer_signature(inputs, predictions).",
    )
