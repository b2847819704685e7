"""The project's own test session."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ("pytester",)

# Examples are kept nowhere: who runs the suite may not be allowed to write into the checkout.
settings.register_profile("modssl", settings(database=None))
settings.load_profile("modssl")
