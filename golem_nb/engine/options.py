"""The options of the command line about what components may use, to and from the settings that they ask for."""

from __future__ import annotations

from collections.abc import Iterable

from golem_nb.engine.settings import DEFAULTS, Settings
from golem_nb.errors import BadInput
from golem_nb.host.network_policy import NetworkPolicy, pattern_from_text


def policy_from_options(
    *, is_on: bool, allowed: Iterable[str], denies_private: bool, listens_anywhere: bool
) -> NetworkPolicy:
    """Return the policy that the command line asks for.

    Raises:
        BadInput: A pattern is none, or the options contradict each other.
    """
    patterns = tuple(map(pattern_from_text, allowed))
    if not is_on and (patterns or listens_anywhere):
        raise BadInput("--no-network leaves nothing to allow: give it, or --allow-host and --allow-listen")
    return NetworkPolicy(is_on, patterns, denies_private, listens_anywhere)


def bytes_from_mib(mib: int) -> int | None:
    """Return a limit of memory; None where it is 0: no limit.

    Raises:
        BadInput: It is negative.
    """
    if mib < 0:
        raise BadInput(f"--memory-limit is in MiB, 0 = no limit; found {mib}")
    return mib << 20 or None


def seconds_from_option(seconds: float) -> float | None:
    """Return a limit of time; None where it is 0: no limit.

    Raises:
        BadInput: It is negative, or no number.
    """
    if not seconds >= 0:
        raise BadInput(f"--time-limit is in seconds, 0 = no limit; found {seconds:g}")
    return seconds or None


def options_of(settings: Settings) -> tuple[str, ...]:
    """Return the words of the command line that ask for what components may use, where it is not the default."""
    words = [*_words_of(settings.network)]
    if settings.memory_limit_bytes != DEFAULTS.memory_limit_bytes:
        words += ["--memory-limit", str((settings.memory_limit_bytes or 0) >> 20)]
    if settings.time_limit_s != DEFAULTS.time_limit_s:
        words += ["--time-limit", f"{settings.time_limit_s or 0:g}"]
    return tuple(words)


def _words_of(policy: NetworkPolicy) -> list[str]:
    words = [] if policy.is_on else ["--no-network"]
    for pattern in policy.allowed:
        words += ["--allow-host", pattern.text]
    words += ["--deny-private"] if policy.denies_private else []
    words += ["--allow-listen"] if policy.listens_anywhere else []
    return words
