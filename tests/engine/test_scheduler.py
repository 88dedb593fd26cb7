import threading

import pytest

from golem_nb.engine.scheduler import STACK_BYTES, Slots, Threads, Timers, run_on_large_stack, start_thread


def test_wasm_has_a_thread_of_its_own_whose_outcome_comes_back():
    assert run_on_large_stack(threading.current_thread).name == "wasm"
    with pytest.raises(ZeroDivisionError):
        run_on_large_stack(lambda: 1 / 0)


def test_at_most_so_many_run_at_once():
    slots, running, most, lock = Slots(3), [0], [0], threading.Lock()

    def work():
        with slots.taken():
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            threading.Event().wait(0.01)
            with lock:
                running[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most[0] == 3


def test_one_that_waits_lets_another_run():
    slots, other_ran = Slots(1), threading.Event()

    def other():
        with slots.taken():
            other_ran.set()

    with slots.taken():
        thread = threading.Thread(target=other)
        thread.start()
        assert not other_ran.wait(0.05)
        with slots.given_back():
            assert other_ran.wait(5)
    thread.join()


def test_slots_in_use_are_counted_and_told_of():
    told = []
    slots = Slots(2, lambda: told.append(slots.in_use))

    with slots.taken():
        with slots.given_back():
            assert slots.in_use == 0
        assert slots.in_use == 1

    assert (slots.in_use, told) == (0, [1, 1])


def test_threads_are_used_again_and_there_are_enough_of_them():
    threads, names, together = Threads("t"), set(), threading.Barrier(5)
    done = threading.Semaphore(0)

    def meet():
        together.wait(5)
        names.add(threading.current_thread().name)
        done.release()

    for _ in range(3):
        for _ in range(5):
            threads.run(meet)
        for _ in range(5):
            assert done.acquire(timeout=5)
        while threads._waiting < 5:
            threading.Event().wait(0.001)

    assert len(names) == 5


def test_threads_for_wasm_have_a_stack_of_their_own_size():
    before = threading.stack_size()
    start_thread("t", lambda: None).join()

    assert threading.stack_size() == before
    assert STACK_BYTES >= 1 << 20


def test_timers_call_at_their_time_in_order():
    now, called, done = [0], [], threading.Event()
    timers = Timers(lambda: now[0])
    timers.call_at(300, lambda: (called.append("c"), done.set()))
    timers.call_at(100, lambda: called.append("a"))
    timers.call_at(200, lambda: called.append("b"))
    assert timers.next_due_ns() == 100
    assert called == []

    now[0] = 300
    timers.call_at(250, lambda: called.append("between"))

    assert done.wait(5)
    assert called == ["a", "b", "between", "c"]
    assert timers.next_due_ns() is None
    timers.close()
