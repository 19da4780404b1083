"""Jobs on a Kubernetes cluster. Loads nothing: `pod` runs in the cluster, where neither the backend
nor its client need be.
"""
