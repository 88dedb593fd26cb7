"""Standard output line by line: CPython's own writes each piece of a `print` by itself, each a call of the host."""

import io


class NoInput(io.TextIOBase):
    """Standard input of a worker, which has none: who reads it hears what to do instead, and the worker goes on."""

    encoding, errors = "utf-8", "replace"

    def readable(self):
        return True

    def readline(self, size=-1):
        raise OSError("a worker has no standard input: give the function a parameter instead")

    read = readline


class Lines(io.TextIOBase):
    """A text stream that hands on whole lines, and at a flush what is left of one."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, raw):
        self._raw, self._parts = raw, []

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._parts.append(text)
        if "\n" in text:
            whole = "".join(self._parts)
            end = whole.rindex("\n") + 1
            self._parts = [whole[end:]] if end < len(whole) else []
            self._hand_on(whole[:end])
        return len(text)

    def flush(self):
        parts, self._parts = self._parts, []
        if parts:
            self._hand_on("".join(parts))

    def _hand_on(self, text):
        self._raw.write(text)
        self._raw.flush()
