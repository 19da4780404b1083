"""The payload log of a deployment as frames: journals of the serving processes, and the Parquet
files they are compacted to.

The form of the journals is in `runtime.journal`. Here:

    payloads/<deployment>/<version>-<started>-<pid>.jsonl.open    being written to
                          <version>-<started>-<pid>.jsonl         closed
                          <version>-<started>-<pid>.count         how much the process had to log,
                                                                  and how much of it is missing
                          parquet/<name of the journal>.parquet   compacted: the same rows, with a
                                                                  column of lists for the inputs

A journal and its Parquet file may both exist for a moment, and a request that the gateway retried
is in two journals: reading makes rows unique by the gateway's own id and the row number, so that
nothing counts twice. The request id comes from the caller, and may be the same for all its
requests.
"""
