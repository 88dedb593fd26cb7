import pytest

from golem_nb.engine.network_options import options_of, policy_from_options
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
    assert options_of(made(**options)) == tuple(words.split())


@pytest.mark.parametrize("more", [{"allowed": ["a"]}, {"listens_anywhere": True}])
def test_options_that_contradict_each_other_are_refused(more):
    with pytest.raises(BadInput, match="--no-network"):
        made(is_on=False, **more)


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(BadInput, match="names no host"):
        made(allowed=["a b"])
