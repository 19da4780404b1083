"""A pipeline as an Argo workflow: the same steps, parameters, order, retries and resources, as
plain values. Argo need not be installed.

Source: https://argo-workflows.readthedocs.io/en/latest/fields/ (argoproj.io/v1alpha1).
"""
