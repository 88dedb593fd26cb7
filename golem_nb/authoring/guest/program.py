"""One program: its source, what it exports, how its functions are called, what it remembers.

Pure Python, without anything of WebAssembly: it is tested natively.
"""

import ast
import dataclasses
import enum
import inspect
import io
import json
import linecache
import pickle
import random
import sys
import traceback
import types
import typing
import zlib

from loop import run
from results import Failure
from shapes import NOTHING, NotExportable, is_result, kebab, plain, shape_of, typed

CELL = "<cell>"
MODULE = "worker"  # the name of the program's module, also in pickles
PLAIN_FUNCTIONS = "api"  # the interface of functions that stand outside of classes


@dataclasses.dataclass
class Function:
    """An exported function. `owner` is the interface of the object that it is a method of."""

    call: object
    owner: str | None
    parameters: list  # of (name, shape, default)
    result: object  # a shape; None where it has the type of its value
    description: dict
    keywords: frozenset = frozenset()  # the parameters that are given by name only


class Program:
    def __init__(self, source, name=MODULE):
        """Run the source's module.

        Raises:
            Failure: It is no Python, or fails, or exports nothing; the message has its own lines.
        """
        self.name = name
        self.functions, self.objects = {}, {}
        self._source, self._definitions = source, None
        self.module = types.ModuleType(MODULE)
        sys.modules[MODULE] = self.module
        linecache.cache[CELL] = (len(source), None, source.splitlines(True), CELL)
        with _told():
            exec(compile(source, CELL, "exec", dont_inherit=True), self.module.__dict__)
            self._export()

    # What it exports.

    @property
    def description(self):
        """Return what it exports: name, parameters, result, docs of each function; as JSON has it."""
        return [function.description for function in self.functions.values()]

    def _export(self):
        found = [
            (name, value)
            for name, value in vars(self.module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == MODULE
        ]
        classes = _worker_classes([value for _, value in found if isinstance(value, type)])
        for cls in classes:
            site = kebab(cls.__name__)
            self.objects[site] = cls()
            for name in dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base)):
                self._export_method(cls, site, name)
        for name, value in found:
            if isinstance(value, types.FunctionType):
                self._add(PLAIN_FUNCTIONS, name, value, None)
        if not self.functions:
            raise NotExportable(
                "the cell exports nothing: write a class whose methods are to be called, or functions; "
                "names that begin with _ are private"
            )

    def _export_method(self, cls, site, name):
        if name.startswith("_") or not _is_of_program(cls, name):
            return
        value = inspect.getattr_static(cls, name)
        if isinstance(value, property) and value.fget is not None:
            self._add(site, name, value.fget, site)
        elif isinstance(value, staticmethod | classmethod):
            self._add(site, name, getattr(cls, name), None)
        elif isinstance(value, types.FunctionType):
            self._add(site, name, value, site)

    def _add(self, site, name, function, owner):
        hints = self._hints(function)
        parameters = list(inspect.signature(function).parameters.values())[1 if owner else 0 :]
        shapes, keywords, outside = [], set(), {}
        for parameter in parameters:
            other = outside.setdefault(kebab(parameter.name), parameter.name)
            if other != parameter.name:
                raise NotExportable(
                    f"the parameters {other} and {parameter.name} of {name}() are one from outside: rename one"
                )
            if parameter.kind is parameter.KEYWORD_ONLY:
                keywords.add(parameter.name)
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise NotExportable(f"{name}() takes *{parameter.name}: the parameters of an export have names")
            shapes.append((parameter.name, shape_of(hints.get(parameter.name, parameter.empty)), parameter.default))
        result = shape_of(hints["return"]) if "return" in hints else None
        if result is None and self._gives_nothing(function):
            result = NOTHING
        key = f"nb:{self.name}/{site}.{{{kebab(name)}}}"
        if key in self.functions:
            other = self.functions[key].call.__name__
            raise NotExportable(f"{other} and {name} are both called {kebab(name)} from outside: rename one")
        described = {
            "name": key,
            "parameters": [_described(*of) for of in shapes],
            "result": NOTHING.typ if result is None else result.typ,
            "is_dynamic": result is None,
            "docs": inspect.getdoc(function) or "",
        }
        self.functions[key] = Function(function, owner, shapes, result, described, frozenset(keywords))

    def _hints(self, function):
        """Return a function's annotations: evaluated in its class, where a method `list` hides the type, or outside."""
        try:
            return typing.get_type_hints(function)
        except TypeError:
            node = self._definition(function)
            if node is None:
                raise
        given = node.args
        texts = {arg.arg: arg.annotation for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
        texts["return"] = node.returns
        function.__annotations__ = {name: ast.unparse(text) for name, text in texts.items() if text is not None}
        return typing.get_type_hints(function)

    def _gives_nothing(self, function):
        """Does the function's text say that it has no result? Where that cannot be told, it may have one."""
        node = self._definition(function)
        return node is not None and not any(map(_gives_value, node.body))

    def _definition(self, function):
        """Return where the source defines a function; None where it does not."""
        code = getattr(function, "__code__", None)
        if code is None or code.co_filename != CELL:
            return None
        if self._definitions is None:
            self._definitions = {}
            for node in ast.walk(ast.parse(self._source)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    line = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                    self._definitions[line, node.name] = node
        return self._definitions.get((code.co_firstlineno, code.co_name))

    # Calls.

    def call(self, name, arguments, with_text=False):
        """Call a function; `arguments` are its parameters' values as JSON has them. Return the result as JSON has it;
        of a function whose result is not annotated, that with its type: `{"typ": ..., "value": ...}`, and where it is
        wanted also as `text` of JSON.

        Raises:
            Failure: An exception came out, or the program asks for a failure of its own.
        """
        function = self.functions[name]
        with _told():
            read = {name: shape.read(v) for (name, shape, _), v in zip(function.parameters, arguments, strict=False)}
            named = {name: read.pop(name) for name in function.keywords if name in read}
            own = [] if function.owner is None else [self.objects[function.owner]]
            try:
                value = _collected(function.call(*own, *read.values(), **named))
            except Exception as error:
                if type(error).__name__ != "Err" or function.result is None or not is_result(function.result):
                    raise
                value = error
            if function.result is not None:
                return function.result.write(value)
            typ, shown = typed(value)
            text = {"text": json.dumps(plain(value))} if with_text else {}
            return {"typ": typ, "value": shown, **text}

    # Memory.

    def save(self):
        """Return what objects and the module's variables hold, and the state of `random`.

        What cannot be kept is left out, and told when it is restored.
        """
        lost, kept = [], {}
        for place, name, value in self._variables():
            reason = _unpicklable(value)
            if reason is None:
                kept.setdefault(place, {})[name] = value
            else:
                lost.append(f"{f'{place}.' if place else ''}{name}: {reason}")
        return zlib.compress(pickle.dumps((kept, random.getstate(), lost)))

    def _variables(self):
        for site, object in self.objects.items():
            for name, value in _attributes(object).items():
                yield site, name, value
        for name, value in vars(self.module).items():
            if not name.startswith("__") and not isinstance(value, types.ModuleType | types.FunctionType | type):
                yield "", name, value

    def restore(self, data):
        """Become what `save` has returned, maybe of another version of the program.

        Return what could not be carried over, a text each.
        """
        kept, state, lost = _Unpickler(io.BytesIO(zlib.decompress(data))).load()
        random.setstate(state)
        for site, attributes in kept.items():
            usable = {name: value for name, value in attributes.items() if not _has_absent(value)}
            prefix = f"{site}." if site else ""
            lost += [f"{prefix}{name}: the class of its value is gone" for name in attributes if name not in usable]
            if site == "":
                vars(self.module).update(usable)
            elif site not in self.objects:
                lost.append(f"{site}: there is no such class any more")
            else:
                with _told():
                    _migrate(self.objects[site], usable)
        return lost


def _worker_classes(classes):
    """Return the classes whose objects are the worker: those that can be made without arguments, but no mere data.

    Where some are marked with `golem.worker_class`, only those.
    """
    marked = [cls for cls in classes if vars(cls).get("__golem_worker__")]
    for cls in marked:
        if not _needs_nothing(cls):
            raise NotExportable(f"{cls.__name__}.__init__ takes arguments that nobody could give it")
    if marked:
        return marked
    bases = {base for cls in classes for base in cls.__mro__[1:]}
    return [
        cls
        for cls in classes
        if cls not in bases
        and not issubclass(cls, enum.Enum | BaseException | tuple | dict)
        and not dataclasses.is_dataclass(cls)
        and not inspect.isabstract(cls)
        and not getattr(cls, "_is_protocol", False)
        and _needs_nothing(cls)
    ]


def _needs_nothing(cls):
    try:
        parameters = inspect.signature(cls).parameters.values()
    except ValueError:
        return False
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in optional for p in parameters)


def _gives_value(node):
    """Is there a value that a function gives in a part of it, besides those of functions inside of it?"""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        return False
    if isinstance(node, ast.Yield | ast.YieldFrom):
        return True
    if isinstance(node, ast.Return) and node.value is not None:
        return not (isinstance(node.value, ast.Constant) and node.value.value is None)
    return any(map(_gives_value, ast.iter_child_nodes(node)))


def _is_of_program(cls, name):
    return any(name in vars(base) and base.__module__ == MODULE for base in cls.__mro__)


def _described(name, shape, default):
    described = {"name": kebab(name), "typ": shape.typ, "is_json": shape.is_json}
    if default is not inspect.Parameter.empty:
        # Of what is any JSON, the value: it becomes text as one that a caller gives does.
        described["default"] = plain(default) if shape.is_json else shape.write(default)
    return described


def _collected(value):
    """Return what a call gives when it has run to its end: of coroutines, and of generators as a list."""
    if inspect.iscoroutine(value):
        return run(value)
    if inspect.isgenerator(value):
        return list(value)
    if inspect.isasyncgen(value):

        async def collect():
            return [item async for item in value]

        return run(collect())
    return value


class _told:
    """Turns exceptions of the program into failures with its own lines."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or isinstance(error, Failure):
            return False
        if isinstance(error, NotExportable):
            raise Failure("raised", str(error)) from None
        told = traceback.TracebackException(kind, error, trace)
        _keep_own_lines(told)
        raise Failure("raised", "".join(told.format()).rstrip("\n")) from None


def _is_own(filename):
    return filename.startswith("<") and not filename.startswith(("<stdlib>", "<frozen "))


def _keep_own_lines(told):
    """Leave the lines of the program out of a traceback, and of those that led to it, that are not its own."""
    while told is not None:
        told.stack[:] = [frame for frame in told.stack if _is_own(frame.filename)]
        for inner in told.exceptions or ():
            _keep_own_lines(inner)
        told = told.__cause__ or told.__context__


# Memory.


class _Absent:
    """Stands for an object of a class that the program does not have any more."""

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        pass


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except (AttributeError, ImportError):
            return _Absent


def _has_absent(value):
    """Is there an object of a class that is gone in a value, as far as one can see?"""
    seen = set()

    def has(value):
        if id(value) in seen:
            return False
        seen.add(id(value))
        if isinstance(value, _Absent):
            return True
        if isinstance(value, dict):
            return any(has(k) or has(v) for k, v in value.items())
        if isinstance(value, list | tuple | set | frozenset):
            return any(map(has, value))
        return any(map(has, _attributes(value).values()))

    return has(value)


def _unpicklable(value):
    """Return why a value cannot be kept; None where it can."""
    try:
        pickle.dumps(value)
    except Exception as error:
        return f"a {type(value).__name__} cannot be kept ({error})"
    return None


def _attributes(object):
    found = dict(getattr(object, "__dict__", {}))
    for cls in type(object).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(object, name):
                found[name] = getattr(object, name)
    return found


def _migrate(object, attributes):
    """Give an object what one of an earlier version held; it may see to that itself, in `__migrate__(self, old)`."""
    if hasattr(object, "__migrate__"):
        object.__migrate__(attributes)
        return
    for name, value in attributes.items():
        setattr(object, name, value)


def load(text):
    """Return the program of a JSON text: `source`, `name`."""
    given = json.loads(text)
    return Program(given["source"], given.get("name", MODULE))
