"""Deployments on Kubernetes: manifests for Seldon Core 1, Seldon Core 2 and KServe, and the build
context of an image. Nothing here needs a cluster or its client.
"""
