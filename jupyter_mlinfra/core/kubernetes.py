"""A cluster's API through the official client: how it is reached, and what its failures mean.

Answers are read as plain JSON, not as the client's models, which reject what a newer server may
send.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

ANSWER_SECONDS = (5.0, 30.0)
"""The longest wait for a connection, and for an answer."""
_NOT_FOUND = 404


class NotReached(Exception):
    """The server gave no answer of its own, for now or for good; the text says why."""


class KubernetesRefused(Exception):
    """The server answered with a refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


class Missing(KubernetesRefused):
    """There is no such object."""


def connect(kubeconfig: str, context: str, *, setting: str) -> Any:
    """The client of the cluster of a context. Empty: the usual file, its current context; inside a
    cluster the pod's own account. setting: what an error says to look at. Raises NotReached.
    """
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise NotReached(
            "The client of Kubernetes is not installed: pip install 'jupyter-mlinfra[kubernetes]'."
        ) from error
    file, chosen = kubeconfig or None, context or None
    inside = "KUBERNETES_SERVICE_HOST" in os.environ and not os.environ.get("KUBECONFIG")
    try:
        if file is None and chosen is None and inside:
            configuration = client.Configuration()
            config.load_incluster_config(client_configuration=configuration)
            return client.ApiClient(configuration)
        return config.new_client_from_config(config_file=file, context=chosen)
    except (config.ConfigException, OSError, ValueError) as error:
        raise NotReached(
            f"The address of the cluster is not known: {short(error)} See {setting}."
        ) from error


def call(ask: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
    """The answer to one question. Raises NotReached, KubernetesRefused, Missing."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        answer = ask(*arguments, _preload_content=False, _request_timeout=ANSWER_SECONDS, **options)
        value = json.loads(answer.data)
    except ApiException as error:
        message = _message(error)
        if error.status is None or error.status in (0, 401, 408, 429) or error.status >= 500:
            raise NotReached(f"Kubernetes: {message}") from error
        kind = Missing if error.status == _NOT_FOUND else KubernetesRefused
        raise kind(int(error.status), message) from error
    except (HTTPError, OSError) as error:
        raise NotReached(f"Kubernetes does not answer: {short(error)}") from error
    except ValueError as error:
        raise NotReached(f"Kubernetes: its answer cannot be read: {short(error)}") from error
    if not isinstance(value, dict):
        raise NotReached("Kubernetes: its answer cannot be read.")
    return value


def short(error: Exception) -> str:
    """The beginning of what an error says."""
    return f"{str(error).strip() or type(error).__name__}"[:300]


def _message(error: Any) -> str:
    """What the server said, in its own words."""
    try:
        message = json.loads(error.body)["message"]
    except (ValueError, KeyError, TypeError):
        message = error.reason
    return str(message or f"status {error.status}")[:500]
