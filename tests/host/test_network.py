from golem_nb.host.network import Network
from golem_nb.host.network_policy import NetworkPolicy


def test_what_is_not_used_is_not_made_and_what_is_made_is_closed():
    unused, used = Network(), Network(NetworkPolicy(is_on=False))
    client = used.http_client()
    assert client is used.http_client()
    assert client.policy is used.policy

    unused.close()
    used.close()

    assert client.is_closed
    assert unused._http is None
