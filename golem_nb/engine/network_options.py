"""The options of the command line about the network, to and from the policy that they ask for."""

from __future__ import annotations

from collections.abc import Iterable

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


def options_of(policy: NetworkPolicy) -> tuple[str, ...]:
    """Return the words of the command line that ask for a policy."""
    words = [] if policy.is_on else ["--no-network"]
    for pattern in policy.allowed:
        words += ["--allow-host", pattern.text]
    words += ["--deny-private"] if policy.denies_private else []
    words += ["--allow-listen"] if policy.listens_anywhere else []
    return tuple(words)
