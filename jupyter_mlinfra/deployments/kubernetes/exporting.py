"""A deployment of the project as manifests, and one of its versions as the build context of an
image.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...core.errors import Conflict, Unprocessable
from ...core.files import explain_os_error, write_atomic
from ..packaging import load_bundle
from ..rows import DeploymentRow, VersionRow
from ..runtimes import DEFAULT, IN_IMAGES
from .image import Contents, packages_of, write
from .plan import ManifestKind, ManifestOptions, check_format, plan_of
from .records import ImageContext, Manifests
from .render import manifests
from .written import to_yaml


def manifests_of(
    row: DeploymentRow,
    kind: ManifestKind,
    options: ManifestOptions,
    *,
    traffic: Mapping[str, int] | None = None,
    output: Path | None = None,
    crds: Path | None = None,
) -> Manifests:
    """The manifests of a deployment. traffic: percent by version, if not the present one here.
    output: a file that they are written to. crds: a folder with the CRDs of a cluster, which must
    accept them too.

    Raises BadRequest for options that do not fit, NotFound for an unknown shadow, Unprocessable if
    a cluster would refuse them.
    """
    if options.shadow:
        options = replace(options, shadow=_proved(row.version(options.shadow)).version)
    shares = {
        _proved(row.version(version)).version: share for version, share in (traffic or {}).items()
    } or row.traffic
    served = [
        item for item in row.versions if shares.get(item.version) or item.version == options.shadow
    ]
    for item in served:
        _self_contained(item)
    plan = plan_of(
        row.name,
        row.namespace,
        shares,
        {item.version: f"{row.model}/{item.number}" for item in row.versions},
        options,
        bundles={item.version: Path(item.bundle).name for item in row.versions},
        grpc=[item.version for item in row.versions if item.runtime == DEFAULT],
    )
    for item in served:
        _readable(item, options)
    written = manifests(plan, kind)
    documents = [manifest.document() for manifest in written]
    if crds is not None:
        from .crds import check, load_crds

        check(documents, load_crds(crds))
    text = to_yaml(written)
    if output is not None:
        _write(output, text)
    return Manifests(
        deployment=row.name,
        kind=kind,
        namespace=plan.namespace,
        manifests=documents,
        yaml=text,
        path="" if output is None else str(output),
    )


def _write(output: Path, text: str) -> None:
    try:
        write_atomic(output, text.encode())
    except OSError as error:
        raise explain_os_error(error, f"{output} could not be written.") from error


def image_of(row: DeploymentRow, version: str, into: Path, *, workers: int) -> ImageContext:
    """The build context of one version that has passed its tests. Raises NotFound, Conflict if it
    has not or if the folder is not empty.
    """
    item = row.version(version)
    _proved(item)
    _self_contained(item)
    if item.runtime not in IN_IMAGES:
        raise Conflict(
            f"{item.version} of {row.name} is served by {item.runtime}.",
            f"Images are made of {', '.join(IN_IMAGES)}.",
            "Deploy it under another name on one of them.",
        )
    contents = Contents(
        deployment=row.name,
        version=item.version,
        model=f"{row.model}/{item.number}",
        bundle=Path(item.bundle),
        packages=packages_of(Path(item.python)),
        workers=workers,
        runtime=item.runtime,
    )
    return write(contents, into)


def _self_contained(item: VersionRow) -> None:
    """Raise Conflict for a version that reads the online store of this project. A bundle that
    cannot be read is another matter.
    """
    with contextlib.suppress(Unprocessable):
        if load_bundle(Path(item.bundle)).features:
            raise Conflict(
                f"{item.version} of {item.deployment} stays on this machine.",
                "It reads features from the project's online store, which a pod does not know.",
                "Deploy the model under another name, without --features.",
            )


def _readable(item: VersionRow, options: ManifestOptions) -> None:
    """Raise BadRequest for a format that the model was not logged in. A bundle that cannot be read
    is another matter.
    """
    with contextlib.suppress(Unprocessable):
        flavors = load_bundle(Path(item.bundle)).document["flavors"]
        check_format(f"{item.version} of {item.deployment}", flavors, options)


def _proved(item: VersionRow) -> VersionRow:
    """The version, if it has passed its tests. Raises Conflict."""
    if not item.proved:
        raise Conflict(
            f"{item.version} of {item.deployment} has not passed its tests.",
            item.reason or "Only what passed them here goes to a cluster.",
            f"mlinfra deployments show {item.deployment}",
        )
    return item
