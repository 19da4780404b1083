"""`make manifests CRDS=FOLDER`: all manifests that we write, and all planted faults, against the
CustomResourceDefinitions in a folder: a release of Seldon's or KServe's, or what a cluster has.

A manifest that a CRD refuses fails, and so does a structural fault that it accepts.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from manifest_corpus import FAULTS, PLANS, documents  # noqa: E402

from jupyter_mlinfra.core.errors import MLInfraError  # noqa: E402
from jupyter_mlinfra.deployments.kubernetes.crds import Crds, load_crds  # noqa: E402
from jupyter_mlinfra.deployments.kubernetes.kinds import KINDS  # noqa: E402


def main() -> int:
    """0 if the CRDs agree with us."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        crds = load_crds(parser.parse_args().folder)
    except MLInfraError as error:
        print(error)
        return 2
    problems = [*_refused(crds), *_missed(crds)]
    for problem in problems:
        print(problem)
    _table(crds)
    return 1 if problems or not KINDS.keys() & crds.keys() else 0


def _refused(crds: Crds) -> list[str]:
    problems = []
    for name in PLANS:
        for document in documents(name):
            crd = crds.get((document["apiVersion"], document["kind"]))
            problems += [
                f"{name}: REFUSED: {fault}" for fault in (crd.faults(document) if crd else ())
            ]
    return problems


def _missed(crds: Crds) -> list[str]:
    problems = []
    for fault in FAULTS:
        document = fault.planted()
        crd = crds.get((document["apiVersion"], fault.kind))
        if crd and fault.schema and not crd.faults(document):
            problems.append(f"{fault}: ACCEPTED")
    return problems


def _table(crds: Crds) -> None:
    good = Counter(document["kind"] for name in PLANS for document in documents(name))
    planted = Counter(fault.kind for fault in FAULTS if fault.schema)
    print(f"{'kind':20}{'CRD':52}{'manifests':>10}{'faults':>8}{'CEL rules':>11}")
    for version, kind in KINDS:
        crd = crds.get((version, kind))
        named = f"{crd.name} {version.rpartition('/')[2]}" if crd else "not in the folder"
        rules = str(crd.rules) if crd else ""
        print(f"{kind:20}{named:52}{good[kind]:>10}{planted[kind]:>8}{rules:>11}")


if __name__ == "__main__":
    sys.exit(main())
