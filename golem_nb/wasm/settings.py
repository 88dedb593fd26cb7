"""The one wasmtime configuration: deterministic, interruptible, and cheap for thousands of instances."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

from wasmtime import Config, Engine
from wasmtime import _ffi as ffi

# A change here makes the compiled code of another configuration unusable: it is part of the cache's key.
CONFIGURATION = "concurrency=0 epoch=1 signals=0 nan=1 relaxed-simd=1 guard=0 reservation=64M cow=1"


def make_engine() -> Engine:
    """Return a wasmtime engine. Sources: ENGINE 1 (S1), 2, 3, 4; ARCHITECTURE, decision 8."""
    config = Config()
    # With it on, a host function with two borrows traps; it serves only async components, which we refuse.
    ffi.wasmtime_config_concurrency_support_set(config.ptr(), False)
    config.epoch_interruption = True
    # Traps by signals would make `faulthandler` end the process where a guest reads out of bounds.
    config.signals_based_traps = False
    config.cranelift_nan_canonicalization = True
    config.wasm_relaxed_simd_deterministic = True
    config.memory_guard_size = 0  # fewer maps per instance: Linux allows 65,530 in a process
    config.memory_reservation = 64 << 20  # the default of 4 GiB meets `ulimit -v`
    config.memory_init_cow = True
    return Engine(config)


def fingerprint() -> str:
    """Return what compiled code depends on besides its source, as a short hash."""
    parts = (version("wasmtime"), CONFIGURATION, platform.machine(), platform.system())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
