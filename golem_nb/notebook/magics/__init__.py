"""The magics, one verb per module: read the line, ask the client, return what is to be shown.

Never hold a state of their own: that is the `Session`'s. Start reading at `verb`, then `grammar`.
"""
