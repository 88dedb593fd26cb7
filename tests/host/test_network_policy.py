from ipaddress import ip_address

import pytest

from golem_nb.errors import BadInput
from golem_nb.host.network_policy import NetworkPolicy, is_private, pattern_from_text

PUBLIC = ip_address("93.184.215.14")


def policy(*allowed, **options):
    return NetworkPolicy(allowed=tuple(map(pattern_from_text, allowed)), **options)


def test_by_default_everything_can_be_reached_and_only_loopback_be_listened_on():
    free = NetworkPolicy()

    assert free.allows("example.org", 443, PUBLIC)
    assert free.allows(None, 22, ip_address("127.0.0.1"))
    assert free.allows_lookup("example.org")
    assert free.allows_listening(ip_address("127.0.0.1"))
    assert not free.allows_listening(ip_address("0.0.0.0"))
    assert NetworkPolicy(listens_anywhere=True).allows_listening(ip_address("0.0.0.0"))


def test_without_network_nothing_can():
    off = NetworkPolicy(is_on=False, listens_anywhere=True)

    assert not off.allows("example.org", 443, PUBLIC)
    assert not off.allows_lookup("example.org")
    assert not off.allows_listening(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("pattern", "host", "port", "address", "is_allowed"),
    [
        ("example.org", "example.org", 80, "1.1.1.1", True),
        ("Example.ORG", "example.org.", 80, "1.1.1.1", True),
        ("example.org", "www.example.org", 80, "1.1.1.1", False),
        ("example.org", None, 80, "1.1.1.1", False),
        ("*.example.org", "www.example.org", 80, "1.1.1.1", True),
        ("*.example.org", "a.b.example.org", 80, None, True),
        ("*.example.org", "example.org", 80, "1.1.1.1", False),
        ("*.example.org", "notexample.org", 80, "1.1.1.1", False),
        ("example.org:443", "example.org", 443, "1.1.1.1", True),
        ("example.org:443", "example.org", 80, "1.1.1.1", False),
        ("10.0.0.0/8", "inside.example", 80, "10.1.2.3", True),
        ("10.0.0.0/8", "inside.example", 80, "11.1.2.3", False),
        ("10.0.0.0/8:5432", None, 5432, "10.1.2.3", True),
        ("10.0.0.0/8:5432", None, 80, "10.1.2.3", False),
        ("127.0.0.1", None, 80, "::ffff:127.0.0.1", True),
        ("::1", None, 80, "::1", True),
        ("[::1]:80", None, 80, "::1", True),
        ("[::1]:80", None, 81, "::1", False),
        ("2001:db8::/32", None, 1, "2001:db8::5", True),
        ("[2001:db8::/32]:1", None, 1, "2001:db8::5", True),
    ],
)
def test_a_pattern_allows_what_it_says_and_nothing_else(pattern, host, port, address, is_allowed):
    assert policy(pattern).allows(host, port, address and ip_address(address)) is is_allowed


@pytest.mark.parametrize(
    "text", ["", "*", "*.", "a b", "http://a", "a/b", "a:0", "a:65536", "a:x", "1.2.3", "10.0.0.0/33", "a..b", "[::1]x"]
)
def test_what_names_no_host_is_refused(text):
    with pytest.raises(BadInput, match="names no host"):
        pattern_from_text(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%2",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address):
    assert is_private(ip_address(address))
    assert not NetworkPolicy(denies_private=True).allows("rebound.example", 80, ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
)
def test_public_addresses(address):
    assert not is_private(ip_address(address))
    assert NetworkPolicy(denies_private=True).allows(None, 80, ip_address(address))


def test_a_private_address_can_be_allowed_by_its_number_and_not_by_a_name():
    both = policy("service.example", "192.168.1.7:80", denies_private=True)

    assert both.allows("service.example", 80, ip_address("1.1.1.1"))
    assert not both.allows("service.example", 443, ip_address("192.168.1.7"))
    assert both.allows("service.example", 80, ip_address("192.168.1.7"))


def test_a_name_is_looked_up_where_a_connection_to_it_can_be_allowed():
    assert policy("example.org").allows_lookup("example.org")
    assert not policy("example.org").allows_lookup("example.com")
    assert policy("example.org", "10.0.0.0/8").allows_lookup("example.com")
    assert not policy("10.0.0.0/8").allows_lookup("11.0.0.1")
    assert policy("10.0.0.0/8").allows_lookup("10.0.0.1")
    assert not policy("10.0.0.0/8:80").allows_lookup("example.com", 443)
