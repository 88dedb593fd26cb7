"""The notebook's side: magics, live panes, frames. Each magic reads its line, asks a `Client`, and shows the answer.

Knows `Client` and the nouns only, so that a local and a remote server look the same; never decides about durability.
Start reading at `extension`, then `magics/verb`.
"""
