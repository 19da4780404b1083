"""The manifests that a deploy will end with, written before it begins, so that one that a cluster
would refuse is refused at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from .. import state
from ..delivery.spec import DeliverySpec
from ..rows import DeploymentRow
from .plan import ManifestKind, ManifestOptions, plan_of
from .render import manifests

if TYPE_CHECKING:
    from ...experiments import Version


def shadow_of(
    row: DeploymentRow | None, version: Version, delivery: DeliverySpec, kind: ManifestKind
) -> str:
    """The shadow in the cluster: the version itself, or the one that is a shadow here and stays
    one; empty for none. KServe has none, and the others one.
    """
    label = f"v{version.version}"
    if delivery.shadow:
        return label
    others = [name for name in (row.shadows if row else {}) if name != label]
    return others[0] if len(others) == 1 and kind != "kserve" else ""


def write(
    name: str,
    namespace: str,
    row: DeploymentRow | None,
    version: Version,
    traffic: int | None,
    options: ManifestOptions,
    kind: ManifestKind,
) -> None:
    """Write them and forget them. traffic: percent of the version, as of a deploy. Raises
    BadRequest, or Unprocessable if a cluster would refuse them.
    """
    label, present = f"v{version.version}", row.traffic if row else {}
    share = traffic
    if share is None:
        share = present.get(label, 0) if any(present.values()) else 100
    shares = state.with_share(present, label, share)
    if not shares[label] and options.shadow != label:
        raise BadRequest(
            f"{label} would not come to the cluster.",
            "It has no traffic, and a cluster starts only versions that have some.",
            "--canary 10, or --shadow",
        )
    versions = row.versions if row else ()
    models = {item.version: f"{version.model}/{item.number}" for item in versions}
    plan = plan_of(
        name,
        row.namespace if row else namespace,
        shares,
        models | {label: f"{version.model}/{version.version}"},
        options,
    )
    manifests(plan, kind)
