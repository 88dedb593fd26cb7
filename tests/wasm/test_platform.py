from golem_nb.wasm.platform import Platform
from golem_nb.wasm.text import wasm_from_text


def test_the_raw_codec_passes_its_examination_here(tmp_path):
    assert Platform(tmp_path).backend.name == "raw"


def test_a_codec_that_fails_its_examination_is_replaced_loudly(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("golem_nb.wasm.abi.fault", lambda backend, engine: "u8 came back as 5")

    platform = Platform(tmp_path)

    assert platform.backend.name == "stock"
    assert "u8 came back as 5" in caplog.text


def test_a_component_runs_over_the_stock_codec_too(tmp_path, monkeypatch):
    monkeypatch.setattr("golem_nb.wasm.abi.fault", lambda backend, engine: "broken")

    assert Platform(tmp_path).link(wasm_from_text("(component)")).backend.name == "stock"
