"""What survives: one SQLite file, and content-addressed files of wasm beside it.

The only folder that imports sqlite3. It stores chunks of bytes and rows; what they mean is for `oplog` and `engine`.
Start reading at `database`.
"""
