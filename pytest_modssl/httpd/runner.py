"""How a command is run where an httpd is: on this machine here, inside a container by an object of the same shape."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Runner(Protocol):
    """Runs one command to its end, with no terminal and nothing on its standard input."""

    def __call__(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = ..., timeout: float = ...
    ) -> subprocess.CompletedProcess[str]:
        """Its output, error output and exit status, whatever they are.

        Args:
            argv: program and arguments; no shell reads them.
            env: variables beside those of the place where it runs.
            timeout: seconds after which the command and all that it started are killed; the status is 124 then.
        """
        ...


def run_here(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 10.0
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
            env={**os.environ, **env} if env else None,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
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
