"""One cluster that serves: manifests are applied, and followed until what they describe answers.

Manifests are applied by the server (server-side apply) with strict field validation: a field that
we no longer write goes away, one that another manager owns is a conflict instead of a fight, and an
unknown one is refused instead of dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...core.errors import Conflict, Unavailable, Unprocessable
from ...core.kubernetes import KubernetesRefused, Missing, NotReached, call, connect

MANAGER = "jupyter-mlinfra"
POLL_SECONDS = 1.0
_PLURALS = {
    "SeldonDeployment": "seldondeployments",
    "Model": "models",
    "Experiment": "experiments",
    "Server": "servers",
    "InferenceService": "inferenceservices",
}
_FAILED = ("ModelFailed", "ScheduleFailed", "LoadFailed", "Failed")

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a controller says about an object. ready: what the manifest describes answers. failed:
    it will not by itself.
    """

    ready: bool
    failed: bool
    reason: str


class Cluster:
    """The cluster of one context. Every verb raises Unavailable if it cannot be reached."""

    def __init__(self, context: str, *, kubeconfig: str = "") -> None:
        self.context = context
        self._kubeconfig = kubeconfig

    def apply(self, manifest: Manifest) -> dict[str, Any]:
        """Create or change an object. Raises Conflict if somebody else manages it, Unprocessable
        if the cluster refuses it.
        """
        try:
            return self._call(
                self._objects.patch_namespaced_custom_object,
                *_address(manifest),
                dict(manifest),
                field_manager=MANAGER,
                field_validation="Strict",
                _content_type="application/apply-patch+yaml",
            )
        except Missing as error:
            raise Unprocessable(
                f"{self._name} does not know {manifest['kind']}.",
                f"It says: {error.message}.",
                "Install Seldon Core or KServe there, or take another kind.",
            ) from error
        except KubernetesRefused as error:
            raise self._refusal(manifest, error) from error

    def delete(self, manifest: Manifest) -> None:
        """Delete an object, if it exists."""
        try:
            self._call(self._objects.delete_namespaced_custom_object, *_address(manifest))
        except Missing:
            return
        except KubernetesRefused as error:
            raise self._refusal(manifest, error) from error

    def condition(self, manifest: Manifest) -> Condition:
        """How the object of a manifest is now."""
        try:
            found = self._call(self._objects.get_namespaced_custom_object, *_address(manifest))
        except Missing:
            return Condition(ready=False, failed=True, reason="it is gone")
        except KubernetesRefused as error:
            raise self._refusal(manifest, error) from error
        return condition_of(found)

    def follow(
        self,
        manifests: Sequence[Manifest],
        *,
        timeout_seconds: float,
        on_progress: Callable[[str], None] = lambda _: None,
        poll_seconds: float = POLL_SECONDS,
    ) -> str:
        """Wait until all objects are ready; empty then, else why one is not. An outage of the API
        is waited through: what serves does not need it.
        """
        end, said = time.monotonic() + timeout_seconds, ""
        while True:
            state = self._state(manifests)
            if not state or state.startswith("failed: "):
                return state
            if state != said:
                on_progress(f"{self._name}: {state}")
                said = state
            if time.monotonic() >= end:
                return f"not ready after {timeout_seconds:.0f} s: {state}"
            time.sleep(poll_seconds)

    def _state(self, manifests: Sequence[Manifest]) -> str:
        waits = ""
        for manifest in manifests:
            name = f"{manifest['kind']} {manifest['metadata']['name']}"
            try:
                found = self.condition(manifest)
            except Unavailable as error:
                return str(error.why)
            if found.failed:
                return f"failed: {name}: {found.reason}"
            if not found.ready:
                waits = waits or f"{name}: {found.reason}"
        return waits

    @property
    def _name(self) -> str:
        return f"Cluster {self.context}" if self.context else "The cluster"

    def _refusal(self, manifest: Manifest, error: KubernetesRefused) -> Exception:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        if error.status == 409:
            return Conflict(
                f"{self._name} has {name} already, and somebody else manages it.",
                f"It says: {error.message}.",
                "Deploy under another name, or delete that object first.",
            )
        return Unprocessable(
            f"{self._name} refused {name}.", f"It says: {error.message}.", "Nothing was changed."
        )

    def _call(self, ask: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
        try:
            return call(ask, *arguments, **options)
        except NotReached as error:
            raise Unavailable(
                f"{self._name} cannot be reached.", str(error), "Look at kubectl get nodes."
            ) from error

    @cached_property
    def _objects(self) -> Any:
        try:
            connection = connect(self._kubeconfig, self.context, setting="[deployments] kubeconfig")
        except NotReached as error:
            raise Unavailable(f"{self._name} cannot be reached.", str(error)) from error
        from kubernetes import client

        return client.CustomObjectsApi(connection)


def condition_of(found: Mapping[str, Any]) -> Condition:
    """What the status of an object says. An answer about an earlier generation says nothing."""
    status = found.get("status") or {}
    generation = (found.get("metadata") or {}).get("generation")
    seen = status.get("observedGeneration")
    if not status or (seen is not None and generation is not None and seen < generation):
        return Condition(ready=False, failed=False, reason="its controller has not seen it yet")
    if found["kind"] == "SeldonDeployment":
        return _seldon(status)
    conditions = {str(item.get("type")): item for item in status.get("conditions") or ()}
    for name in ("Ready", "CanaryReady"):
        item = conditions.get(name)
        if item is None and name == "CanaryReady":
            continue
        if item is None or item.get("status") != "True":
            reason = str((item or {}).get("reason") or "")
            return Condition(
                ready=False,
                failed=reason in _FAILED,
                reason=str((item or {}).get("message") or reason or "its pods are starting"),
            )
    return Condition(ready=True, failed=False, reason="")


def _seldon(status: Mapping[str, Any]) -> Condition:
    """Seldon Core 1 says `Creating`, `Available` or `Failed`; it has no generation for them."""
    state = str(status.get("state") or "")
    return Condition(
        ready=state == "Available",
        failed=state == "Failed",
        reason=str(status.get("description") or state or "its pods are starting"),
    )


def _address(manifest: Manifest) -> tuple[str, str, str, str, str]:
    group, _, version = str(manifest["apiVersion"]).partition("/")
    metadata = manifest["metadata"]
    return group, version, metadata["namespace"], _PLURALS[manifest["kind"]], metadata["name"]
