"""The module `golem` of typed programs that ask nothing of the engine: they import nothing of Golem's own."""

from results import Err, Ok, Result, fail, retry, worker_class

__all__ = ["Err", "Ok", "Result", "fail", "retry", "worker_class"]
