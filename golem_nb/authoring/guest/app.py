"""The component's entry: what it exports. See world.wit for the functions. Built by `golem_nb.authoring.runtime`."""

import json

import base
import golem
import program
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.program import Failure

golem.install()
loaded = None


class Program(exports.Program):
    def load(self, program_text):
        global loaded
        with _answering():
            given = json.loads(program_text)
            base.modules.sources.update({name: tuple(of) for name, of in given.get("modules", {}).items()})
            loaded = program.load(program_text)
            return json.dumps(loaded.description)

    def call(self, function, arguments):
        with _answering():
            return json.dumps(loaded.call(function, json.loads(arguments)))

    def save(self):
        with _telling():
            return loaded.save()

    def restore(self, data):
        with _telling():
            return json.dumps(loaded.restore(data))


class _answering:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        base.flush()
        if isinstance(error, program.Failure):
            raise Err(self.said(error)) from None
        return False

    def said(self, failure):
        return Failure(failure.kind, failure.message)


class _telling(_answering):
    """Of functions whose error is a text."""

    def said(self, failure):
        return failure.message


base.done()
