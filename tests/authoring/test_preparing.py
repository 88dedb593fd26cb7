from golem_nb.authoring import preparing


def test_steps_are_told_in_order_and_what_is_ready_is_known(monkeypatch, tmp_path):
    runtime = tmp_path / "python-1.wasm"
    runtime.write_bytes(b"wasm")
    done = []
    monkeypatch.setattr(preparing, "cached_runtime", lambda: runtime)
    monkeypatch.setattr(preparing, "built_runtime", lambda: done.append("built") or runtime)
    monkeypatch.setattr(preparing, "compile_ahead", lambda wasm, folder: done.append(wasm))
    assert not preparing.is_prepared()

    assert preparing.prepare(done.append) == runtime

    assert done == ["building it from its sources", "built", "compiling it for this machine", b"wasm"]
    assert preparing.is_prepared()


def test_what_another_wasmtime_compiled_is_not_ready(monkeypatch, tmp_path):
    runtime = tmp_path / "python-1.wasm"
    runtime.with_suffix(".of-another").touch()
    monkeypatch.setattr(preparing, "cached_runtime", lambda: runtime)

    assert not preparing.is_prepared()


def test_without_a_runtime_nothing_is_ready(monkeypatch):
    monkeypatch.setattr(preparing, "cached_runtime", lambda: None)

    assert not preparing.is_prepared()


def test_javascripts_runtime_is_built_and_compiled(monkeypatch, tmp_path):
    runtime = tmp_path / "javascript-1.wasm"
    runtime.write_bytes(b"wasm")
    done = []
    monkeypatch.setattr(preparing, "built_javascript_runtime", lambda: done.append("built") or runtime)
    monkeypatch.setattr(preparing, "compile_ahead", lambda wasm, folder: done.append(wasm))

    assert preparing.prepare_javascript(done.append) == runtime
    assert done == ["building it from its sources", "built", "compiling it for this machine", b"wasm"]
