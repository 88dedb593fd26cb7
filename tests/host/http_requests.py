"""Making requests by host functions, for the tests of both halves of wasi:http."""

import pytest

from golem_nb.host import http_request
from golem_nb.host.declare import HostFunction, WitError
from tests.host.context import call


def static(kind, name, worker, **arguments):
    row = getattr(kind, name)
    assert isinstance(row, HostFunction) and row.static
    return row.body(worker, **arguments)


def fields(worker, *entries):
    return static(http_request.Fields, "from_list", worker, entries=list(entries))


def request(worker, authority, path, method=("get", None), headers=()):
    made = static(http_request.OutgoingRequest, "constructor", worker, headers=fields(worker, *headers))
    call(made, "set_method", method=method)
    call(made, "set_scheme", scheme=("HTTP", None))
    call(made, "set_authority", authority=authority)
    call(made, "set_path_with_query", path_with_query=path)
    return made


def code(action):
    with pytest.raises(WitError) as caught:
        action()
    return caught.value.payload
