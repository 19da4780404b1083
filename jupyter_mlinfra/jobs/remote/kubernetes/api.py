"""What the backend asks of a cluster's API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ....core.kubernetes import KubernetesRefused, Missing, NotReached, call, connect
from ...remote.kubernetes.settings import KubernetesSettings
from .. import Unreachable

PAGE = 500
"""The most objects in one answer."""
_GONE = 410


class Api:
    """Talks to one cluster. Every call raises Unreachable or Refused."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings, self._namespace = settings, settings.namespace

    def identity(self) -> str:
        """Which namespace of which cluster this is: by the uid of a namespace that every cluster
        has, else by the server's address.
        """
        try:
            which = self._call(self._core.read_namespace, "kube-system")["metadata"]["uid"]
        except (KubernetesRefused, KeyError, TypeError):  # an account may lack the permission
            which = self._client.configuration.host
        return f"{self._namespace} of {which}"

    def jobs(self, selector: str) -> list[dict[str, Any]]:
        """All Jobs with these labels."""
        return self._list(self._batch.list_namespaced_job, self._namespace, label_selector=selector)

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """All pods with these labels."""
        return self._list(self._core.list_namespaced_pod, self._namespace, label_selector=selector)

    def workloads(self) -> list[dict[str, Any]]:
        """Kueue's view of the Jobs of the namespace."""
        return self._list(
            self._custom.list_namespaced_custom_object,
            "kueue.x-k8s.io",
            "v1beta1",
            self._namespace,
            "workloads",
        )

    def refusals(self) -> dict[str, str]:
        """The server's last message about Jobs for which it made no pod, by their uids."""
        events = self._list(
            self._core.list_namespaced_event, self._namespace, field_selector="reason=FailedCreate"
        )
        events.sort(
            key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or "")
        )
        return {
            str((event.get("involvedObject") or {}).get("uid")): str(event.get("message") or "")
            for event in events
        }

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes of the cluster."""
        return self._list(self._core.list_node)

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create a Job. Unknown fields are refused instead of dropped."""
        return self._call(
            self._batch.create_namespaced_job, self._namespace, manifest, field_validation="Strict"
        )

    def delete_job(self, name: str, *, over: bool = False) -> None:
        """Delete a Job, if it exists; it stays until its pods have ended. over: it has ended: its
        pods are removed after it.
        """
        with contextlib.suppress(Missing):
            self._call(
                self._batch.delete_namespaced_job,
                name,
                self._namespace,
                propagation_policy="Background" if over else "Foreground",
            )

    def delete_pod(self, name: str) -> None:
        """End a pod, if it exists."""
        with contextlib.suppress(Missing):
            self._call(self._core.delete_namespaced_pod, name, self._namespace)

    def _list(
        self, ask: Callable[..., Any], *arguments: str, **options: Any
    ) -> list[dict[str, Any]]:
        """All pages, or none: half a list would make jobs look gone."""
        for last_try in (False, True):
            found, token = list[dict[str, Any]](), ""
            try:
                while True:
                    answer = self._call(
                        ask,
                        *arguments,
                        limit=PAGE,
                        **({"_continue": token} if token else {}),
                        **options,
                    )
                    found += answer["items"]
                    token = (answer.get("metadata") or {}).get("continue") or ""
                    if not token:
                        return found
            except KubernetesRefused as error:
                # The list is older than the server remembers: once more from its beginning.
                if error.status != _GONE or last_try:
                    raise
            except (KeyError, TypeError) as error:
                raise Unreachable(f"Kubernetes: its answer is not a list: {error}") from error
        raise AssertionError("unreachable")

    def _call(self, ask: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
        try:
            return call(ask, *arguments, **options)
        except NotReached as error:
            raise Unreachable(str(error)) from error

    @cached_property
    def _client(self) -> Any:
        try:
            return connect(
                self._settings.kubeconfig,
                self._settings.context,
                setting="[jobs.kubernetes] kubeconfig",
            )
        except NotReached as error:
            raise Unreachable(str(error)) from error

    @cached_property
    def _batch(self) -> Any:
        from kubernetes import client

        return client.BatchV1Api(self._client)

    @cached_property
    def _core(self) -> Any:
        from kubernetes import client

        return client.CoreV1Api(self._client)

    @cached_property
    def _custom(self) -> Any:
        from kubernetes import client

        return client.CustomObjectsApi(self._client)
