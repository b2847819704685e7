"""What a run was asked to do, and where each answer came from: option, then environment, then ini, then default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pytest_modssl.httpds.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_modssl.httpd.crashes import Backtrace

T = TypeVar("T")

Programs = Literal["warn", "run", "refuse"]
"""What becomes of programs that a repository's configuration has run on this machine."""

Kept = Literal["on", "off", "retain-on-failure"]
"""Of which tests artefacts are kept: of all that use a server, of none, of those that fail."""

_KEPT: dict[str, Kept] = {"on": "on", "off": "off", "retain-on-failure": "retain-on-failure"}
_PROGRAMS: dict[str, Programs] = {"warn": "warn", "run": "run", "refuse": "refuse"}
_BACKTRACES: dict[str, Backtrace] = {"core": "core", "gdb": "gdb"}

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
TARGET_FORMS = ("auto", "local", "local:/path/to/httpd", "docker", "docker:IMAGE", "debian:SUITE", "source:VERSION")
REPORT_FORMS = (".html", ".json", ".sarif")
# What may follow the colon of a target's word: anything, or one of these.
_CHOICES: dict[str, tuple[str, ...] | None] = {
    "auto": (),
    "local": None,
    "docker": None,
    "debian": tuple(SUITES),
    "source": None,
}


class SettingError(ValueError):
    """A setting has a value that it cannot have; the message tells where it stands and which values there are."""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value and the place it came from, for example `"--modssl"`, `"PYTEST_MODSSL=1"`, `"ini"` or `"default"`."""

    value: T
    source: str


@dataclass(frozen=True, slots=True)
class Declared(Generic[T]):
    """One setting: its name (`target` is `--modssl-target`, `PYTEST_MODSSL_TARGET`, `modssl_target`) and its rules.

    Attributes:
        name: name without any prefix; empty for the switch `--modssl` itself.
        default: value where nothing says otherwise.
        parse: makes the value from the strings given; raises `ValueError` with the valid values.
        help: one sentence for `pytest --help`.
        repeatable: whether an option may be given several times, and ini is a list.
        flag: whether the option takes no value.
        table: whether it stands in the configuration file alone, one entry a line.
        form: what a value, or a line of a table, looks like; empty for a flag.
    """

    name: str
    default: T
    parse: Callable[[Sequence[str]], T]
    help: str
    repeatable: bool = False
    flag: bool = False
    table: bool = False
    form: str = ""

    @property
    def option(self) -> str:
        """The command line option."""
        return f"--modssl-{self.name.replace('_', '-')}" if self.name else "--modssl"

    @property
    def ini(self) -> str:
        """The key in pytest's configuration file, and the option's destination."""
        return f"modssl_{self.name}" if self.name else "modssl"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"PYTEST_{self.ini.upper()}"


def switch(texts: Sequence[str]) -> bool:
    """What a text says of a switch; raises `ValueError` with the valid values."""
    text = texts[-1].strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("one of 1, true, yes, on, 0, false, no, off")


def _targets(texts: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))
    for name in names:
        kind, colon, choice = name.partition(":")
        choices = _CHOICES.get(kind, ())
        if choices and colon and choice not in choices:
            raise ValueError(f"{name!r} is none of {', '.join(f'{kind}:{one}' for one in choices)}")
        if kind not in _CHOICES or (colon and not choice) or (choice and choices == ()):
            raise ValueError(f"{name!r} is none of {', '.join(TARGET_FORMS)}")
    if not names:
        raise ValueError(f"at least one of {', '.join(TARGET_FORMS)}")
    return names


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for text in texts for word in text.replace(",", " ").split())


def _shard(texts: Sequence[str]) -> tuple[int, int] | None:
    text = texts[-1].strip()
    if not text:  # a job of a matrix without parts has the variable all the same
        return None
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise ValueError("i/n, the i-th of n parts: 1/3, 2/3 or 3/3")
    return int(index), int(count)


def _names(texts: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))
    if not names:
        raise ValueError("at least one name")
    return names


def _reports(texts: Sequence[str]) -> tuple[str, ...]:
    names = _names(texts)
    for name in names:
        if not name.lower().endswith(REPORT_FORMS):
            raise ValueError(f"{name!r} does not end in one of {', '.join(REPORT_FORMS)}")
    return names


def _seconds(texts: Sequence[str]) -> float:
    try:
        seconds = float(texts[-1])
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise ValueError("a number of seconds between 0 and 3600")
    return seconds


def _backtrace(texts: Sequence[str]) -> Backtrace | None:
    text = texts[-1].strip()
    if text and text not in _BACKTRACES:
        raise ValueError(f"one of {', '.join(_BACKTRACES)}")
    return _BACKTRACES.get(text)


def _programs(texts: Sequence[str]) -> Programs:
    text = texts[-1].strip()
    if text not in _PROGRAMS:
        raise ValueError(f"one of {', '.join(_PROGRAMS)}")
    return _PROGRAMS[text]


def _kept(texts: Sequence[str]) -> Kept:
    text = texts[-1].strip()
    if text not in _KEPT:
        raise ValueError(f"one of {', '.join(_KEPT)}")
    return _KEPT[text]


def _folder(texts: Sequence[str]) -> str:
    return texts[-1].strip()


WAYS = (
    "Each option can also be given as a key of the configuration file, and by the environment: "
    "--modssl-start-timeout as modssl_start_timeout and as PYTEST_MODSSL_START_TIMEOUT"
)
ENABLED = Declared("", default=False, parse=switch, flag=True, help="run the tests that need a real httpd + mod_ssl")
TARGET: Declared[tuple[str, ...]] = Declared(
    "target",
    form="TARGET",
    default=("auto",),
    parse=_targets,
    repeatable=True,
    help=f"where servers run, repeatable: {', '.join(TARGET_FORMS)} (default: auto)",
)
# A server is ready within 40 ms on a quiet machine (measured on httpd 2.4.71); a loaded CI machine gets a lot more.
START_TIMEOUT = Declared(
    "start_timeout",
    form="SECONDS",
    default=20.0,
    parse=_seconds,
    help="seconds that a server may take to be ready (default: 20)",
)
OFFLINE = Declared(
    "offline", default=False, parse=switch, flag=True, help="fetch, pull and build nothing: take what is there or fail"
)
DEBIAN_MIRROR: Declared[tuple[str, ...]] = Declared(
    "debian_mirror",
    form="URL",
    default=(),
    parse=_words,
    repeatable=True,
    help="address of a mirror of Debian for debian:SUITE; a second one is that of its security archive "
    "(default: what apt of this machine uses, else deb.debian.org)",
)
DEBIAN_UNSIGNED = Declared(
    "debian_unsigned",
    default=False,
    parse=switch,
    flag=True,
    help="for debian:SUITE trust HTTPS alone, where neither apt nor gpgv can check Debian's signature",
)
STRICT = Declared(
    "strict",
    default=False,
    parse=switch,
    flag=True,
    help="fail the run when a test is skipped by capability (modssl_requires) on every target",
)
COMPARE = Declared(
    "compare",
    default=False,
    parse=switch,
    flag=True,
    help="tell at the end which tests have another outcome, or see something else, on another target",
)
SHARD: Declared[tuple[int, int] | None] = Declared(
    "shard", form="I/N", default=None, parse=_shard, help="run the i-th of n parts of the tests: i/n, as 1/3"
)
DURATIONS: Declared[tuple[str, ...]] = Declared(
    "durations",
    form="PATH",
    default=(),
    parse=_names,
    repeatable=True,
    help="file with recorded durations by which the parts are made equally long, or a folder of them; repeatable",
)
RECORD: Declared[tuple[str, ...]] = Declared(
    "record_durations", form="FILE", default=(), parse=_names, help="file to write the durations of this run's tests to"
)
ENGINE: Declared[tuple[str, ...]] = Declared(
    "engine",
    form="HOST",
    default=(),
    parse=_names,
    repeatable=True,
    help="container engine (what DOCKER_HOST says), repeatable: workers of pytest-xdist take them in turn",
)
ARTIFACTS = Declared(
    "artifacts",
    form="FOLDER",
    default="",
    parse=_folder,
    help="folder in which each test that fails gets a folder of its own with what is known of it: bug-report.txt, "
    "configuration, log, and a capture for Wireshark",
)
ARTIFACTS_MODE: Declared[Kept] = Declared(
    "artifacts_mode",
    form="on|off|retain-on-failure",
    default="retain-on-failure",
    parse=_kept,
    help="which tests keep a folder below that of --modssl-artifacts: retain-on-failure (the default), on (each test "
    "that used a server), off",
)
REPORT: Declared[tuple[str, ...]] = Declared(
    "report",
    form="FILE",
    default=(),
    parse=_reports,
    repeatable=True,
    help="file for a report of the run, repeatable: FILE.html to read, FILE.json as data, FILE.sarif for code review",
)
ANNOTATIONS = Declared(
    "annotations",
    form="on|off",
    default=True,
    parse=switch,
    help="in GitHub Actions, annotate failures at the lines to blame and write a job summary: on (the default), off",
)
BACKTRACE: Declared[Backtrace | None] = Declared(
    "backtrace",
    form="core|gdb",
    default=None,
    parse=_backtrace,
    help="how to have a backtrace of an httpd that crashes: core (CoreDumpDirectory is set and gdb reads the core), "
    "gdb (each server is one process, run by gdb)",
)
PROGRAMS: Declared[Programs] = Declared(
    "programs",
    form="warn|run|refuse",
    default="warn",
    parse=_programs,
    help="programs that the configuration of a repository has run on this machine: warn (the default), run, refuse",
)
ALL: tuple[Declared[Any], ...] = (
    ENABLED,
    TARGET,
    START_TIMEOUT,
    OFFLINE,
    DEBIAN_MIRROR,
    DEBIAN_UNSIGNED,
    STRICT,
    COMPARE,
    SHARD,
    DURATIONS,
    RECORD,
    ENGINE,
    ARTIFACTS,
    ARTIFACTS_MODE,
    REPORT,
    ANNOTATIONS,
    BACKTRACE,
    PROGRAMS,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run.

    Attributes:
        enabled: whether tests that need a server run.
        targets: where servers run, as written.
        start_timeout: seconds that a server may take to be ready.
        offline: whether nothing may be fetched, pulled or built.
        debian_mirror: addresses of Debian's main and security archive; empty for the machine's own, else Debian's.
        debian_unsigned: whether HTTPS is trusted where nothing can check Debian's signature.
        strict: whether a test that no target is capable of fails the run.
        compare: whether targets are compared.
        shard: (i, n) for the i-th of n parts of the tests; `None` for all of them.
        durations: files and folders with recorded durations.
        record: the file to record durations in, or none.
        engines: container engines, which workers take in turn; none where it is left to docker's own settings.
        artifacts: folder for what is known of each test that fails; empty for none.
        artifacts_mode: of which tests it is kept there.
        reports: files to write reports of the run to, or none.
        annotations: whether GitHub Actions are told of failures.
        backtrace: how to have a backtrace of a crash; `None` does nothing for it.
        programs: what becomes of programs that a repository's configuration has run on this machine.
    """

    enabled: Setting[bool]
    targets: Setting[tuple[str, ...]]
    start_timeout: Setting[float]
    offline: Setting[bool]
    debian_mirror: Setting[tuple[str, ...]]
    debian_unsigned: Setting[bool]
    strict: Setting[bool]
    compare: Setting[bool]
    shard: Setting[tuple[int, int] | None]
    durations: Setting[tuple[str, ...]]
    record: Setting[tuple[str, ...]]
    engines: Setting[tuple[str, ...]]
    artifacts: Setting[str]
    artifacts_mode: Setting[Kept]
    reports: Setting[tuple[str, ...]]
    annotations: Setting[bool]
    backtrace: Setting[Backtrace | None]
    programs: Setting[Programs]

    @property
    def keeps_artifacts(self) -> bool:
        """Whether artefacts of any test are kept."""
        return bool(self.artifacts.value) and self.artifacts_mode.value != "off"

    def describe(self) -> str:
        """One line that tells every setting which is not a default, and where it came from."""
        named: tuple[tuple[str, Setting[Any]], ...] = (
            ("target", self.targets),
            ("start-timeout", self.start_timeout),
            ("offline", self.offline),
            ("debian-mirror", self.debian_mirror),
            ("debian-unsigned", self.debian_unsigned),
            ("strict", self.strict),
            ("compare", self.compare),
            ("shard", self.shard),
            ("durations", self.durations),
            ("record-durations", self.record),
            ("engine", self.engines),
            ("artifacts", self.artifacts),
            ("artifacts-mode", self.artifacts_mode),
            ("report", self.reports),
            ("annotations", self.annotations),
            ("backtrace", self.backtrace),
            ("programs", self.programs),
        )
        return ", ".join([f"enabled by {self.enabled.source}", *told(named)])


def told(named: Iterable[tuple[str, Setting[Any]]]) -> list[str]:
    """Each setting that is not a default, by its name, with its value and where it came from."""
    return [f"{name} {shown(one.value)} ({one.source})" for name, one in named if one.source != "default"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings come from.

    Args:
        options: what the command line gave, by ini name; absent or `None` where it gave nothing.
        environment: the process environment.
        ini: what the configuration file has, by ini name; absent where it has nothing.
    """

    options: Mapping[str, Sequence[str] | None]
    environment: Mapping[str, str]
    ini: Mapping[str, Sequence[str]]

    def read(self, declared: Declared[T]) -> Setting[T]:
        """One setting, from the first of them that has it.

        Raises:
            SettingError: when its value cannot be read.
        """
        given = self.options.get(declared.ini)
        if given:
            return _parsed(declared, given, declared.option)
        value = None if declared.table else self.environment.get(declared.variable)
        if value is not None:
            try:
                return _parsed(declared, [value], f"{declared.variable}={value}")
            except SettingError:
                if value:  # an empty one may be no more than a parameter of a CI job that was left out
                    raise
        if declared.ini in self.ini:
            return _parsed(declared, self.ini[declared.ini], f"ini {declared.ini}")
        return Setting(declared.default, "default")


def resolve(
    options: Mapping[str, Sequence[str] | None], environment: Mapping[str, str], ini: Mapping[str, Sequence[str]]
) -> Settings:
    """The settings of a run; arguments as of `Sources`.

    Raises:
        SettingError: when a value cannot be read.
    """
    one = Sources(options, environment, ini).read
    return Settings(
        enabled=one(ENABLED),
        targets=one(TARGET),
        start_timeout=one(START_TIMEOUT),
        offline=one(OFFLINE),
        debian_mirror=one(DEBIAN_MIRROR),
        debian_unsigned=one(DEBIAN_UNSIGNED),
        strict=one(STRICT),
        compare=one(COMPARE),
        shard=one(SHARD),
        durations=one(DURATIONS),
        record=one(RECORD),
        engines=one(ENGINE),
        artifacts=one(ARTIFACTS),
        artifacts_mode=one(ARTIFACTS_MODE),
        reports=one(REPORT),
        annotations=one(ANNOTATIONS),
        backtrace=one(BACKTRACE),
        programs=one(PROGRAMS),
    )


def _parsed(declared: Declared[T], texts: Sequence[str], source: str) -> Setting[T]:
    try:
        return Setting(declared.parse(texts), source)
    except ValueError as error:
        raise SettingError(f"{source}: cannot take {', '.join(map(repr, texts))}: {error}") from None


def shown(value: object) -> str:
    """A value as users read it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        separator = "/" if all(isinstance(one, int) for one in value) else ", "
        return separator.join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
