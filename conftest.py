"""The project's own test session."""

from __future__ import annotations

pytest_plugins = ("pytester",)
