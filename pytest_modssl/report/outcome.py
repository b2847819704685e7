"""What the servers have to say about a test: reasons to fail it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslError, WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.targets.log import Wanted
    from pytest_modssl.targets.server import Server

# An error that a test brings about is in the log when its connection is closed; this is for a slow machine.
_LATE_SECONDS = 1.0
# The decisive lines are few; a server that fails at each of a thousand requests repeats itself.
SHOWN_LINES = 40


class UnexpectedLogError(AssertionError, ModsslError):
    """A server logged an error during a test that did not expect it, or did not log one that it expected."""


def check_servers(servers: Sequence[Server], expected: Sequence[Wanted]) -> None:
    """Returns when no server logged an error, lost a child, or ended during the test.

    Args:
        servers: the servers that were running during the test.
        expected: what the test brought about on purpose (see `ServerLog.find`); each must have been logged.

    Raises:
        UnexpectedLogError: with every line that should not be there, and every one that should.
        ServerGoneError: when a server ended.
    """
    for server in servers:
        server.log.expect(*expected)
        server.end_test()
    used = [server for server in servers if server.used or server.log.records]
    missing = [wanted for wanted in expected if not _was_logged(used, wanted)]
    unexpected = [record for server in servers for record in server.log.unexpected()]
    if not missing and not unexpected:
        return
    lines = []
    if unexpected:
        lines += ["the server logged what this test did not expect:", *raw_lines(unexpected)]
        lines.append("if the test brings it about on purpose, say so: @pytest.mark.modssl(errors=[...])")
    lines += [f"the test expects {wanted!r} in the error log, but the server did not log it" for wanted in missing]
    raise UnexpectedLogError("\n".join(lines))


def check_teardown(crashes: Sequence[LogRecord]) -> None:
    """Returns when no server lost a child while a test was torn down.

    Args:
        crashes: see `Run.late_crashes`.

    Raises:
        UnexpectedLogError: with the lines that tell of it.
    """
    if crashes:
        raise UnexpectedLogError("\n".join(["children of httpd crashed during the teardown:", *raw_lines(crashes)]))


def _was_logged(servers: Sequence[Server], wanted: Wanted) -> bool:
    for server in servers:
        with contextlib.suppress(WaitTimeoutError):
            server.log.wait_for(wanted, timeout=_LATE_SECONDS)
            return True
    return False


def raw_lines(records: Sequence[LogRecord]) -> list[str]:
    """Records as they are shown: their lines, the first ones of many."""
    shown = [f"  {record.raw}" for record in records[:SHOWN_LINES]]
    return shown + ([f"  ... and {len(records) - SHOWN_LINES} more"] if len(records) > SHOWN_LINES else [])
