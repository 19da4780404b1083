"""`python -m jupyter_mlinfra.cli`."""

from .app import main

main()
