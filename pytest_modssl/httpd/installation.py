"""An installed httpd as an object: found, and asked by running it what it is, what it has and what it can do.

One probe is one run of the shell script `probe.sh`, so that it costs one round trip wherever httpd is. Locally that is
41 ms (measured on httpd 2.4.71), of which three runs of httpd are 40; hence no cache.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_modssl.errors import HttpdNotFoundError, MissingModuleError, ModsslError, how_ended
from pytest_modssl.httpd.features import has_feature
from pytest_modssl.httpd.modules import Layout, package_of_module
from pytest_modssl.httpd.runner import Runner, run_here

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Mapping

Mpm = Literal["event", "worker", "prefork"]

_NAMES = ("apache2", "httpd")
_FOLDERS = (
    "/usr/sbin",
    "/usr/local/apache2/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/sbin",
)
CANDIDATES = (*_NAMES, *(f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES))
"""What an httpd may be called, the first that there is: names to be looked up in PATH, then paths."""

_INSTALL = (
    "install it with `apt-get install apache2-bin` (Debian, Ubuntu), `dnf install httpd mod_ssl` (Fedora, RHEL), "
    "`apk add apache2 apache2-ssl` (Alpine) or `brew install httpd` (macOS), "
    "or name one: --modssl-target=local:/path/to/httpd"
)
_PROBE = Path(__file__).with_name("probe.sh")
# Signals that nothing sends to itself; of one that crashes the answer is its status.
_FROM_OUTSIDE = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM})
_PROBE_SECONDS = 5.0

# Accounts that distributions make for httpd, then those that every Unix has.
_ACCOUNTS = ("www-data", "apache", "wwwrun", "http", "httpd", "www", "_www", "daemon", "nobody")
# Event is httpd's own default where the platform has threads (manual, mpm.html#defaults).
_MPMS: tuple[Mpm, ...] = ("event", "worker", "prefork")


class Version(NamedTuple):
    """A version that compares as its numbers do.

    Attributes:
        major: the first number.
        minor: the second.
        patch: the third.
        suffix: OpenSSL's patch letter, as in `1.1.1w`; empty where there is none.
    """

    major: int
    minor: int
    patch: int
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """The first version in `text` (`"Apache/2.4.71 (Debian)"`, `"OpenSSL 1.1.1w"`, `"2.4.71"`).

        Raises:
            ValueError: when there is none.
        """
        match = re.search(r"(\d+)\.(\d+)\.(\d+)([a-z]*)", text)
        if match is None:
            raise ValueError(f"no version of the form 1.2.3 in {text!r}")
        return cls(int(match[1]), int(match[2]), int(match[3]), match[4])

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{self.suffix}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What one httpd is.

    Attributes:
        binary: path of the program, where `run` runs it.
        prefix: what stands before `binary` on a command line, such as a dynamic loader with its options; else empty.
        environment: variables that it needs, beside those of the place where it runs.
        version: httpd's own version.
        openssl: version of the library that the loader gives mod_ssl at run time; it is what `SSL_VERSION_LIBRARY`
            says. None without mod_ssl, or where its library names no version.
        openssl_built: version that mod_ssl was compiled against. A newer one than `openssl` makes httpd warn at every
            start (AH01882).
        tls_library: "OpenSSL" or "LibreSSL" for `openssl`; None where that is None.
        static_modules: names without `mod_` and `_module` of the modules compiled in ("core", "so", "mpm_event").
        loadable: module name -> the file that LoadModule takes. A module that is also compiled in is left out.
        modules_folder: the folder of `loadable`, None where there is none.
        server_root: HTTPD_ROOT as compiled in.
        config_file: the default configuration (SERVER_CONFIG_FILE, absolute).
        layout: whose way of laying out files this is.
        user: an account on that machine for the children of an httpd that root starts; None where none is known.
        group: the group that goes with it.
        settings: the `-D` lines of `httpd -V`; a line without a value has "".
        run: runs commands where this httpd is.
        openssl_program: path of the program `openssl` that was installed with this httpd, in `bin` of the same prefix;
            None where there is none. It is of the same library where one distribution or build made both.
    """

    binary: Path
    version: Version
    openssl: Version | None
    openssl_built: Version | None
    tls_library: str | None
    static_modules: frozenset[str]
    loadable: Mapping[str, Path] = field(repr=False, hash=False)
    modules_folder: Path | None
    server_root: Path
    config_file: Path
    layout: Layout
    user: str | None
    group: str | None
    settings: Mapping[str, str] = field(repr=False, hash=False)
    run: Runner = field(repr=False, compare=False)
    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    openssl_program: Path | None = None
    _features: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def openssl_command(self) -> tuple[str, ...] | None:
        """How a command line of `openssl_program` begins; it needs `environment` too."""
        return None if self.openssl_program is None else (*self.prefix, str(self.openssl_program))

    @property
    def command(self) -> tuple[str, ...]:
        """How its command line begins: `prefix` and `binary`."""
        return (*self.prefix, str(self.binary))

    @property
    def id(self) -> str:
        """A short, shell-safe name for test ids: `httpd2.4.71-openssl3.0.22`."""
        library = f"{self.tls_library}{self.openssl}".lower() if self.openssl else "nossl"
        return f"httpd{self.version}-{library}"

    @property
    def modules(self) -> frozenset[str]:
        """Names of all modules that can be used, compiled in or loadable."""
        return self.static_modules | frozenset(self.loadable)

    @property
    def mpms(self) -> tuple[Mpm, ...]:
        """The MPMs that can be used, at least one, the preferred one first; a compiled-in one leaves no choice.

        Raises:
            MissingModuleError: when there is none, so that this httpd cannot run at all.
        """
        compiled_in = tuple(mpm for mpm in _MPMS if f"mpm_{mpm}" in self.static_modules)
        found = compiled_in or tuple(mpm for mpm in _MPMS if f"mpm_{mpm}" in self.loadable)
        if not found:
            self.require(["mpm_event"])
        return found

    def ask(
        self, arguments: Iterable[str], *, env: Mapping[str, str] | None = None, timeout: float = 10.0
    ) -> subprocess.CompletedProcess[str]:
        """What httpd answers to a command line that starts no server; arguments and result as for `Runner`.

        Raises:
            ModsslError: when it was ended from outside, and so has not answered.
        """
        command = [*self.command, *arguments]
        answer = self.run(command, env={**self.environment, **(env or {})}, timeout=timeout)
        if -answer.returncode in _FROM_OUTSIDE:
            raise ModsslError(
                f"`{shlex.join(command)}` {how_ended(answer.returncode)} before it had answered. What to do: look who "
                "ended it (SIGKILL: the kernel's log tells whether memory was short), and repeat the run"
            )
        return answer

    def has(self, module: str) -> bool:
        """Whether a module ("ssl", not "mod_ssl.so") can be used, compiled in or loadable."""
        return module in self.static_modules or module in self.loadable

    def can(self, feature: str) -> bool:
        """Whether this httpd has a feature, as it told itself or is asked now; it is asked once.

        Args:
            feature: a name in `pytest_modssl.httpd.features.FEATURES`: "TLSv1.3", "compression", "srp", ...

        Raises:
            ValueError: for another name.
            StartError: when httpd cannot be asked.
        """
        if feature not in self._features:
            self._features[feature] = has_feature(self, feature)
        return self._features[feature]

    def require(self, modules: Iterable[str]) -> None:
        """Returns where this httpd has all of `modules`.

        Args:
            modules: names without `mod_` and `_module` ("ssl", "cgid").

        Raises:
            MissingModuleError: names every module that is missing, and the package that brings it.
        """
        missing = sorted(set(modules) - self.modules)
        if missing:
            lines = [f"  mod_{name}: {package_of_module(name, self.layout)}" for name in missing]
            where = self.modules_folder or "no folder of loadable modules found"
            raise MissingModuleError(
                f"{self.binary} (httpd {self.version}, modules in {where}) lacks {len(missing)} "
                f"module{'s' if len(missing) > 1 else ''} that the configuration needs:\n" + "\n".join(lines)
            )


def find_httpd(path: str | None = None) -> Path:
    """Absolute path of the httpd to use, by name or by looking where it is usually installed.

    Args:
        path: a path, or a program's name to be looked up in PATH; None looks for `apache2` and `httpd` in PATH, then in
            the folders that distributions and httpd's own `make install` use (an ordinary user's PATH lacks /usr/sbin).

    Raises:
        HttpdNotFoundError: lists what was tried, and how to install one.
    """
    if path is not None:
        found = shutil.which(os.path.expanduser(path))  # noqa: PTH111 - a Path would make "httpd" and "./httpd" equal
        if found is None:
            what = "a folder" if os.path.isdir(path) else "no program that can be run"  # noqa: PTH112 - as above
            raise HttpdNotFoundError(f"{path!r} was named as httpd, but is {what}: {_INSTALL}")
        return Path(found).absolute()
    for candidate in CANDIDATES:
        found = shutil.which(candidate)
        if found is not None:
            return Path(found).absolute()
    path_tried = os.environ.get("PATH", "unset")
    tried = f"{' and '.join(_NAMES)} in PATH ({path_tried}), {', '.join(CANDIDATES[len(_NAMES) :])}"
    raise HttpdNotFoundError(f"no httpd found; tried {tried}: {_INSTALL}")


def probe_installation(
    binary: Path,
    *,
    prefix: tuple[str, ...] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    run: Runner = run_here,
) -> Installation:
    """What the httpd at `binary` is; runs it three times, starts no server, writes nothing.

    Args:
        binary: path of the program where `run` runs commands.
        prefix: see `Installation`.
        environment: see `Installation`.
        run: runs a command; the default does so on this machine.

    Raises:
        HttpdNotFoundError: when the program does not answer as an httpd does.
    """
    script = _PROBE.read_text(encoding="utf-8")
    command = ["sh", "-c", script, "probe", str(binary), *prefix, str(binary)]
    answer = run(command, env=environment, timeout=_PROBE_SECONDS)
    sections = _sections(answer.stdout)
    reported = sections.get("settings", [])
    version = next((line for line in reported if line.startswith("Server version:")), None)
    if version is None:
        said = "\n".join(reported) or answer.stderr.strip() or f"nothing (exit status {answer.returncode})"
        raise HttpdNotFoundError(
            f"{binary} does not answer `{binary} -V` as an httpd does; it said:\n{said}\n{_INSTALL}"
        )
    settings = _settings(reported)
    root = Path(settings.get("HTTPD_ROOT", "/"))
    config_file = root / settings.get("SERVER_CONFIG_FILE", "conf/httpd.conf")
    static = frozenset(_static_name(line.strip()) for line in sections.get("static", []) if line.endswith(".c"))
    files = [Path(line) for line in sections.get("modules", [])]
    loadable = {_loadable_name(file): file for file in files}
    folder = "".join(sections.get("folder", []))
    loaded = "".join(sections.get("tls loaded", []))
    built = "".join(sections.get("tls built", []))
    program = "".join(sections.get("openssl program", []))
    user, group = _account(sections.get("users", []), sections.get("groups", []))
    return Installation(
        binary=binary,
        version=Version.parse(version),
        openssl=Version.parse(loaded) if loaded else None,
        openssl_built=Version.parse(built) if built else None,
        tls_library=loaded.split(" ")[0] if loaded else None,
        static_modules=static,
        loadable=MappingProxyType({name: file for name, file in loadable.items() if name not in static}),
        modules_folder=Path(folder) if folder else None,
        server_root=root,
        config_file=config_file,
        layout=_layout(config_file),
        user=user,
        group=group,
        settings=MappingProxyType(settings),
        run=run,
        prefix=prefix,
        environment=environment,
        openssl_program=Path(program) if program else None,
    )


def _sections(output: str) -> dict[str, list[str]]:
    """The lines of each section of the probe's output, empty ones left out."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output.splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], [])
        elif line.strip():
            lines.append(line)
    return sections


def _settings(reported: list[str]) -> dict[str, str]:
    settings = {}
    for line in reported:
        match = re.fullmatch(r'\s*-D (\w+)(?:="(.*)"|=(.*?))?(?: \(.*\))?', line)
        if match is not None:
            settings[match[1]] = match[2] or match[3] or ""
    return settings


def _static_name(source: str) -> str:
    """Module name of a line of `httpd -l`: "mod_ssl.c" -> "ssl", "http_core.c" -> "http", "event.c" -> "mpm_event"."""
    stem = source.removesuffix(".c")
    if stem in _MPMS:
        return f"mpm_{stem}"
    return "http" if stem == "http_core" else stem.removeprefix("mod_")


def _loadable_name(file: Path) -> str:
    """Module name of a file: httpd's own are mod_NAME.so with the symbol NAME_module, some others libNAME.so."""
    return file.stem.removeprefix("mod_").removeprefix("lib")


def _layout(config_file: Path) -> Layout:
    """Whose layout it is, by the default configuration's place (httpd's own config.layout has the names)."""
    text = str(config_file)
    if text == "/etc/apache2/apache2.conf":
        return "debian"
    if text == "/etc/httpd/conf/httpd.conf":
        return "redhat"
    return "apache" if config_file.match("*/conf/httpd.conf") else "unknown"


def _account(users: list[str], groups: list[str]) -> tuple[str | None, str | None]:
    """User and group for httpd's children, from lines of /etc/passwd and /etc/group."""
    group_of = {fields[0]: fields[3] for line in users if len(fields := line.split(":")) > 3}
    name_of = {fields[2]: fields[0] for line in groups if len(fields := line.split(":")) > 2}
    user = next((name for name in _ACCOUNTS if name in group_of), None)
    return (None, None) if user is None else (user, name_of.get(group_of[user]))
