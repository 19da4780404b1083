"""What the package costs before it is used: import, server extension, start of JupyterLab (paired),
size of the front end.

python benchmarks/startup.py --rounds 10
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "jupyter_mlinfra"


def import_ms(statement: str, rounds: int, *, after: str = "pass") -> float:
    """Median milliseconds of a statement in a fresh interpreter, once `after`, what it stands on,
    was carried out.
    """
    code = (
        f"import time, json, os, sys\n{after}\nstart ="
        f" time.perf_counter()\n{statement}\nprint((time.perf_counter() - start) * 1000)"
    )
    return statistics.median(
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(rounds)
    )


def lab_seconds(enabled: bool) -> float:
    """Seconds until JupyterLab says that it listens."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": folder,
            "JUPYTER_RUNTIME_DIR": folder,
            "JUPYTERLAB_SETTINGS_DIR": folder,
        }
        switch = (
            f"--ServerApp.jpserver_extensions={{'jupyter_mlinfra': {enabled}, 'jupyterlab': True}}"
        )
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={folder}",
            switch,
        ]
        start = time.perf_counter()
        server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            assert server.stderr
            for line in server.stderr:
                if "is running at" in line:
                    return time.perf_counter() - start
            raise RuntimeError("JupyterLab did not start")
        finally:
            server.kill()
            server.wait()


def front_end_kb() -> tuple[float, float]:
    """Gzipped kilobytes of all scripts without Vega, and of the chunk with Vega."""
    sizes = {
        path.name: len(gzip.compress(path.read_bytes())) / 1000
        for path in (PACKAGE / "labextension" / "static").glob("*.js")
    }
    vega = {
        name
        for name in sizes
        if re.search(
            rb"vega-lite|vegaLite", (PACKAGE / "labextension" / "static" / name).read_bytes()
        )
        and sizes[name] > 100
    }
    return sum(size for name, size in sizes.items() if name not in vega), sum(
        sizes[name] for name in vega
    )


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    print(f"import jupyter_mlinfra           {import_ms('import jupyter_mlinfra', rounds):6.1f} ms")
    extension = "import jupyter_mlinfra; jupyter_mlinfra._jupyter_server_extension_points()"
    alone = import_ms(extension, rounds, after="import jupyter_server.extension.application")
    print(f"server extension, alone          {alone:6.1f} ms")
    pairs = [(lab_seconds(True), lab_seconds(False)) for _ in range(rounds)]
    ratios = sorted(with_it / without for with_it, without in pairs)
    print(
        f"JupyterLab start with / without  {statistics.median(a for a, _ in pairs):.3f} /"
        f" {statistics.median(b for _, b in pairs):.3f} s"
    )
    print(
        f"ratio, median of {rounds} pairs        {statistics.median(ratios):.3f} ({ratios[0]:.3f}"
        f" to {ratios[-1]:.3f})"
    )
    own, vega = front_end_kb()
    print(
        f"front end without Vega           {own:6.1f} kB gzip; Vega chunk, loaded at the first"
        f" chart, {vega:.1f} kB"
    )


if __name__ == "__main__":
    main()
