"""The peer as harnesses of httpd are written today: `httpd -k`, as apachectl runs it, and curl that asks every 100 ms.

So do curl's tests/http/testenv and httpd's own test/pyhttpd. Two things are done better here than there: the next
certificate is awaited, not any answer, and the end of httpd itself, not a curl that fails.
With nothing but the standard library, as a suite takes a copy of it.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_POLL = 0.1
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Httpd:
    """A server by its folder.

    Args:
        binary: httpd.
        folder: with all of its files; `httpd.conf` and `logs/httpd.pid` among them.
        address: that it listens on, and the port.
        ca: file of the root that clients trust.
    """

    binary: str
    folder: Path
    address: tuple[str, int]
    ca: Path

    def start(self, name: str) -> None:
        """Returns when the virtual host answers."""
        self._control("start")
        _until(lambda: self.answers(name))

    def reload(self, name: str, pin: str) -> None:
        """Returns when the virtual host answers with the key of this pin."""
        self._control("graceful")
        _until(lambda: self.answers(name, "--pinnedpubkey", pin))

    def stop(self) -> None:
        """Returns when httpd has removed its PidFile, the last that it does before it exits."""
        self._control("stop")
        _until(lambda: not (self.folder / "logs/httpd.pid").exists())

    def answers(self, name: str, *options: str) -> bool:
        """Whether curl, with such options, gets an answer that it trusts."""
        return self.curl(f"https://{name}/", *options).returncode == 0

    def curl(self, url: str, *options: str) -> subprocess.CompletedProcess[str]:
        """What curl said that asked for the URL."""
        host, port = self.address
        command = ["curl", "-sS", "--max-time", "5", "--cacert", str(self.ca), "--connect-to", f"::{host}:{port}"]
        return subprocess.run([*command, *options, url], capture_output=True, text=True, check=False)

    def _control(self, action: str) -> None:
        main = self.folder / "httpd.conf"
        subprocess.run([self.binary, "-d", str(self.folder), "-f", str(main), "-k", action], check=True)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL)
