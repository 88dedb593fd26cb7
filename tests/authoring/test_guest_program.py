import asyncio
import io
import json
import random
import time

import pytest

from tests.authoring.guest import guest

program, streams, loop = guest("program"), guest("streams"), guest("loop")

COUNTER = '''
import asyncio
from dataclasses import dataclass

LIMIT = 100

@dataclass
class Step:
    by: int

class Helper:
    def __init__(self, needs_this): pass

class Counter:
    """Counts."""
    def __init__(self):
        self.total, self.steps = 0, []
    def add(self, by: int = 1) -> int:
        """Add to the total."""
        self.total += by
        self.steps.append(Step(by))
        return self.total
    @property
    def last(self) -> Step: return self.steps[-1]
    @staticmethod
    def twice(n: int) -> int: return 2 * n
    def squares(self, n: int):
        for i in range(n): yield i * i
    async def slow(self) -> list[int]:
        async def one(n):
            await asyncio.sleep(0.001 * n)
            return n
        return list(await asyncio.gather(one(2), one(1)))
    def boom(self): return 1 / 0
    def wrong(self) -> int: return "text"
    def _private(self): pass

def free(text: str, options=None): return {"text": text, "options": options}
'''


@pytest.fixture
def counter():
    return program.Program(COUNTER, "shop")


def names(made):
    return {f["name"].rpartition("/")[2] for f in made.description}


def test_methods_and_functions_are_exported(counter):
    assert names(counter) == {
        f"counter.{{{name}}}" for name in ("add", "last", "twice", "squares", "slow", "boom", "wrong")
    } | {"api.{free}"}
    (add,) = [f for f in counter.description if f["name"] == "nb:shop/counter.{add}"]
    assert add == {
        "name": "nb:shop/counter.{add}",
        "parameters": [{"name": "by", "typ": {"type": "S64"}, "is_json": False, "default": 1}],
        "result": {"type": "S64"},
        "is_dynamic": False,
        "docs": "Add to the total.",
    }


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        ("counter.{add}", [5], 5),
        ("counter.{twice}", [4], 8),
        ("counter.{squares}", [3], {"typ": {"type": "List", "inner": {"type": "S64"}}, "value": [0, 1, 4]}),
        ("counter.{slow}", [], [2, 1]),
        ("api.{free}", ["a", "[1]"], {"typ": {"type": "Str"}, "value": '{"text": "a", "options": [1]}'}),
    ],
)
def test_functions_are_called(counter, function, arguments, result):
    assert counter.call(f"nb:shop/{function}", arguments) == result


def test_an_object_keeps_its_state(counter):
    assert [counter.call("nb:shop/counter.{add}", [n]) for n in (1, 2)] == [1, 3]
    assert counter.call("nb:shop/counter.{last}", []) == {"by": 2}


@pytest.mark.parametrize(
    ("function", "line", "last"),
    [("boom", "def boom(self): return 1 / 0", "ZeroDivisionError: division by zero"), ("wrong", "", "TypeError: ")],
)
def test_an_exception_shows_the_programs_own_lines(counter, function, line, last):
    with pytest.raises(program.Failure) as caught:
        counter.call(f"nb:shop/counter.{{{function}}}", [])

    assert caught.value.kind == "raised"
    assert line in caught.value.message
    assert "program.py" not in caught.value.message
    assert caught.value.message.splitlines()[-1].startswith(last)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class A:\n  def f(self:\n", "line 2"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("x = 1", "the cell exports nothing"),
        ("def f(*values): pass", r"takes \*values"),
        ("def grösse(): pass", "cannot be exported"),
        ("1 / 0", 'File "<cell>", line 1'),
        (
            "class A:\n  __golem_worker__ = True\n  def __init__(self, x): pass\n  def f(self): pass",
            "takes arguments that nobody",
        ),
    ],
)
def test_what_is_no_program_is_refused_with_the_reason(source, words):
    with pytest.raises(program.Failure, match=words):
        program.Program(source)


def test_a_marked_class_is_the_only_one():
    made = program.Program("class A:\n  def f(self): pass\nclass B:\n  __golem_worker__ = True\n  def g(self): pass")

    assert names(made) == {"b.{g}"}


# Memory.


def test_state_is_carried_over(counter):
    counter.call("nb:shop/counter.{add}", [5])
    random.seed(3)
    saved, drawn = counter.save(), random.random()
    later = program.Program(COUNTER.replace("self.total += by", "self.total += 10 * by"), "shop")

    assert later.restore(saved) == []
    assert random.random() == drawn
    assert later.call("nb:shop/counter.{last}", []) == {"by": 5}
    assert later.call("nb:shop/counter.{add}", [1]) == 15


def test_what_cannot_be_kept_is_told(counter):
    counter.objects["counter"].hook = lambda: 1

    saved = counter.save()
    (lost,) = program.Program(COUNTER, "shop").restore(saved)
    assert lost.startswith("counter.hook: a function cannot be kept")


def test_values_of_classes_that_are_gone_are_told(counter):
    counter.call("nb:shop/counter.{add}", [5])
    saved = counter.save()
    later = program.Program(COUNTER.replace("Step", "Change"), "shop")

    assert later.restore(saved) == ["counter.steps: the class of its value is gone"]
    assert later.call("nb:shop/counter.{add}", [1]) == 6


def test_a_class_that_is_gone_is_told(counter):
    saved = counter.save()

    assert program.Program("def f(): pass", "shop").restore(saved) == ["counter: there is no such class any more"]


def test_a_program_may_see_to_its_memory_itself(counter):
    counter.call("nb:shop/counter.{add}", [5])
    saved = counter.save()
    hook = "    def __migrate__(self, old): self.total = old['total'] + 1000\n"
    later = program.Program(COUNTER.replace('    """Counts."""\n', f'    """Counts."""\n{hook}'), "shop")

    assert later.restore(saved) == []
    assert later.call("nb:shop/counter.{add}", [1]) == 1006


def test_a_program_is_read_from_json():
    made = program.load(json.dumps({"source": "def f() -> int: return 4", "name": "x"}))

    assert made.call("nb:x/api.{f}", []) == 4


# Streams and the loop.


class Raw(io.StringIO):
    def __init__(self):
        super().__init__()
        self.writes = []

    def write(self, text):
        self.writes.append(text)


def test_output_goes_out_line_by_line():
    raw = Raw()
    lines = streams.Lines(raw)
    print("a", 1, "b", file=lines)
    print("half", end="", file=lines)

    assert raw.writes == ["a 1 b\n"]
    print(" and\nmore", end="", file=lines)
    assert raw.writes == ["a 1 b\n", "half and\n"]
    lines.flush()
    assert raw.writes == ["a 1 b\n", "half and\n", "more"]


def test_only_text_is_written():
    with pytest.raises(TypeError, match="must be str, not bytes"):
        streams.Lines(Raw()).write(b"x")


def test_coroutines_take_turns_and_read_the_clock_once_for_each_sleep(monkeypatch):
    now, readings = [100.0], []

    def monotonic():
        readings.append(now[0])
        return now[0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", monotonic)
    monkeypatch.setattr(time, "sleep", sleep)
    order = []

    async def step(name, pauses):
        for pause in pauses:
            await asyncio.sleep(pause)
            order.append(name)

    async def both():
        await asyncio.gather(step("a", [3, 3]), step("b", [2, 2]))

    loop.run(both())
    assert order == ["b", "a", "b", "a"]
    assert readings == [100, 102, 103, 104, 106]


def test_waiting_for_nobody_is_an_error():
    async def for_ever():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="would never end"):
        loop.run(for_ever())


def test_a_result_is_returned_or_raised():
    made = program.Program(
        "from results import Err, Ok, Result\n"
        "def half(n: int) -> Result[int, str]:\n"
        "    if n % 2: raise Err('odd')\n"
        "    return Ok(n // 2) if n else 0\n"
        "def other(): raise Err('no result')\n"
    )

    halves = [made.call("nb:worker/api.{half}", [n]) for n in (4, 3, 0)]

    assert halves == [{"ok": 2}, {"err": "odd"}, {"ok": 0}]
    with pytest.raises(program.Failure, match="no result"):
        made.call("nb:worker/api.{other}", [])


def test_a_function_that_gives_nothing_says_so():
    made = program.Program(
        "def nothing(n):\n"
        "    def inner(): return n\n"
        "    return\n"
        "def some(n):\n"
        "    if n: return n\n"
        "def each():\n"
        "    yield 1\n"
    )

    assert {f["name"].rpartition("{")[2]: f["is_dynamic"] for f in made.description} == {
        "nothing}": False,
        "some}": True,
        "each}": True,
    }


def test_a_method_may_be_called_as_a_type_is():
    made = program.Program("class Shelf:\n    def list(self) -> list[int]: return [1]\n")

    assert made.description[0]["result"] == {"type": "List", "inner": {"type": "S64"}}


def test_a_default_of_any_json_is_the_value():
    made = program.Program("def f(options={'a': 1}, n: int = 2): return options")

    assert [p["default"] for p in made.description[0]["parameters"]] == [{"a": 1}, 2]


def test_the_text_of_a_result_without_a_type_can_be_had():
    made = program.Program("def f(x): return {'x': x}")

    assert made.call("nb:worker/api.{f}", ["[1]"], with_text=True)["text"] == '{"x": [1]}'


def test_parameters_by_name_only_are_given_by_name():
    made = program.Program("def f(a: int, b: int = 2, *, c: int, d: int = 4) -> list[int]: return [a, b, c, d]", "x")

    assert made.call("nb:x/api.{f}", [1, 20, 3, 40]) == [1, 20, 3, 40]


def test_who_reads_standard_input_hears_what_to_do_instead(monkeypatch):
    monkeypatch.setattr("sys.stdin", streams.NoInput())
    source = "import sys\ndef ask() -> str: return input()\ndef all() -> str: return sys.stdin.read()"
    made = program.Program(source, "x")

    for function in ("ask", "all"):
        with pytest.raises(program.Failure, match="no standard input: give the function a parameter"):
            made.call(f"nb:x/api.{{{function}}}", [])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(): pass\ndef f_(): pass", "f and f_ are both called f from outside: rename one"),
        ("class A:\n  def a_b(self): pass\n  def aB(self): pass", "a_b and aB are both called a-b"),
    ],
)
def test_two_names_that_are_one_outside_are_refused(source, words):
    with pytest.raises(program.Failure, match=words):
        program.Program(source, "x")


def test_two_parameters_that_are_one_outside_are_refused():
    with pytest.raises(program.Failure, match=r"the parameters a_b and aB of f\(\) are one from outside: rename one"):
        program.Program("def f(a_b, aB): pass", "x")
