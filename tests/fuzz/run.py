"""schemathesis over the served API: thousands of requests made from the contract, and what was wrong with the answers.

`python -m tests.fuzz.run [--examples N] [--seed N] [--workers N]`, or `make fuzz`. Two runs, as they need different
things: single requests with ids that exist, and chains of requests that make their own ids. Source: CONTRACT 3.1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, stop_local
from golem_nb.model import LOCAL_ENVIRONMENT

HERE = Path(__file__).parent
CONTRACT = HERE.parent.parent / "golem_nb" / "wire" / "contract" / "golem-cloud-openapi.yml"
LEDGER = HERE.parent / "components" / "ledger.wat"
SEED = 20261124
# connectWorker is no request; the others answer 501 until there is what they are for.
LEFT_OUT = "connectWorker|Api(Definition|Deployment)|Plugin"
# The contract asks for nearly no field, so that `{}` is right by it, and rightly refused: CONTRACT 3.1.
OFF = "positive_data_acceptance"
# For chains the hooks ask for more than the contract does, so what is wrong by that may well be right.
OFF_IN_CHAINS = f"{OFF},negative_data_rejection"


@dataclass(frozen=True)
class Findings:
    """How many requests were made, of which operations some were served (method and path), and what was wrong."""

    cases: int
    served: set[tuple[str, str]]
    faults: list[str]


def fuzz(examples, seed=SEED, workers=3):
    """Run both parts against an engine of its own, which has a component and so many workers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wasm = folder / "component.wasm"
        wasm.write_bytes(component_from_text(LEDGER.read_text()))
        engine = engine_process(folder / "data")
        client = engine.client()
        try:
            component = client.create_component("ledger", wasm.read_bytes()).id
            for number in range(workers):
                client.launch_worker(component, f"w{number}")
            client.invoke_and_await(client.workers(component).workers[0].worker_id, "add", [1])
            token = engine.lock.token
            single = _configuration(token) + _known(component)
            variables = {"GOLEM_NB_FUZZ_WASM": str(wasm)}
            fixed = variables | {"GOLEM_NB_FUZZ_ENVIRONMENT": str(LOCAL_ENVIRONMENT)}
            runs = [
                ("coverage,fuzzing", OFF, single, variables),
                ("stateful", OFF_IN_CHAINS, _configuration(token), fixed),
            ]
            found = [
                _run(folder / phases, phases, off, text, variables, client.url, examples, seed)
                for phases, off, text, variables in runs
            ]
        finally:
            client.close()
            stop_local(folder / "data")
    served = set().union(*(f.served for f in found))
    return Findings(sum(f.cases for f in found), served, [fault for f in found for fault in f.faults])


def _configuration(token):
    return f'hooks = "{HERE / "hooks.py"}"\n\n[auth.openapi.Token]\nbearer = "{token}"\n'


def _known(component):
    """Return the part that names what exists, to be met four times of five; but the component is not to be deleted."""
    known = {
        "component_id": [str(component)],
        "environment_id": [str(LOCAL_ENVIRONMENT)],
        "agent_name": ["w0", "w1", "new"],
        "component_name": ["ledger"],
        "revision": [0],
        "function": ["add", "sum"],
    }
    lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}" for name, values in known.items()]
    lines.append("[parameters]")
    for name in known:
        place = "query" if name == "function" else "path"
        lines.append(f'"{place}.{name}" = {{ dictionary = "{name}", probability = 0.8 }}')
    lines.append('[[operations]]\ninclude-operation-id = "deleteComponent"')
    lines.append(f'parameters = {{ "path.component_id" = "{UUID(int=0)}" }}')
    return "\n" + "\n".join(lines) + "\n"


def _run(folder, phases, off, configuration, variables, url, examples, seed):
    folder.mkdir()
    (folder / "configuration.toml").write_text(configuration)
    report, requests = folder / "report.json", folder / "requests.ndjson"
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "--config-file", folder / "configuration.toml"),
        *("run", CONTRACT, "--url", url, "--phases", phases, "--exclude-operation-id-regex", LEFT_OUT),
        *("--exclude-checks", off, "--seed", str(seed), "--max-examples", str(examples), "--no-color"),
        *("--max-failures", "200", "--continue-on-failure", "--request-timeout", "60", "--generation-database", "none"),
        *("--report", "json,ndjson", "--report-json-path", report, "--report-ndjson-path", requests),
    ]
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True)
    if not report.exists():
        return Findings(0, set(), [f"schemathesis did not run: {done.stdout}{done.stderr}"])
    told = done.stdout.partition(" FAILURES ")[2] or done.stdout
    cases = json.loads(report.read_text())["test_cases"]["generated"]
    return Findings(cases, set(_served(requests)), [told] if done.returncode else [])


def _served(report):
    """Yield method and path of the requests that were served."""
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for id, interaction in recorder.get("interactions", {}).items():
            if (interaction["response"] or {}).get("status_code", 0) // 100 == 2:
                case = recorder["cases"][id]["value"]
                yield case["method"], case["path"].replace(str(LOCAL_ENVIRONMENT), "{environment_id}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=30, help="requests of each operation, at most")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=3, help="workers that the server has to begin with")
    options = parser.parse_args(arguments)
    findings = fuzz(options.examples, options.seed, options.workers)
    print("\n".join(findings.faults))
    print(*sorted(findings.served), sep="\n")
    print(f"{findings.cases} requests of {len(findings.served)} operations, {len(findings.faults)} faults")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
