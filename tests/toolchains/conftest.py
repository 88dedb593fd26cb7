"""Components made by compilers, each deployed once to a data folder that tests copy: compiling one takes seconds."""

import os
import shutil
from pathlib import Path

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from tests.components.test_components import Run
from tests.toolchains.build import Missing, built_c, built_python


class CompiledRun(Run):
    """A copy of a data folder that has the component; functions are named without their interface."""

    def __init__(self, deployed, folder):
        shutil.copytree(deployed.folder, folder, copy_function=link_or_copy)
        self.folder, self.component_id, self.interface = folder, deployed.component_id, deployed.interface
        self.worker = WorkerId(self.component_id, "w")

    def function(self, name):
        return f"{self.interface}.{{{name}}}"

    def calls(self, calls, folder=None):
        return super().calls([(self.function(name), *params) for name, *params in calls], folder)


def link_or_copy(source, target):
    """Link what is named by its content and never changed, which is most of a data folder; copy the rest."""
    if Path(source).parent.name in ("compiled", "wasm"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


class Deployed:
    """A component in a data folder that is not used itself; `run` makes a copy."""

    def __init__(self, folder, name, interface, wasm):
        self.folder, self.interface = folder, interface
        engine = Engine.open(folder)
        self.component_id = engine.create_component(LOCAL_ENVIRONMENT, name, wasm).id
        engine.linked(self.component_id, 0)  # so that the copies have the compiled code
        engine.close()

    def run(self, folder):
        return CompiledRun(self, folder)


def or_skip(build, *arguments):
    try:
        return build(*arguments)
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def c_library(tmp_path_factory):
    wasm = or_skip(built_c, "c_library")
    return Deployed(tmp_path_factory.mktemp("c") / "data", "c-library", "test:c-library/logbook", wasm)


@pytest.fixture(scope="session")
def python_library(tmp_path_factory):
    wasm = or_skip(built_python, "python_library")
    return Deployed(tmp_path_factory.mktemp("python") / "data", "python-library", "test:python-library/orders", wasm)


@pytest.fixture(scope="session")
def golem_api(tmp_path_factory):
    """Version 1 of the component is deployed as its version 0; `golem_api_2` is for updates."""
    wasm = or_skip(built_python, "golem_api")
    return Deployed(tmp_path_factory.mktemp("golem") / "data", "golem-api", "test:golem-api/shown", wasm)


@pytest.fixture(scope="session")
def services(tmp_path_factory):
    wasm = or_skip(built_python, "services")
    return Deployed(tmp_path_factory.mktemp("services") / "data", "services", "test:services/shown", wasm)
