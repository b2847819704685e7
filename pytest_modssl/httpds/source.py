"""httpd built on this machine from its sources, as any user, and kept.

A build is known by its name and a digest of what makes the outcome: the archives, the script, the flags, the compiler's
platform, the OpenSSL it is linked with and the optional libraries at hand. `2.4.69+1a2b3c4d` is how it is kept.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from functools import partial
from typing import TYPE_CHECKING, Final

from pytest_modssl import _data
from pytest_modssl.errors import FetchError, WaitTimeoutError
from pytest_modssl.httpds import store
from pytest_modssl.httpds.builds import build_of
from pytest_modssl.httpds.sources import fetch, is_kept
from pytest_modssl.httpds.toolchain import find_toolchain
from pytest_modssl.process import start
from pytest_modssl.progress import Step
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pytest_modssl.httpds.builds import Build
    from pytest_modssl.httpds.toolchain import Toolchain
    from pytest_modssl.progress import Say

_KIND: Final = "source"
# The slowest build that was seen, httpd on an OpenSSL of its own, took 1959 s, on two cores with a load of 15.
_BUILD_SECONDS: Final = 3600.0
_LAST_LINES: Final = 20
_STEP: Final = "== "
# White space, and what is special to make, sed or a shell.
_UNFIT: Final = re.compile(r"[^\w./@+,~-]", re.ASCII)


def get(
    name: str, *, say: Say, offline: bool = False, again: bool = False, mirrors: Sequence[str] = ()
) -> store.KeptHttpd:
    """An httpd from source, built when it is not there.

    On a machine that cannot build, the newest that was built by the same rules is taken: it may have come there by a
    cache of CI.

    Args:
        name: one of `builds.builds()`.
        say: told of each step that takes time; of nothing where it is there.
        offline: no archive may be fetched.
        again: build it also when it is there.
        mirrors: addresses of Debian mirrors to ask first.

    Raises:
        FetchError: when it cannot be had: what was tried, what came back, what to do.
        WaitTimeoutError: when another process that builds it does not end.
    """
    build = build_of(name)
    try:
        tools = find_toolchain(own_openssl=build.openssl is not None)
    except FetchError:
        kept = None if again else _newest(build)
        if kept is None:
            raise
        return kept
    choice = f"{build.name}{store.VARIANT}{_digest(build, tools)}"
    return store.get(
        _KIND,
        choice,
        partial(_make, build, tools, choice, mirrors=mirrors, say=say),
        say=say,
        offline=offline and not all(map(is_kept, build.archives)),
        again=again,
        seconds=_BUILD_SECONDS,
    )


def _newest(build: Build) -> store.KeptHttpd | None:
    kept = [one for one in store.kept_httpds() if one.kind == _KIND and one.parts.get("recipe") == build.digest]
    return max(kept, key=lambda one: one.made, default=None)


def _digest(build: Build, tools: Toolchain) -> str:
    openssl = "" if build.openssl is not None else tools.openssl
    told = repr((build.digest, tools.platform, openssl, [one.name for one in tools.without]))
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _make(build: Build, tools: Toolchain, choice: str, folder: Path, *, mirrors: Sequence[str], say: Say) -> store.Made:
    prefix = store.folder_of(_KIND, choice)
    unfit = _UNFIT.search(str(prefix))
    if unfit is not None:
        raise FetchError(
            f"httpd cannot be built for {prefix}: its makefiles do not bear {unfit[0]!r} in a path. What to do: set "
            "XDG_CACHE_HOME to another folder."
        )
    work = folder / "work"
    work.mkdir()
    for archive in build.archives:
        (work / archive.file).write_bytes(fetch(archive, say, mirrors=mirrors))
    log = prefix.with_name(f"{_KIND}-{build.name}.log")
    for part in tools.without:
        modules = " and ".join(f"mod_{module}" for module in part.modules)
        say(f"building without {modules}: {part.name} is missing ({part.debian} in Debian)")
    what = f"building httpd {build.name} from source"
    say(f"{what}, some minutes; its log is {log}")
    script = [str(_data.container("source/build.sh")), str(work), str(prefix), str(work / "root")]
    ended = _run(script, work, log, _environment(build, tools), lambda step: say(Step(f"{what}: {step}")))
    if ended is not None:
        raise FetchError(_failure(build, log, ended))
    for entry in (work / "root" / prefix.relative_to("/")).iterdir():
        entry.rename(folder / entry.name)
    shutil.rmtree(work)
    log.replace(folder / "build.log")
    return store.Made(
        layout=store.Layout(binary="bin/httpd"),
        parts={
            **{archive.file: archive.sha256 for archive in build.archives},
            "compiled for": tools.platform,
            "flags": build.flags,
            "recipe": build.digest,
        },
    )


def _environment(build: Build, tools: Toolchain) -> dict[str, str]:
    """All of it: what else may be set, such as CFLAGS, would make another httpd than the name says."""
    passed_on = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    built = {"CC": tools.compiler, "HTTPD_CPPFLAGS": build.flags, "JOBS": str(processors)}
    return {**passed_on, "LC_ALL": "C", **built}


def _run(
    script: Sequence[str], folder: Path, log: Path, environment: dict[str, str], told: Callable[[str], None]
) -> str | None:
    """Runs a script, which ends with this process, however that ends; how it failed, `None` where it did not."""
    logged = ["/bin/sh", "-c", 'exec /bin/sh "$@" >"$0" 2>&1', str(log)]
    process = start([*logged, *script], folder, environment=environment)
    steps = _steps(log)

    def ended() -> bool:
        over = process.exit_status is not None
        for step in iter(lambda: next(steps), None):
            told(step)
        return over

    try:
        until(ended, seconds=_BUILD_SECONDS, what="the build to end")
    except WaitTimeoutError:
        return f"did not end within {_BUILD_SECONDS:g} s"
    finally:
        process.kill()
    return f"ended with exit status {process.exit_status}" if process.exit_status else None


def _steps(log: Path) -> Iterator[str | None]:
    """The steps that a log tells, one after the other; `None` whenever there is no further one yet."""
    position = 0
    while True:
        if log.exists():
            with log.open("rb") as lines:
                lines.seek(position)
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    position += len(line)
                    text = line.decode("utf-8", "replace")
                    if text.startswith(_STEP):
                        yield text.removeprefix(_STEP).strip()
        yield None


def _failure(build: Build, log: Path, ended: str) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        lines = [str(error)]
    shown = "".join(f"\n    {line}" for line in lines[-_LAST_LINES:])
    return (
        f"the build of httpd {build.name} {ended}. What to do: see the first error in {log}; where the disk is full, "
        f"set XDG_CACHE_HOME to a folder on a larger one. Its last lines:{shown}"
    )
