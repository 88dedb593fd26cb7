from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest

from golem_nb.errors import ComponentExists, ComponentNotFound
from tests.store.conftest import COMPONENT, ENVIRONMENT, ROW


def test_a_version_comes_back_as_it_was_stored(components):
    assert components.latest(COMPONENT) == components.version(COMPONENT, 0) == components.by_name(ENVIRONMENT, "shop")
    assert components.latest(COMPONENT) == ROW


def test_versions_count_on(components):
    assert components.add_version(replace(ROW, sha256="def")).result(5) == 1

    assert components.latest(COMPONENT).sha256 == "def"
    assert components.version(COMPONENT, 0).sha256 == "abc"
    assert components.in_environment(ENVIRONMENT) == [components.latest(COMPONENT)]


def test_a_name_is_taken_once_in_an_environment(components):
    with pytest.raises(ComponentExists):
        components.create(replace(ROW, component_id=UUID(int=9))).result(5)
    components.create(replace(ROW, component_id=UUID(int=9), environment_id=UUID(int=3))).result(5)


def test_what_is_missing_is_named(components):
    with pytest.raises(ComponentNotFound, match="version 7"):
        components.version(COMPONENT, 7)
    with pytest.raises(ComponentNotFound):
        components.add_version(replace(ROW, component_id=UUID(int=9))).result(5)


def test_wasm_is_kept_by_its_hash_and_damage_is_found(components, tmp_path):
    sha256 = components.keep_wasm(b"wasm")
    assert components.wasm(sha256) == b"wasm"
    assert components.keep_wasm(b"wasm") == sha256

    (tmp_path / "wasm" / f"{sha256}.wasm").write_bytes(b"wasn")

    with pytest.raises(ComponentNotFound, match="damaged"):
        components.wasm(sha256)
    components.keep_wasm(b"wasm")
    assert components.wasm(sha256) == b"wasm"
    with pytest.raises(ComponentNotFound, match="missing"):
        components.wasm("0" * 64)


def test_many_keep_the_same_bytes_at_once(components, tmp_path):
    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            wasm = bytes([number]) * 60_000
            (sha256,) = set(threads.map(lambda _, wasm=wasm: components.keep_wasm(wasm), range(8)))
            assert components.wasm(sha256) == wasm
    assert not list((tmp_path / "wasm").glob("*.part"))


def test_a_full_disk_leaves_no_part_behind(components, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        components.keep_wasm(b"wasm")
    assert not list((tmp_path / "wasm").glob("*.part"))
