"""The engine and the image are those of the targets' tests."""

from __future__ import annotations

from tests.targets.conftest import engine, image

__all__ = ["engine", "image"]
