"""How long it takes from a changed cell to its first answer, beside importing the same module in a fresh interpreter.

    python -m tests.bench.cells [ROUNDS]

Both do the same: take the source in, make an object of its class, and ask it once. The cell's worker is new each time,
and its engine a process of its own that has the runtime of Python workers ready.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from IPython.testing.globalipapp import start_ipython

CELL = """
import dataclasses, datetime, json, random

@dataclasses.dataclass
class Item:
    name: str
    price: float

class Cart:
    def __init__(self):
        self.items: list[Item] = []
        self.number = random.randrange(100)

    def add(self, name: str, price: float) -> int:
        self.items.append(Item(name, price))
        return len(self.items)

VERSION = {version}
"""
ROUNDS, WARM_UP = 30, 3


def main(rounds):
    shell = start_ipython()
    shell.run_line_magic("load_ext", "golem_nb")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shell.run_line_magic("golem", f"local --dir {folder / 'data'}")
        cells, natives = [], []
        for n in range(-WARM_UP, rounds):
            (folder / "cart.py").write_text(CELL.replace("{version}", str(n)))
            cells.append(_timed(lambda n=n: _ask_cell(shell, n)))
            natives.append(_timed(lambda: _ask_native(folder)))
        shell.run_line_magic("golem", "stop")
    cell, native = (statistics.median(found[WARM_UP:]) * 1e3 for found in (cells, natives))
    print(f"changed cell to first answer: {cell:.1f} ms (median of {rounds})")
    print(f"the same module, natively:    {native:.1f} ms")
    print(f"ratio: {cell / native:.2f}")


def _timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _ask_cell(shell, n):
    shell.run_cell_magic("golem_deploy", "cart -q", CELL.replace("{version}", str(n)))
    shell.run_line_magic("golem_invoke", f"cart/w{n + WARM_UP} add('a', 1.5) -q -o answer")
    assert shell.user_ns["answer"] == 1


def _ask_native(folder):
    program = "import cart; print(cart.Cart().add('a', 1.5))"
    done = subprocess.run([sys.executable, "-B", "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
