"""What httpd makes of a repository's configuration: its virtual hosts, asked where it is to run, without a start.

httpd can be asked once all files are there that it insists on. What the reading finds is made beforehand; what it still
names is made, and httpd asked again, a bounded number of times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_modssl.errors import ConfigError, ModsslError, StartError
from pytest_modssl.httpd.dumps import check_syntax, effective_config
from pytest_modssl.httpd.modules import is_whole, module_of_directive
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.pki import CA
from pytest_modssl.progress import Step, silent
from pytest_modssl.repo.assumed import assumed_names
from pytest_modssl.repo.config import RepoConfig
from pytest_modssl.repo.content import files_of
from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.foreign import is_foreign as is_foreign_directive
from pytest_modssl.repo.made import Made, Substitution, without_clashes
from pytest_modssl.repo.making import make
from pytest_modssl.repo.placeholders import PLACEHOLDER, is_foreign, placeholders
from pytest_modssl.repo.programs import escapes_in, hides, programs_in
from pytest_modssl.repo.reader import read_configuration
from pytest_modssl.repo.rewrite import EVERYWHERE, absent_modules, backends_in, by_statement, loaded_modules
from pytest_modssl.repo.told import UNNAMED, told_hosts, user_origin, without_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_modssl.backends import Backends
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.problems import ConfigProblem
    from pytest_modssl.httpd.render import Rendered
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.progress import Say
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.making import Making
    from pytest_modssl.targets.base import Prepared, Target

# Each is one more file that no reading could have told, or one more directive of a module that is not there.
_MOST_QUESTIONS = 40
# Directives beyond which it is told what is done: 7000 take five seconds (measured on two cores with httpd 2.4.71).
_MANY = 2000
# "Unknown Authz provider: shibboleth", and the directives that name one of a kind.
_PROVIDER = re.compile(r"Unknown (?P<kind>DAV|Auth[nz]) provider: (?P<name>\S+)")
_BY_PROVIDER = {"dav": ("dav",), "authz": ("require",), "authn": ("authbasicprovider", "authdigestprovider")}
_INVALID = re.compile(r"Invalid command '([^']+)'")
_STANDS_FOR = re.compile(r'^Define MODSSL_PORT_(\d+) "(\d+)"', re.MULTILINE)
# "file '/etc/ssl/x.pem' does not exist or is empty", "Could not open configuration file /x: No such file or directory".
_MISSING = re.compile(r"['\" ]?(/[^'\",;:()]+?)['\"]?(?:,|:| does not exist| not found| \(.*\)|$)")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A repository's configuration, made ready to be run.

    Attributes:
        found: where it is.
        config: to be served by the target that was asked.
        refused: why httpd refuses it; `None` where it does not.
        substitutions: what differs from the configuration as deployed, files that were made apart.
        making: what was made for it.
        programs: directives that have programs run on this machine; none where they run in a container.
    """

    found: Found
    config: RepoConfig
    refused: StartError | None = None
    substitutions: tuple[Substitution, ...] = ()
    making: Making | None = None
    programs: tuple[Substitution, ...] = ()

    @property
    def hosts(self) -> tuple[RepoHost, ...]:
        """Its virtual hosts, one for each port that they are at; none where httpd refuses it."""
        return self.config.hosts

    def client_for(self, host: RepoHost) -> LeafCert | None:
        """A certificate that the clients of a host can show; `None` where it asks for none that can be made."""
        return None if self.making is None else self.making.client_for(host.origin, host.name)


@dataclass(frozen=True)
class _Answer:
    """What httpd said of a configuration: what is in effect, with deployment paths, or why it refuses it."""

    directives: tuple[DumpedDirective, ...] = ()
    numbers: dict[int, int] = field(default_factory=dict)
    problem: ConfigProblem | None = None
    accepted: bool = True


def study(target: Target, found: Found, backends: Callable[[], Backends], *, say: Say = silent) -> Study:
    """A repository's configuration, made ready to be run on a target.

    Args:
        target: where it is to run.
        found: where it is.
        backends: gives the stand-ins for back ends, and is asked where the configuration names one.
        say: told of what is done of a large configuration.

    Raises:
        OSError: when a file of the repository cannot be read.
        ModsslError: when the target cannot be asked.
    """
    reading = read_configuration(found)
    if reading.stopped is not None:
        at, reason = reading.stopped
        raise ConfigError(
            f"{found.title} is not read to its end, nor given to httpd: {reason}\n  at {at.origin}: {at.directive}"
        )
    if len(reading.statements) < _MANY:
        say = silent
    doing = f"preparing {found.title}, {len(reading.statements)} directives"
    say(Step(doing))
    names = assumed_names(reading.statements)
    if names:
        found = replace(found, variables={**found.variables, **{name: value for name, (value, _) in names.items()}})
        reading = read_configuration(found)
    deployment = Deployment(found)
    assumed = tuple(told for _, told in names.values())
    config = RepoConfig(found=found, reading=reading, content=files_of(deployment, reading), assumed=assumed)
    config = _with_sockets(replace(config, made=without_clashes(placeholders(config))), backends)
    absent = absent_modules(reading.statements, target.installation)
    for _ in range(_MOST_QUESTIONS):
        say(Step(f"{doing}: httpd reads them"))
        with target.prepared(config) as prepared:
            answer = _ask(prepared, deployment)
            here = bool(prepared.rendered.machine)
        if answer.accepted:
            say(Step(f"{doing}: certificates and other files are made"))
            config, making = _made_ready(config, answer, backends)
            return Study(
                found=found,
                config=config,
                substitutions=(*config.substitutions(target.installation), *making.left_out),
                making=making,
                programs=_programs(config, answer) if here else (),
            )
        mended = _mended(config, answer.problem, absent)
        if mended is None:
            return Study(found=found, config=config, refused=_refusal(target, config))
        config = mended
    raise ConfigError(
        f"{found.title}: httpd was asked {_MOST_QUESTIONS} times and each time named another file or directive that is "
        f"not there, last: {answer.problem}. What to do: put into the repository what it includes"
    )


def _with_sockets(config: RepoConfig, backends: Callable[[], Backends]) -> RepoConfig:
    """The configuration with a stand-in for each of its back ends."""
    named = {
        word.backend: None
        for placed in config.placed.values()
        for same in by_statement(placed)
        for word in backends_in(same)
        if word.backend is not None
    }
    if not named:
        return config
    serving = backends()
    return replace(config, sockets={one: str(serving.serve(one)) for one in named}, shared=serving.folder)


def _programs(config: RepoConfig, answer: _Answer) -> tuple[Substitution, ...]:
    origin = _origins(config)
    named = programs_in(answer.directives, config.content, {one.path for one in config.made})
    places = [user_origin(one.directive, origin) if one.directive else origin(one.file, one.line) for one in named]
    found = [Substitution(one.text, "is run", place) for one, place in zip(named, places, strict=True)]
    hiding = [one for one in config.reading.statements if hides(one.statement.directive, one.statement.args)]
    found += [Substitution(one.directive, "may hide what is run", one.origin) for one in hiding]
    return tuple(dict.fromkeys(found))


def _ask(prepared: Prepared, deployment: Deployment) -> _Answer:
    """What httpd says.

    Raises:
        ConfigError: when it has read, or would read or run, what does not belong to the configuration.
    """
    rendered = prepared.rendered
    own = rendered.main.rpartition("/")[0] + "/"
    numbers = {int(actual): int(port) for port, actual in _STANDS_FOR.findall(rendered.text)}
    try:
        dump = effective_config(prepared.installation, rendered.main)
    except StartError:
        checked = check_syntax(prepared.installation, rendered.main)
        problem = checked.problem
        if problem is not None and rendered.machine and problem.file is not None:
            _refuse_escapes(
                deployment, rendered, [] if problem.file.startswith(own) else [(problem.file, problem.line or 0, "")]
            )
        if problem is not None:
            problem = replace(problem, message=problem.message.replace(rendered.machine or "\0", ""))
        return _Answer(problem=problem, accepted=False)
    if rendered.machine:
        _refuse_escapes(deployment, rendered, escapes_in(dump, own, (*rendered.shared, *EVERYWHERE)))
    return _Answer(without_machine(dump, rendered.machine, rendered.main), numbers)


def _refuse_escapes(deployment: Deployment, rendered: Rendered, escapes: Iterable[tuple[str, int, str]]) -> None:
    """Raises where there is an escape; what a file says that is not of the repository is not told."""
    for file, line, text in escapes:
        deployed = file.removeprefix(rendered.machine)
        path = deployment.path_of(deployed)
        inside = file.startswith(f"{rendered.machine}/")
        raise ConfigError(
            f"{deployment.found.title} leads out of the copy of the repository that runs: "
            + (f"{path or deployed}:{line}: {text}" if inside else f"it includes {file}")
            + "\nA variable in it is worth something else for httpd than it seems, as it depends on a condition. "
            "What to do: write it out, or run it in containers (--modssl-target docker)"
        )


def _origins(config: RepoConfig) -> Callable[[str, int], Origin]:
    """The line of the repository for a deployment path and line."""
    texts = {file.deployed: file for file in config.reading.files}
    deployment = Deployment(config.found)

    def origin(deployed: str, line: int) -> Origin:
        if deployed in texts:
            return texts[deployed].at(line)
        return Origin(str(deployment.path_of(deployed) or deployed), line)

    return origin


def _mended(config: RepoConfig, problem: ConfigProblem | None, absent: frozenset[str]) -> RepoConfig | None:
    """The configuration with what httpd still lacks; `None` where that is not to be had."""
    if problem is None:
        return None
    unknown = _INVALID.search(problem.message)
    if unknown is not None and _may_be_left_out(config, unknown[1].lstrip("<"), absent):
        return replace(config, refused=config.refused | {unknown[1].lstrip("<").lower()})
    provider = _PROVIDER.search(problem.message)
    if provider is not None and (absent or not is_whole(loaded_modules(config.reading.statements))):
        words = {f"{directive} {provider['name'].lower()}" for directive in _BY_PROVIDER[provider["kind"].lower()]}
        return None if words <= config.refused else replace(config, refused=config.refused | words)
    missing = _MISSING.search(problem.message)
    if missing is None or missing[1] in {one.path for one in config.made} or not is_foreign(config.found, missing[1]):
        return None
    return replace(config, made=(*config.made, Made(path=missing[1], content=PLACEHOLDER, mode=0o644, what="file")))


def _may_be_left_out(config: RepoConfig, directive: str, absent: frozenset[str]) -> bool:
    """Whether a directive that httpd does not know may come from a module that is not there.

    It is one that the configuration loads; or, where that tells nothing of modules, one that httpd's own have not.
    """
    if absent:
        module = module_of_directive(directive)
        return module is None or module in absent
    own = config.found.main is not None
    loads = own and is_whole(loaded_modules(config.reading.statements))
    return not loads and is_foreign_directive(directive)


def _refusal(target: Target, config: RepoConfig) -> StartError:
    try:
        target.check(config)
    except StartError as error:
        return error
    raise ModsslError(
        f"{config.found.title}: httpd accepts the configuration (-t) and does not tell what is in effect "
        "(-D DUMP_CONFIG), so its virtual hosts are not known"
    )


def _made_ready(config: RepoConfig, answer: _Answer, backends: Callable[[], Backends]) -> tuple[RepoConfig, Making]:
    """The configuration with its hosts and with all that it names, and what was made for it."""
    texts = {file.deployed: file for file in config.reading.files}
    origin = _origins(config)

    def has(deployed: str) -> bytes | None:
        if deployed.startswith(EVERYWHERE):
            return PLACEHOLDER
        if deployed in texts:
            return texts[deployed].text.encode("utf-8", "surrogateescape")
        if deployed in config.content:
            return config.content[deployed][0]
        brought = config.found.layout.files.get(deployed)
        return None if brought is None else brought.encode()

    making = make(
        answer.directives,
        has=has,
        has_folder=config.folders.__contains__,
        ca=CA().intermediate(),
        server_root=config.reading.server_root,
        back_ends=backends().ca if config.sockets else None,
        locate=lambda one: user_origin(one, origin),
        unnamed=UNNAMED,
    )
    told = told_hosts(answer.directives, config.listening, origin, answer.numbers)
    theirs = {one.path for one in making.made}
    made = without_clashes([*(one for one in config.made if one.path not in theirs), *making.made])
    config = replace(config, hosts=told.hosts, blocks=told.blocks, made=made, roots=making.trust)
    return config, making
