"""How a command is run where an httpd is: on this machine here, inside a container by an object of the same shape."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import signal
import subprocess
from typing import TYPE_CHECKING, Any, Protocol

from pytest_modssl.environment import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Runner(Protocol):
    """Runs one command to its end, with no terminal and nothing on its standard input."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = ...,
        timeout: float = ...,
        account: tuple[str, str] | None = ...,
    ) -> subprocess.CompletedProcess[str]:
        """Its output, error output and exit status, whatever they are.

        Args:
            argv: program and arguments; no shell reads them.
            env: variables beside those of the place where it runs.
            timeout: seconds after which the command and all that it started are killed; the status is 124 then.
            account: user and group to run it as, names or numbers, where that may be chosen; `None` for the account of
                httpd's parent.
        """
        ...


def run_here(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = 10.0,
    account: tuple[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command on this machine; see `Runner`.

    A program that cannot be executed at all gives status 127 and the reason on `stderr`, as a shell would.
    """
    try:
        # A session of its own has no terminal that a pass phrase could be asked on, and is one group to kill.
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment(), **(env or {})},
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
            **_account(account),
        )
    except OSError as error:
        return subprocess.CompletedProcess(list(argv), 127, "", f"{argv[0]}: {error.strerror}")
    with process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return subprocess.CompletedProcess(
                list(argv), 124, out, f"{err}{argv[0]}: no end after {timeout:g} s, killed\n"
            )
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(list(argv), process.returncode, out, err)


def _account(account: tuple[str, str] | None) -> dict[str, Any]:
    """What makes Popen change to an account, with its further groups as httpd sets them (initgroups(3))."""
    if account is None:
        return {}
    user, group = (int(one) if one.isdigit() else one for one in account)
    with contextlib.suppress(KeyError):
        found = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
        number = group if isinstance(group, int) else grp.getgrnam(group).gr_gid
        return {"user": user, "group": group, "extra_groups": os.getgrouplist(found.pw_name, number)}
    return {"user": user, "group": group, "extra_groups": []}
