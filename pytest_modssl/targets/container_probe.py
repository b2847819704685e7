"""What the httpd of an image is: asked in a container once per image, then remembered on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.errors import EngineError, HttpdNotFoundError
from pytest_modssl.httpd.installation import CANDIDATES, probe_installation
from pytest_modssl.targets.engine_errors import ADVICE, engine_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.runner import Runner
    from pytest_modssl.targets.container import Container
    from pytest_modssl.targets.engine import Engine

_FIND = 'for name; do path=$(command -v "$name") && { printf "%s" "$path"; exit; }; done; exit 1'

# From here on a status tells that the command was cut short, or not run at all: by `timeout`, the engine or a signal.
# The next time it may be otherwise.
_NOT_RUN = 124
# Reasons of errors that an image may bring about that is for another machine.
_DOES_NOT_RUN = frozenset({"architecture", "container", "shell"})


def probe_image(engine: Engine, image: str, folder: Path, container: Callable[[], Container]) -> Installation:
    """The httpd of an image, wherever in it that is.

    Args:
        engine: where the image is.
        image: its id or tag.
        folder: where answers of earlier runs are kept, by the image's id; they are asked for anew when they are not.
        container: gives a running container of the image, when one is needed.

    Raises:
        HttpdNotFoundError: when the image has no httpd.
        EngineError: when the engine cannot run it.
    """
    with engine_errors(f"look at image {image}"):
        details = engine.client.images.get(image).attrs
    run = runner(container)
    remembered = _Remembered(run, folder / f"image-{details['Id'].rpartition(':')[2][:16]}.json")
    try:
        found = remembered(["sh", "-c", _FIND, "find", *CANDIDATES])
    except EngineError as error:
        # One for another machine may be run by an emulation; where it is not, all that is seen is that it does not run.
        made_for = details["Architecture"]
        if error.reason in _DOES_NOT_RUN and made_for != engine.architecture:
            raise EngineError(
                f"cannot run image {image}: it is for {made_for}, and the engine's machine is {engine.architecture}. "
                f"What to do: {ADVICE['architecture']}.",
                reason="architecture",
            ) from error
        raise
    if found.returncode > 1:
        raise EngineError(
            f"cannot look for httpd in image {image}: exit status {found.returncode}, {found.stdout}{found.stderr}. "
            f"What to do: {ADVICE['container']}.",
            reason="container",
        )
    if found.returncode != 0:
        raise HttpdNotFoundError(
            f"image {image} has no httpd: looked for {', '.join(CANDIDATES)}. What to do: name an image that has httpd "
            "and mod_ssl, or take the default by --modssl-target docker"
        )
    return probe_installation(Path(found.stdout), run=remembered)


def runner(container: Callable[[], Container]) -> Runner:
    """Runs commands in a container; see `Runner`. The engine ends what does not end by itself with the container."""

    def run(
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        account: tuple[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        limited = ["timeout", "-k", "1", f"{timeout:g}", *argv]
        status, out, err = container().run(limited, dict(env or {}), user=":".join(account or ("0",)))
        return subprocess.CompletedProcess(
            list(argv), status, out.decode(errors="backslashreplace"), err.decode(errors="backslashreplace")
        )

    return run


class _Remembered:
    """A runner whose answers are kept in a file; for commands that always answer the same in one image."""

    def __init__(self, run: Runner, file: Path) -> None:
        self._run = run
        self._file = file

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        account: tuple[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        key = hashlib.sha256(json.dumps([list(argv), dict(env or {}), account]).encode()).hexdigest()
        answers = self._read()
        if key not in answers:
            ran = self._run(argv, env=env, timeout=timeout, account=account)
            if ran.returncode >= _NOT_RUN:
                return ran
            answers[key] = (ran.returncode, ran.stdout, ran.stderr)
            self._write(answers)
        status, out, err = answers[key]
        return subprocess.CompletedProcess(list(argv), status, out, err)

    def _read(self) -> dict[str, tuple[int, str, str]]:
        try:
            found = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, answers: dict[str, tuple[int, str, str]]) -> None:
        # Whole or not at all: workers read it while another writes.
        half = self._file.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(answers))
        half.replace(self._file)
