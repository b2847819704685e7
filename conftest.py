"""The project's own test session."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ("pytester",)

# Examples are kept nowhere: who runs the suite may not be allowed to write into the checkout. No single example has a
# time limit, which a busy machine would miss: each test has one (pytest-timeout).
settings.register_profile("modssl", settings(database=None, deadline=None))
settings.load_profile("modssl")
