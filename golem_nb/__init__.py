"""Durable workers in a notebook: deploy, invoke, crash, recover, and read their oplogs."""

from __future__ import annotations

__version__ = "0.1.0"
