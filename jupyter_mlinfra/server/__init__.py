"""The Jupyter Server extension: routes under `/mlinfra/api`, one module per domain, each a thin
layer over the workbench.
"""
