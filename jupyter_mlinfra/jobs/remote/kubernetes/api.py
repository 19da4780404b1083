"""The cluster's API through the official client: how it is reached, and what its failures mean.

Answers are read as plain JSON, not as the client's models, which reject what a newer server may
send.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ...remote.kubernetes.settings import KubernetesSettings
from .. import Unreachable

ANSWER_SECONDS = (5.0, 30.0)
"""The longest wait for a connection, and for an answer."""
PAGE = 500
"""The most objects in one answer."""
_NOT_FOUND, _GONE = 404, 410


class KubernetesRefused(Exception):
    """The server answered with a refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


class _Missing(KubernetesRefused):
    """There is no such object."""


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
        with contextlib.suppress(_Missing):
            self._call(
                self._batch.delete_namespaced_job,
                name,
                self._namespace,
                propagation_policy="Background" if over else "Foreground",
            )

    def delete_pod(self, name: str) -> None:
        """End a pod, if it exists."""
        with contextlib.suppress(_Missing):
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
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            answer = ask(
                *arguments, _preload_content=False, _request_timeout=ANSWER_SECONDS, **options
            )
            value = json.loads(answer.data)
        except ApiException as error:
            message = _message(error)
            if error.status is None or error.status in (0, 401, 408, 429) or error.status >= 500:
                raise Unreachable(f"Kubernetes: {message}") from error
            raise (_Missing if error.status == _NOT_FOUND else KubernetesRefused)(
                int(error.status), message
            ) from error
        except (HTTPError, OSError) as error:
            raise Unreachable(f"Kubernetes does not answer: {_short(error)}") from error
        except ValueError as error:
            raise Unreachable(f"Kubernetes: its answer cannot be read: {_short(error)}") from error
        if not isinstance(value, dict):
            raise Unreachable("Kubernetes: its answer cannot be read.")
        return value

    @cached_property
    def _client(self) -> Any:
        try:
            from kubernetes import client, config
        except ImportError as error:
            raise Unreachable(
                "The client of Kubernetes is not installed: pip install"
                " 'jupyter-mlinfra[kubernetes]'."
            ) from error
        file, context = self._settings.kubeconfig or None, self._settings.context or None
        try:
            if (
                file is None
                and context is None
                and "KUBERNETES_SERVICE_HOST" in os.environ
                and not os.environ.get("KUBECONFIG")
            ):
                configuration = client.Configuration()
                config.load_incluster_config(client_configuration=configuration)
                found = client.ApiClient(configuration)
            else:
                found = config.new_client_from_config(config_file=file, context=context)
        except (config.ConfigException, OSError, ValueError) as error:
            raise Unreachable(
                f"The address of the cluster is not known: {_short(error)} See [jobs.kubernetes]"
                " kubeconfig."
            ) from error
        return found

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


def _message(error: Any) -> str:
    """What the server said, in its own words."""
    try:
        message = json.loads(error.body)["message"]
    except (ValueError, KeyError, TypeError):
        message = error.reason
    return str(message or f"status {error.status}")[:500]


def _short(error: Exception) -> str:
    return f"{str(error).strip() or type(error).__name__}"[:300]
