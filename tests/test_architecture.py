"""Who may import whom. The best page to show a newcomer, besides the README's picture."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "golem_nb"
TESTS = Path(__file__).parent

PURE = {"errors", "model", "values", "oplog"}
MAY_IMPORT = {
    "errors": set(),
    "files": set(),
    "values": {"errors"},
    "model": {"errors", "values"},  # a component carries the types of its functions
    "oplog": {"errors", "model", "values"},
    "gateway": {"errors", "model", "values"},
    "wire": PURE,
    "store": PURE | {"files"},
    "host": PURE,
    "wasm": {"errors", "files", "model", "values", "host"},
    "authoring": {"errors", "files", "model", "values", "wasm"},
    "engine": PURE | {"gateway", "store", "host", "wasm", "authoring"},
    "server": PURE | {"files", "gateway", "wire", "engine"},
    "server/doctor.py": PURE | {"server", "engine", "authoring"},
    "client": PURE | {"wire", "engine"},
    "notebook": PURE | {"client", "authoring", "files", "testing"},
    # The wire is their only bridge.
    "client/remote.py": PURE | {"wire", "client"},
    "client/peer.py": PURE | {"wire", "client"},
    "client/http.py": PURE | {"wire", "client"},
    "client/stream.py": PURE | {"wire", "client"},
    "exporters": PURE | {"client"},
    "__main__": PURE | {"server", "client", "demo"},
    "demo": PURE | {"client", "wire", "authoring"},
    "testing": PURE | {"engine", "authoring"},
}
ONLY_IN = {
    "IPython": {"notebook"},
    "ipywidgets": {"notebook"},
    "anywidget": {"notebook"},
    "pandas": {"notebook", "exporters"},
    "wasmtime": {"wasm"},
    "sqlite3": {"store"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "httpx": {"client", "host", "engine"},
    "httpcore": {"host"},
    "websockets": {"client", "server"},
}
RAW_POINTERS = {"wasm/abi/layout.py", "wasm/abi/codec.py", "wasm/abi/raw.py", "wasm/instance.py"}

# Modules whose tests are those of what they serve, with the reason.
WITHOUT_TESTS_OF_THEIR_OWN = {
    "client/client.py": "a protocol; tests/test_client.py holds every implementation to it",
    "engine/host_context.py": "seen through the host functions that use it",
    "engine/services.py": "a protocol",
    "engine/stopping.py": "exceptions without behaviour",
    "host/context.py": "a protocol",
    "wasm/abi/backend.py": "a protocol; tests/wasm/abi hold both backends to it",
    "wasm/abi/layout.py": "declarations; the self-test examines them",
    "wasm/abi/stock.py": "held to the same tests as raw.py, in test_raw.py, test_codec.py and test_selftest.py",
}


# A program of its own, which runs in a component: it imports nothing of golem_nb, and golem_nb nothing of it.
GUEST = "authoring/guest/"


def modules():
    return [file for file in files() if not file.startswith(GUEST)]


def files():
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imports(file):
    """Yield (line, dotted name) of everything that a file imports, wherever the statement stands."""
    for node in ast.walk(ast.parse((PACKAGE / file).read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: imports are written in full"
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def violations():
    for file in modules():
        part = file.partition("/")[0].removesuffix(".py")
        if part == "__init__":
            continue  # the package's front door may open anything
        allowed = MAY_IMPORT[file if file in MAY_IMPORT else part] | {part}
        for line, name in imports(file):
            root, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            if root == "golem_nb" and target and target not in allowed and target != "__version__":
                yield f"golem_nb/{file}:{line}: may not import {target}"
            if part not in ONLY_IN.get(root, {part}):
                yield f"golem_nb/{file}:{line}: only {', '.join(sorted(ONLY_IN[root]))} may import {root}"
            if root == "ctypes" and file not in RAW_POINTERS:
                yield f"golem_nb/{file}:{line}: raw pointers live in wasm/abi"


def test_imports_point_down():
    assert list(violations()) == []


def test_the_guest_is_a_program_of_its_own():
    guest = [file for file in files() if file.startswith(GUEST)]

    assert guest
    assert [file for file in guest for _, name in imports(file) if name.partition(".")[0] == "golem_nb"] == []


def test_only_the_door_handles_recorded_calls():
    users = {file for file in modules() if "ImportedFunctionInvoked" in (PACKAGE / file).read_text()}

    # The class itself, the door, the cursor that looks for effects, what-if (which answers otherwise), the form on the
    # wire, and who reads that form.
    assert users <= {
        "oplog/entries.py",
        "oplog/query.py",
        "engine/durability.py",
        "engine/replay.py",
        "engine/shadows.py",
        "host/golem_oplog.py",
        "wire/dialects.py",
        "wire/entries.py",
        "notebook/frames.py",
        "notebook/replay.py",
    }


def test_decoders_are_made_when_modules_are():
    """What msgspec does at the first use of a type ends in a segmentation fault where two threads do it at once."""
    late = [
        f"golem_nb/{file}:{call.lineno}"
        for file in modules()
        for function in ast.walk(ast.parse((PACKAGE / file).read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in {"Decoder", "convert"}
        or (call.func.attr == "decode" and any(keyword.arg == "type" for keyword in call.keywords))
    ]

    assert late == []


def test_every_module_has_its_test():
    missing = []
    for file in modules():
        folder, name = Path(file).parent, Path(file).stem
        if name == "__init__" or file in WITHOUT_TESTS_OF_THEIR_OWN:
            continue
        if not (TESTS / folder / f"test_{name.strip('_')}.py").exists():
            missing.append(file)

    assert missing == []


def test_every_folder_says_what_it_is():
    silent = [
        file
        for file in modules()
        if file.endswith("/__init__.py") and not ast.get_docstring(ast.parse((PACKAGE / file).read_text()))
    ]

    assert silent == []


def test_files_stay_readable():
    """Aim at 150 to 350 lines; at 500 the docstring says why; nothing above 700."""
    long = [file for file in modules() if (PACKAGE / file).read_text().count("\n") > 700]

    assert long == []
