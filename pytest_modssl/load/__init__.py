"""A bounded load on a server of ours: many connections at once over the real TLS client, and what came of them."""

from __future__ import annotations

from pytest_modssl.load.generate import load
from pytest_modssl.load.report import Latency, LoadComparison, LoadReport

__all__ = ["Latency", "LoadComparison", "LoadReport", "load"]
