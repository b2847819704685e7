"""A handshake by a real Java virtual machine, with the limits of Java 7 or with its own.

The client is `fixtures/java/Java7.java`, which the machine's own compiler makes once; the classes are kept in the
user's cache. A run takes 0.4 s, the first one 1.5 s (measured with JDK 17 on two cores).
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_modssl._data import fixture
from pytest_modssl.environment import environment
from pytest_modssl.errors import TlsError
from pytest_modssl.folders import own_folder
from pytest_modssl.tls import names
from pytest_modssl.tls.hello import JAVA7
from pytest_modssl.tls.suites import suites_by_code, suites_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_SOURCE: Final = "java/Java7.java"
_MAIN: Final = "Java7"
_COMPILE_SECONDS: Final = 60.0
# Beside the waits of the client: its start on a machine that is busy.
_START_SECONDS: Final = 30.0
# A short run: no compiler of the second tier, one collector; RHEL's own policy would forbid what is tried here.
_FLAGS: Final = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Djava.security.disableSystemPropertiesFile=true",
)
_INSTALL: Final = "install a JDK (`apt-get install default-jdk-headless`, `dnf install java-devel`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class JvmHandshake:
    """What a Java virtual machine made of a server.

    Attributes:
        address: host and port that it connected to.
        server_name: the name that it sent as SNI.
        java: version of the JVM.
        java7: whether it had the limits of Java 7 for Diffie-Hellman primes.
        ok: the handshake finished, and a request was answered.
        protocol: as mod_ssl names it.
        cipher_suite: by OpenSSL's name.
        dh_bits: size of the prime that its TLS was given, `None` where it met none.
        answer: the first line of the answer to `GET /`.
        errors: its exception and the causes of that, outermost first.
        elapsed: seconds for all of it, the start of the JVM included.
    """

    address: tuple[str, int]
    server_name: str | None
    java: str
    java7: bool
    ok: bool
    protocol: str | None
    cipher_suite: str | None
    dh_bits: int | None
    answer: str | None
    errors: tuple[str, ...]
    elapsed: float

    def __str__(self) -> str:
        host, port = self.address
        who = f"Java {self.java}{' with the limits of Java 7' if self.java7 else ''} at {host}:{port}"
        prime = "" if self.dh_bits is None else f", DH {self.dh_bits} bits"
        if self.ok:
            return f"{who}: {self.protocol}, {self.cipher_suite}{prime}, {self.answer}"
        return "\n  caused by ".join([f"{who}: failed{prime}: {self.errors[0]}", *self.errors[1:]])


def jvm_handshake(
    address: tuple[str, int],
    server_name: str | None = None,
    *,
    protocol: str = "TLSv1",
    suites: Sequence[str | int] = JAVA7["suites"],
    java7: bool = True,
    timeout: float = 10.0,
) -> JvmHandshake:
    """What a Java virtual machine of this machine makes of a server: a handshake, then `GET /`.

    TLS 1.0 and the algorithms that newer versions of Java forbid are allowed; no group of RFC 7919 is offered, as a
    server that follows it (OpenSSL 4.0) would choose the prime by these; every certificate is trusted.

    Args:
        address: host and port to connect to.
        server_name: for SNI; `None` for none.
        protocol: what is offered, as mod_ssl names it.
        suites: what is offered, in order, by OpenSSL's names or as codes; those that this JVM does not have are left
            out.
        java7: whether it has Java 7's limit for Diffie-Hellman primes, or its own.
        timeout: seconds for each wait of the client.

    Raises:
        TlsError: when there is no JDK, or it cannot compile or run the client. A refusal is a result.
    """
    java, classes = _java(), _classes()
    offered = [name for one in suites if (name := _iana(one)) is not None]
    command = [java, *_FLAGS, "-cp", str(classes), _MAIN]
    host, port = address
    command += [host, str(port), server_name or "-", protocol, ",".join(offered), str(int(timeout * 1000))]
    started = time.perf_counter()
    done = _run([*command, "java7" if java7 else "own"], seconds=timeout + _START_SECONDS, to="run a JVM")
    told: dict[str, list[str]] = {}
    for line in done.splitlines():
        key, _, value = line.partition("=")
        told.setdefault(key, []).append(value)
    if "java" not in told:
        raise TlsError(f"The JVM {java} said nothing of a handshake: {done[:500]!r}")
    first = {key: values[0] for key, values in told.items()}
    suite = first.get("suite", "").replace("SSL_", "TLS_", 1)
    known = suites_by_name().get(suite)
    return JvmHandshake(
        address=address,
        server_name=server_name,
        java=first["java"],
        java7=java7,
        ok="error" not in told,
        protocol=first.get("protocol"),
        cipher_suite=None if not suite else suite if known is None else str(known),
        dh_bits=int(first["dh_bits"]) if "dh_bits" in first else None,
        answer=first.get("answer"),
        errors=tuple(told.get("error", ())),
        elapsed=time.perf_counter() - started,
    )


def _iana(suite: str | int) -> str | None:
    """IANA's name of a suite; `None` for a signal, which is none."""
    found = suites_by_code().get(suite) if isinstance(suite, int) else names.cipher_suite(suite)
    return None if found is None else found.name


def _java() -> str:
    found = shutil.which("java")
    if found is None or shutil.which("javac") is None:
        raise TlsError(f"A handshake by a JVM needs the programs java and javac on PATH: {_INSTALL}.")
    return found


def _classes() -> Path:
    """The folder of the compiled client: one for each source and compiler, made once."""
    source = fixture(_SOURCE)
    compiler = Path(shutil.which("javac") or "").resolve()
    digest = hashlib.sha256(source.read_bytes() + str(compiler).encode()).hexdigest()[:16]
    home = own_folder("java", mode=0o700)
    if home is None:
        raise TlsError("There is no folder of this user's own for the compiled Java client: set XDG_CACHE_HOME.")
    folder = home / digest
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=home) as fresh:
            made = Path(fresh, "classes")
            command = [str(compiler), "-proc:none", "-encoding", "UTF-8", "-d", str(made), str(source)]
            _run(command, seconds=_COMPILE_SECONDS, to="compile the Java client")
            # Another process may have been as quick: its classes are the same.
            with contextlib.suppress(OSError):
                made.rename(folder)
    return folder


def _run(command: Sequence[str], *, seconds: float, to: str) -> str:
    try:
        done = subprocess.run(
            command, env=environment("JAVA_*"), capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise TlsError(f"Could not {to} within {seconds:.0f} s: {command[0]}") from None
    except OSError as error:
        raise TlsError(f"Could not {to}: {command[0]}: {error.strerror}; {_INSTALL}.") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise TlsError(f"Could not {to}: {command[0]} ended with exit status {done.returncode} and said: {said[:1000]}")
    return done.stdout
