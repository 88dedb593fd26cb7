"""The oplog: its entries, and folds over them. The oplog is the worker; everything else is a cache of it.

Pure: no input or output, no clock. Start reading at `entries`, then `fold`.
"""
