"""A machine-learning workbench inside JupyterLab."""
