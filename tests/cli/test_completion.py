"""Completion of the command line, asked for by the Tab key in real shells, as docs/command-line.md switches it on."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.cli import main
from pytest_modssl.wait import until
from tests.cli.answers import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

# How each is started without anybody's settings, and what has to be done first.
_SHELLS = {
    "bash": (["--noprofile", "--norc", "-i"], ""),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -D"),
    "fish": (["--no-config", "-i"], ""),
}
# What leads a session and opens a terminal has it as its own (tty_ioctl(4)): fish will not run without.
_AT_TERMINAL = 'exec <>"$(tty)" && exec "$@"'
_TYPED = {
    "serve --sample mus": "museum",
    "faq intermediate-m": "intermediate-missing",
    "scan --pol": "--policy",
    "init --target debian:tri": "debian:trixie",
}


class Shell:
    """A shell at a terminal."""

    def __init__(self, name: str, arguments: list[str], home: Path) -> None:
        self.terminal, inner = pty.openpty()
        os.set_blocking(self.terminal, False)
        self.said = ""
        self.process = subprocess.Popen(
            ["sh", "-c", _AT_TERMINAL, "sh", name, *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(home),
                "TERM": "vt100",
                "COLUMNS": "200",
            },
        )
        os.close(inner)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def words(self, number: int) -> list[str]:
        """The words that the line typed so far has, once it is shown as an answer."""
        self.said = ""
        self.type("\x01printf 'word<%s>\\n' \r")  # Ctrl-A: to the begin of the line
        return until(lambda: self._found(number), seconds=30, what=f"{number} words that are completed")

    def _found(self, number: int) -> list[str] | None:
        with contextlib.suppress(BlockingIOError):
            self.said += os.read(self.terminal, 65536).decode(errors="replace")
        found = re.findall(r"[\r\n\0]word<(.*?)>\r", self.said)
        return found if len(found) >= number else None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


@pytest.fixture(params=_SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    name = str(request.param)
    if name != "bash" and shutil.which(name) is None:
        pytest.skip(f"no {name} on this machine")
    arguments, before = _SHELLS[name]
    lines = re.findall(r"^    (.*register-python-argcomplete.*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    (line,) = (one for one in lines if ("fish" in one) == (name == "fish"))
    made = Shell(name, arguments, tmp_path)
    try:
        made.type(f"{before}\r{line}\rready")
        made.words(1)
        yield made
    finally:
        made.end()


def test_what_is_begun_is_completed(shell: Shell) -> None:
    completed = {}
    for typed in _TYPED:
        shell.type(f"pytest-modssl {typed}\t")
        completed[typed] = shell.words(1 + len(typed.split()))[-1]
    assert completed == _TYPED


def test_without_the_extra_nothing_is_completed_and_nothing_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capfd.readouterr().out == ""
