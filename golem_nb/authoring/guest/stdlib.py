"""The standard library beside what is imported: kept compressed in the runtime, and imported when a program asks.

There is no file system at run time that has it. `collect` runs once, while the runtime is built.
"""

import importlib.abc
import importlib.util
import marshal
import os
import sys
import zlib

LEFT_OUT = {
    "__pycache__",
    "_pyrepl",
    "antigravity.py",
    "config-3.14-wasm32-wasi",
    "ctypes",
    "curses",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "msilib",
    "multiprocessing",
    "pydoc_data",
    "site-packages",
    "test",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "venv",
    "xmlrpc",
}
WHY_ABSENT = {
    "ctypes": "there are no C libraries in a worker",
    "multiprocessing": "a worker is one process; call other workers with golem.worker()",
    "ssl": "HTTPS goes through the engine: use urllib.request",
    "subprocess": "a worker starts no processes",
    "threading.Thread": "a worker has one thread; use asyncio",
    "tkinter": "a worker has no screen",
}


class Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules in what was collected, and those that came with a program."""

    def __init__(self):
        self._compressed = {}  # name -> is it a package, its code
        self.sources = {}  # of the program's own modules: name -> is it a package, its source

    def collect(self, root, prefix=""):
        for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
            if entry.name in LEFT_OUT:
                continue
            if entry.is_dir() and os.path.exists(f"{entry.path}/__init__.py"):
                self.collect(entry.path, f"{prefix}{entry.name}.")
            elif entry.name.endswith(".py"):
                self._take(entry, prefix)

    def _take(self, entry, prefix):
        is_package = entry.name == "__init__.py"
        name = prefix[:-1] if is_package else prefix + entry.name[:-3]
        if not name or name in sys.modules:
            return
        with open(entry.path, "rb") as file:
            source = file.read()
        try:
            code = compile(source, f"<stdlib>/{name}", "exec", dont_inherit=True)
        except SyntaxError:  # a file of tests, for other versions
            return
        self._compressed[name] = (is_package, zlib.compress(marshal.dumps(code), 9))

    def find_spec(self, name, path, target=None):
        known = self.sources.get(name) or self._compressed.get(name)
        if known is None:
            if name in WHY_ABSENT:
                raise ModuleNotFoundError(f"No module named {name!r} in a worker: {WHY_ABSENT[name]}", name=name)
            return None
        return importlib.util.spec_from_loader(name, self, is_package=known[0], origin=f"<{name}>")

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__spec__.name
        if name in self.sources:
            code = compile(self.sources[name][1], f"<{name}>", "exec", dont_inherit=True)
        else:
            code = marshal.loads(zlib.decompress(self._compressed[name][1]))
        exec(code, module.__dict__)
