"""How pytest runs tests of ours of which there are thousands. A module of hooks, to be registered as a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Runs a test that has no fixtures as every test is run, and leaves out the report of its setup.

    Nothing happens in that. A report costs 0.2 ms, and twice that from one process to another, as much as many a test.
    """
    if not getattr(item, "modssl_no_setup", False):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _telling(runtestprotocol(item, log=False, nextitem=nextitem)):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _telling(reports: list[pytest.TestReport]) -> Iterator[pytest.TestReport]:
    yield from (one for one in reports if one.when != "setup" or not one.passed)
