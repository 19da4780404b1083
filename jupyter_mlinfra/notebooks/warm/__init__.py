"""Warm kernels: processes of notebook jobs that were started before there was a job for them, and
serve one each.

What is kept ready is the whole runner, papermill loaded, with a kernel that has run the imports.
Both were started as any process is (no fork), so threads, random generators and devices are as in a
process that was started for its job.
"""
