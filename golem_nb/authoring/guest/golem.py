"""What a worker can ask of the engine: `import golem`, or `from golem import ...`.

Everything goes through the oplog: an answer that a worker has got is the same one when it is recovered.
"""

import contextlib
import json
import logging as _logging

from program import Failure
from wit_world.imports import host as _host
from wit_world.imports import logging as _lines


def install():
    """Send what `logging` is given to the engine, with its level and its logger's name."""
    handler = _Lines()
    _logging.lastResort = handler


_LEVELS = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARN"), (20, "INFO"), (10, "DEBUG"), (0, "TRACE"))


class _Lines(_logging.Handler):
    def emit(self, record):
        name = next(name for least, name in _LEVELS if record.levelno >= least)
        _lines.log(getattr(_lines.Level, name), record.name, self.format(record))
