"""The Jupyter Server extension: routes under `/mlinfra/api`, one module per domain, each a few
words over the workbench.
"""
