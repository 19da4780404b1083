"""Envoy, the gateway of the local target: its configuration, its process, its counters.

`configuration`, `routes`, `clusters` and `replies` turn a plan into files and are pure functions;
`watched_files`, `admin`, `meter` and `process` deal with the Envoy that runs.
Source: https://www.envoyproxy.io/docs/envoy/latest/api-v3/api
"""
