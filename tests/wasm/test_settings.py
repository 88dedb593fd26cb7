import wasmtime

from golem_nb.wasm import settings


def test_an_engine_can_be_made_and_made_again():
    assert isinstance(settings.make_engine(), wasmtime.Engine)
    assert isinstance(settings.make_engine(), wasmtime.Engine)


def test_the_fingerprint_changes_with_what_code_depends_on(monkeypatch):
    before = settings.fingerprint()
    assert settings.fingerprint() == before

    monkeypatch.setattr(settings, "CONFIGURATION", "another")

    assert settings.fingerprint() != before
