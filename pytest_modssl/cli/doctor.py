"""`pytest-modssl doctor`: what this machine can do for tests, and what to install for the rest."""

from __future__ import annotations

import importlib.metadata
import shutil
import textwrap
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pytest_modssl.cli.declare import add_command, add_json
from pytest_modssl.cli.output import write, write_json
from pytest_modssl.errors import HttpdNotFoundError, ModsslError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_WIDTH = 110

# Programs, what they are for, and what brings them.
_PROGRAMS = (
    ("openssl", "repeats handshakes by hand (openssl s_client)", "Debian's openssl"),
    ("curl", "repeats requests by hand", "Debian's curl"),
    ("git", "compares the configuration with another revision (--modssl-base)", "Debian's git"),
    ("javac", "handshakes of a real JVM (jvm_handshake)", "a JDK: Debian's default-jdk-headless"),
    ("gdb", "backtraces of an httpd that crashes (--modssl-backtrace)", "Debian's gdb"),
    ("mmdebstrap", "base images where no registry of images answers", "Debian's mmdebstrap"),
    ("gpgv", "verifies Debian's packages where there is no apt", "Debian's gpgv"),
)
_EXTRAS = (
    ("pytest-xdist", "tests on several processors (-n)", "xdist"),
    ("pyyaml", "tables of URLs in YAML", "yaml"),
    ("tlslite-ng", "logins by TLS-SRP", "srp"),
    ("argcomplete", "completion of this command line in shells", "completion"),
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that this machine has or lacks.

    Attributes:
        what: "local", "docker", "gdb", ...
        kind: "target", "machine", "program" or "extra".
        ok: whether it is there.
        seen: what was found, or why it is not there.
        advice: what it is for and what brings it, where it is not there.
    """

    what: str
    kind: str
    ok: bool
    seen: str
    advice: str = ""


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "doctor",
        _doctor,
        short="tell what this machine can do, and what to install for the rest",
        description="Tells in which ways servers can run here, and which programs and extras of Python are there "
        "that some tests need.",
        examples={"doctor": ""},
        note="Nothing is fetched, built or started, but httpd to ask for its version.",
    )
    add_json(parser)


def _doctor(arguments: argparse.Namespace) -> int:
    findings = [*_targets(), *_machine(), *_programs(), *_extras()]
    if arguments.json:
        write_json([asdict(one) for one in findings])
    else:
        write(*_lines(findings))
    return 0 if any(one.ok for one in findings if one.kind == "target") else 1


def _lines(findings: list[Finding]) -> Iterator[str]:
    width = max(len(one.what) for one in findings)
    for one in findings:
        head = f"{'ok     ' if one.ok else 'missing'}  {one.what:{width}}  "
        indent = " " * len(head)
        for number, text in enumerate(filter(None, (one.seen, one.advice))):
            yield from textwrap.wrap(
                text,
                _WIDTH,
                initial_indent=indent if number else head,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )


def _targets() -> Iterator[Finding]:
    for name, look in (("local", _local), ("docker", _docker), ("debian", _debian)):
        try:
            yield Finding(what=name, kind="target", ok=True, seen=look())
        except ModsslError as error:
            yield Finding(what=name, kind="target", ok=False, seen=" ".join(str(error).split()))


def _local() -> str:
    from pytest_modssl.httpd.installation import find_httpd, probe_installation

    found = probe_installation(find_httpd())
    found.require({"ssl"})
    return f"httpd {found.version} with {found.tls_library} {found.openssl}: {found.binary}"


def _docker() -> str:
    from pytest_modssl.targets.engine import connect
    from pytest_modssl.targets.images import default_is_ready

    with closing(connect()) as engine:
        image = (
            "has" if default_is_ready(engine) else "has not yet (it is made when it is first needed, or: images build)"
        )
        return f"{engine.description}; the default image it {image}"


def _debian() -> str:
    from pytest_modssl.httpds.debian import why_not_here
    from pytest_modssl.httpds.store import kept_httpds

    if reason := why_not_here():
        raise HttpdNotFoundError(reason)
    kept = ", ".join(one.name for one in kept_httpds())
    return f"httpds that need no installation can run here; in the cache: {kept or 'none (see: httpds fetch)'}"


def _machine() -> Iterator[Finding]:
    from pytest_modssl.targets.addresses import allocate

    ports = {80, 443}
    real = set(allocate(ports).ports.values()) == ports
    yield Finding(
        what="ports 80, 443",
        kind="machine",
        ok=real,
        seen="local servers listen on the real ports, each at a loopback address of its own"
        if real
        else "this account may not bind them on loopback: free ports stand for them",
        advice="" if real else "to have the real ones: sysctl net.ipv4.ip_unprivileged_port_start=80 (ip(7))",
    )


def _programs() -> Iterator[Finding]:
    for name, purpose, package in _PROGRAMS:
        path = shutil.which(name)
        yield _finding(name, "program", path, purpose, f"install {package}")


def _extras() -> Iterator[Finding]:
    for package, purpose, extra in _EXTRAS:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = None
        yield _finding(package, "extra", version, purpose, f"pip install 'pytest-modssl[{extra}]'")


def _finding(what: str, kind: str, found: str | None, purpose: str, advice: str) -> Finding:
    if found is None:
        return Finding(what=what, kind=kind, ok=False, seen=f"for {purpose}", advice=advice)
    return Finding(what=what, kind=kind, ok=True, seen=f"{found}: {purpose}")
