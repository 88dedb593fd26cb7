"""schemathesis: hundreds of requests made from the contract, the same ones each time; `make fuzz` makes thousands."""

import re

import pytest

from golem_nb.wire.operations import OPERATIONS
from tests.fuzz.run import LEFT_OUT, fuzz


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_requests_made_from_the_contract_get_answers_of_the_contract():
    findings = fuzz(examples=25)

    assert findings.faults == []
    assert findings.cases > 700
    served = {(op.method, op.path) for op in OPERATIONS if not re.search(LEFT_OUT, op.id)}
    assert findings.served == served
