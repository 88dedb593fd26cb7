"""The contract, written once: operations, JSON of the nouns, event messages, failures. Client and server share it.

Never does input or output. camelCase lives here and nowhere else. `contract/` holds the two documents word for word.
Start reading at `operations`.
"""
