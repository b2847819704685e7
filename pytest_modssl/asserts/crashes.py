"""That no child of httpd crashed; and that one which did left a core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import require
from pytest_modssl.errors import Mismatch
from pytest_modssl.httpd.crashes import CRASHES

if TYPE_CHECKING:
    from pytest_modssl.httpd.crashes import Crash
    from pytest_modssl.targets.server import Server


def assert_no_crash(server: Server) -> None:
    """Returns when no child of httpd was ended by a signal since the test began, also when each request had its answer.

    At the end of every test this is looked at anyhow; an assertion tells after which step it was.

    Args:
        server: the server to look at.

    Raises:
        ModsslAssertionError: with each crash, its signal, and its backtrace where there is a core.
    """
    __tracebackhide__ = True
    server.instance.settle()
    crashes = server.crashes()
    mismatches = [Mismatch(_name(one), "to live", f"ended by {one.signal}") for one in crashes]
    require(server, "children of httpd", mismatches, seen=crashes)


def assert_core_dumped(server: Server) -> tuple[Crash, ...]:
    """The crashes since the test began, of which there is one at least, each with its core.

    They are expected by that and do not fail the test. Where there is gdb, each has its backtrace.

    Args:
        server: the server to look at, with `CoreDumpDirectory` or `--modssl-backtrace core`.

    Raises:
        ModsslAssertionError: when there was no crash, or one left no core, with what is in its way.
    """
    __tracebackhide__ = True
    server.instance.settle()
    server.log.expect(*CRASHES)
    crashes = server.crashes()
    mismatches = [Mismatch(f"core of {_name(one)}", "one", "none") for one in crashes if not one.core]
    if not crashes:
        mismatches = [Mismatch("children of httpd", "one that crashed", "none that did")]
    require(server, "cores of crashed children", mismatches, seen=crashes)
    return crashes


def _name(crash: Crash) -> str:
    return "httpd" if crash.pid is None else f"child {crash.pid}"
