"""`python -m jupyter_mlinfra.cli` is `mlinfra`."""

import sys

from .main import main

sys.exit(main())
