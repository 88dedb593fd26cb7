import pytest
from starlette.datastructures import Headers

from golem_nb.errors import Forbidden
from golem_nb.server.access import Access, allowed_hosts, is_loopback

ACCESS = Access(hosts=allowed_hosts("192.168.1.5", ["Golem.Example"]))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:9881",
        "127.0.0.1:1",
        "[::1]:9881",
        "127.8.8.8",
        "x.localhost",
        "192.168.1.5:80",
        "golem.example",
    ],
)
def test_our_own_hosts_are_answered_to(host):
    ACCESS.check_host(Headers({"host": host}))
    ACCESS.check_host(Headers({"host": "localhost", "origin": f"http://{host}"}))


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example", "192.168.1.6", "127.0.0.1.evil.example"]
)
def test_foreign_hosts_and_origins_are_refused(host):
    with pytest.raises(Forbidden):
        ACCESS.check_host(Headers({"host": host}))
    with pytest.raises(Forbidden):
        ACCESS.check_host(Headers({"host": "localhost", "origin": f"http://{host}"}))


@pytest.mark.parametrize("origin", ["null", "", "http://[", "http://[x]/"])
def test_an_origin_without_a_host_is_refused(origin):
    with pytest.raises(Forbidden):
        ACCESS.check_host(Headers({"host": "localhost", "origin": origin}))


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False)]
)
def test_loopback_is_known(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic a-token"}, 401),
        ({"Authorization": "Bearer a-token"}, 200),
        ({"Authorization": "bearer another"}, 200),
        ({"Cookie": "GOLEM_SESSION=a-token"}, 200),
        ({"Cookie": "GOLEM_SESSION=wrong"}, 401),
    ],
)
def test_a_token_is_asked_for_by_every_operation(guarded, headers, status):
    url = "/v1/envs/6f1a3d4e-7a54-5d0a-9a53-0d1f6d2c8b11/components"
    answer = guarded.http.get(url, headers={"Authorization": "", **headers})

    assert answer.status_code == status
    if status == 401:
        assert "error" in answer.json() and "a-token" not in answer.text


def test_health_and_version_are_open(guarded):
    assert guarded.http.get("/healthcheck", headers={"Authorization": ""}).json() == {}
    assert "golem_nb" in guarded.http.get("/version", headers={"Authorization": ""}).json()["version"]
