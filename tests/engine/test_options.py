import pytest

from golem_nb.engine.options import bytes_from_mib, options_of, policy_from_options, seconds_from_option
from golem_nb.engine.settings import Settings
from golem_nb.errors import BadInput


def made(**options):
    nothing = {"is_on": True, "allowed": [], "denies_private": False, "listens_anywhere": False}
    return policy_from_options(**(nothing | options))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"is_on": False}, "--no-network"),
        (
            {"allowed": ["a.example", "10.0.0.0/8:80"], "denies_private": True, "listens_anywhere": True},
            "--allow-host a.example --allow-host 10.0.0.0/8:80 --deny-private --allow-listen",
        ),
    ],
)
def test_a_policy_tells_the_options_that_it_was_made_of(options, words):
    assert options_of(Settings(network=made(**options))) == tuple(words.split())


@pytest.mark.parametrize("more", [{"allowed": ["a"]}, {"listens_anywhere": True}])
def test_options_that_contradict_each_other_are_refused(more):
    with pytest.raises(BadInput, match="--no-network"):
        made(is_on=False, **more)


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(BadInput, match="names no host"):
        made(allowed=["a b"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(memory_limit_bytes=64 << 20), "--memory-limit 64"),
        (Settings(memory_limit_bytes=None, time_limit_s=2.5), "--memory-limit 0 --time-limit 2.5"),
        (Settings(time_limit_s=None), "--time-limit 0"),
    ],
)
def test_limits_tell_the_options_that_they_were_made_of(settings, words):
    assert options_of(settings) == tuple(words.split())


def test_a_limit_of_nothing_is_none_and_less_is_refused():
    assert (bytes_from_mib(64), bytes_from_mib(0)) == (64 << 20, None)
    assert (seconds_from_option(2.5), seconds_from_option(0)) == (2.5, None)
    with pytest.raises(BadInput, match=r"--memory-limit .* found -1"):
        bytes_from_mib(-1)
    for seconds in (-1.0, float("nan")):
        with pytest.raises(BadInput, match=r"--time-limit .* found"):
            seconds_from_option(seconds)
