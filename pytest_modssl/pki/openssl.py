"""The `openssl` program, asked for what only it can say: how it prints a key, a certificate or a request."""

from __future__ import annotations

import subprocess
from typing import Final

from pytest_modssl.environment import environment
from pytest_modssl.errors import PkiError

# Generous: printing takes 5 ms; only a program that hangs or a machine that starves gets this far.
_DEADLINE: Final = 30.0


def openssl(*arguments: str, stdin: bytes = b"") -> str:
    """What `openssl ARGUMENTS` prints to its standard output.

    Args:
        arguments: the words after `openssl`; secrets go by `stdin`, never here.
        stdin: what the program reads.

    Raises:
        PkiError: when the program is missing, fails, or does not end within 30 seconds.
    """
    command = ["openssl", *arguments]
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command, env=environment("OPENSSL_*"), input=stdin, capture_output=True, check=False, timeout=_DEADLINE
        )
    except FileNotFoundError:
        raise PkiError(
            f"`{shown}` cannot run: there is no program openssl on PATH. Install the package openssl."
        ) from None
    except subprocess.TimeoutExpired:
        raise PkiError(f"`{shown}` did not end within {_DEADLINE:.0f} seconds.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise PkiError(f"`{shown}` ended with exit status {done.returncode} and said: {said}")
    return done.stdout.decode(errors="replace")
