"""What a server refuses that the published schemas let pass, written from the reference and not
from our manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?")
QUANTITY = re.compile(
    r"[+-]?(\d+|\d+\.\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?"
)
ENUMS: dict[str, tuple[str, ...]] = {
    "completionMode": ("Indexed", "NonIndexed"),
    "podReplacementPolicy": ("Failed", "TerminatingOrFailed"),
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
    "imagePullPolicy": ("Always", "Never", "IfNotPresent"),
}


def faults(job: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a Job, as the server would say it; nothing when it would be taken."""
    meta, spec = job.get("metadata") or {}, job.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    yield from _names(meta, spec)
    for where, labels in (
        ("metadata", meta.get("labels")),
        ("spec.template.metadata", (spec.get("template") or {}).get("metadata", {}).get("labels")),
    ):
        yield from _labels(where, labels or {})
    yield from _annotations("metadata", meta.get("annotations") or {})
    yield from _job(spec, pod)
    yield from _pod(pod)
    for volume in pod.get("volumes") or ():
        if not DNS_LABEL.fullmatch(volume["name"]):
            yield f"spec.template.spec.volumes[].name: Invalid value: {volume['name']!r}"
        if len(volume) != 2:
            yield (
                f"spec.template.spec.volumes[{volume['name']}]: exactly one kind of volume is"
                " required"
            )
    for container in pod.get("containers") or ():
        yield from _container(container, {volume["name"] for volume in pod.get("volumes") or ()})


def _names(meta: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    name = str(meta.get("name") or "")
    if len(name) > 253 or not DNS_SUBDOMAIN.fullmatch(name):
        yield f"metadata.name: Invalid value: {name!r}: a lowercase RFC 1123 subdomain is required"
    if (
        spec.get("completionMode") == "Indexed"
        and len(f"{name}-{(spec.get('completions') or 1) - 1}") > 63
    ):
        yield (
            f"metadata.name: Invalid value: {name!r}: the host names of its pods would be longer"
            " than 63 characters"
        )
    if not DNS_LABEL.fullmatch(str(meta.get("namespace") or "")):
        yield f"metadata.namespace: Invalid value: {meta.get('namespace')!r}"


def _qualified(name: str) -> bool:
    prefix, slash, rest = name.rpartition("/")
    return bool(QUALIFIED.fullmatch(rest)) and (not slash or bool(DNS_SUBDOMAIN.fullmatch(prefix)))


def _labels(where: str, labels: Mapping[str, Any]) -> Iterator[str]:
    for name, value in labels.items():
        if not _qualified(name):
            yield (
                f"{where}.labels: Invalid value: {name!r}: name part must consist of alphanumeric"
                " characters"
            )
        if not LABEL_VALUE.fullmatch(value):
            yield (
                f"{where}.labels: Invalid value: {value!r}: a valid label must be an empty string"
                " or consist of alphanumeric characters"
            )


def _annotations(where: str, notes: Mapping[str, Any]) -> Iterator[str]:
    if sum(len(name) + len(value) for name, value in notes.items()) > 256 * 1024:
        yield f"{where}.annotations: Too long: must have at most 262144 bytes"
    yield from (
        f"{where}.annotations: Invalid value: {name!r}"
        for name in notes
        if not _qualified(name.lower())
    )


def _job(spec: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    for field in ("completionMode", "podReplacementPolicy"):
        if field in spec and spec[field] not in ENUMS[field]:
            yield f"spec.{field}: Unsupported value: {spec[field]!r}"
    indexed = spec.get("completionMode") == "Indexed"
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        yield (
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never",'
            f" not {pod.get('restartPolicy')!r}"
        )
    if indexed and not spec.get("completions"):
        yield "spec.completions: Required value: when completion mode is Indexed"
    if indexed and (spec.get("parallelism") or 1) > 100_000:
        yield "spec.parallelism: Invalid value: must be less than or equal to 100000"
    if "backoffLimitPerIndex" in spec and not (indexed and pod.get("restartPolicy") == "Never"):
        yield "spec.backoffLimitPerIndex: Invalid value: requires indexed completion mode"
    for field in (
        "backoffLimit",
        "backoffLimitPerIndex",
        "ttlSecondsAfterFinished",
        "parallelism",
        "completions",
    ):
        if (spec.get(field) or 0) < 0:
            yield f"spec.{field}: Invalid value: must be greater than or equal to 0"
    for where, holder in (("spec", spec), ("spec.template.spec", pod)):
        if "activeDeadlineSeconds" in holder and not 1 <= holder["activeDeadlineSeconds"] < 2**31:
            yield f"{where}.activeDeadlineSeconds: Invalid value: must be between 1 and 2147483647"
    if "podFailurePolicy" in spec:
        yield from _policy(spec, pod)


def _policy(spec: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    where = "spec.podFailurePolicy"
    if pod.get("restartPolicy") != "Never":
        yield f"{where}: Invalid value: only restartPolicy: Never is supported"
    if spec.get("podReplacementPolicy", "Failed") != "Failed":
        yield (
            f"spec.podReplacementPolicy: Unsupported value: {spec['podReplacementPolicy']!r}: with"
            " podFailurePolicy only Failed"
        )
    actions = (
        "FailJob",
        "Ignore",
        "Count",
        *(("FailIndex",) if "backoffLimitPerIndex" in spec else ()),
    )
    names = {container["name"] for container in pod.get("containers") or ()}
    for rule in spec["podFailurePolicy"].get("rules") or ():
        if rule.get("action") not in actions:
            yield f"{where}.rules.action: Unsupported value: {rule.get('action')!r}"
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
        if (codes is None) == (not conditions):
            yield (
                f"{where}.rules: Invalid value: specifying one of onExitCodes and onPodConditions"
                " is required"
            )
        if codes is not None:
            values = codes.get("values") or []
            if codes.get("operator") not in ("In", "NotIn"):
                yield (
                    f"{where}.rules.onExitCodes.operator: Unsupported value:"
                    f" {codes.get('operator')!r}"
                )
            if (
                not values
                or values != sorted(set(values))
                or (codes.get("operator") == "In" and 0 in values)
            ):
                yield (
                    f"{where}.rules.onExitCodes.values: Invalid value: {values}: must be ordered,"
                    " unique, and without 0"
                )
            if codes.get("containerName", next(iter(names))) not in names:
                yield (
                    f"{where}.rules.onExitCodes.containerName: Invalid value:"
                    f" {codes['containerName']!r}: must be one of the containers"
                )
        for condition in conditions or ():
            if condition.get("status") not in ("True", "False", "Unknown"):
                yield f"{where}.rules.onPodConditions.status: Required value"


def _pod(pod: Mapping[str, Any]) -> Iterator[str]:
    where = "spec.template.spec"
    yield from _labels(f"{where}.nodeSelector", pod.get("nodeSelector") or {})
    if (pod.get("terminationGracePeriodSeconds") or 0) < 0:
        yield (
            f"{where}.terminationGracePeriodSeconds: Invalid value: must be greater than or equal"
            " to 0"
        )
    if not DNS_SUBDOMAIN.fullmatch(pod.get("serviceAccountName", "default")):
        yield f"{where}.serviceAccountName: Invalid value: {pod['serviceAccountName']!r}"
    for toleration in pod.get("tolerations") or ():
        if toleration.get("operator", "Equal") not in ("Equal", "Exists", "Lt", "Gt"):
            yield f"{where}.tolerations.operator: Unsupported value: {toleration['operator']!r}"
        if toleration.get("operator") == "Exists" and toleration.get("value"):
            yield (
                f"{where}.tolerations.operator: Invalid value: value must be empty when `operator`"
                " is 'Exists'"
            )
        if toleration.get("effect", "") not in ("", "NoSchedule", "PreferNoSchedule", "NoExecute"):
            yield f"{where}.tolerations.effect: Unsupported value: {toleration['effect']!r}"


def _container(container: Mapping[str, Any], volumes: set[str]) -> Iterator[str]:
    where = f"spec.template.spec.containers[{container.get('name')}]"
    if not DNS_LABEL.fullmatch(str(container.get("name") or "")):
        yield f"{where}.name: Invalid value: a lowercase RFC 1123 label is required"
    image = str(container.get("image") or "")
    if not image or image != image.strip():
        yield f"{where}.image: Required value"
    for field in ("imagePullPolicy", "terminationMessagePolicy"):
        if field in container and container[field] not in ENUMS[field]:
            yield f"{where}.{field}: Unsupported value: {container[field]!r}"
    yield from _resources(where, container.get("resources") or {})
    yield from _environment(where, container.get("env") or ())
    paths = [mount.get("mountPath") for mount in container.get("volumeMounts") or ()]
    for mount in container.get("volumeMounts") or ():
        if mount.get("name") not in volumes:
            yield f"{where}.volumeMounts.name: Not found: {mount.get('name')!r}"
        if ":" in mount.get("mountPath", ":") or paths.count(mount.get("mountPath")) > 1:
            yield (
                f"{where}.volumeMounts.mountPath: Invalid value: {mount.get('mountPath')!r}: must"
                " be unique and not contain ':'"
            )
        if str(mount.get("subPath") or "").startswith("/") or ".." in str(
            mount.get("subPath") or ""
        ).split("/"):
            yield f"{where}.volumeMounts.subPath: Invalid value: must be a relative path"


def _environment(where: str, variables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for variable in variables:
        name, source = variable.get("name") or "", variable.get("valueFrom")
        if not name or "=" in name or not all(" " <= character <= "~" for character in name):
            yield f"{where}.env.name: Invalid value: {name!r}"
        if source is not None and ("value" in variable or len(source) != 1):
            yield (
                f"{where}.env.valueFrom: Invalid value: may not be specified when `value` is not"
                " empty"
            )
        if (
            source is not None
            and "secretKeyRef" in source
            and not DNS_SUBDOMAIN.fullmatch(source["secretKeyRef"].get("name") or "")
        ):
            yield f"{where}.env.valueFrom.secretKeyRef.name: Required value"


def _resources(where: str, resources: Mapping[str, Any]) -> Iterator[str]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, quantity in amounts.items():
            if not QUANTITY.fullmatch(str(quantity)):
                yield (
                    f"{where}.resources.{kind}: Invalid value: {quantity!r}: quantities must match"
                    " the regular expression"
                )
            elif str(quantity).startswith("-"):
                yield (
                    f"{where}.resources.{kind}[{name}]: Invalid value: must be greater than or"
                    " equal to 0"
                )
            elif "/" in name and not str(quantity).isdecimal():
                yield (
                    f"{where}.resources.{kind}[{name}]: Invalid value: {quantity!r}: must be an"
                    " integer"
                )
            elif (
                "/" not in name
                and name not in ("cpu", "memory", "ephemeral-storage")
                and not name.startswith("hugepages-")
            ):
                yield (
                    f"{where}.resources.{kind}[{name}]: Invalid value: must be a standard resource"
                    " type or fully qualified"
                )
    for name, quantity in requests.items():
        if "/" in name and limits.get(name) != quantity:
            yield (
                f"{where}.resources.limits[{name}]: Required value: limit must be set and equal to"
                " the request for non overcommitable resources"
            )
