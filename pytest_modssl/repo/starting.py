"""What a repository begins with that has no tests yet: a test file with its virtual hosts, and pytest's settings."""

from __future__ import annotations

import re
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.repo.checks.hosts import example
from pytest_modssl.repo.reader import read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost

# In the order in which pytest looks for them (pytest 9, _pytest/config/findpaths.py), each with the table that makes it
# a configuration file of pytest; the others are that however empty they are.
_OWN: Final = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
_SHARED: Final = {"tox.ini": "pytest", "setup.cfg": "tool:pytest"}
_PYPROJECT: Final = re.compile(r"^\s*\[tool\.pytest(?P<ini>\.ini_options)?\]", re.MULTILINE)
_KEY: Final = re.compile(r"^\s*modssl_config\s*=", re.MULTILINE)
_PORTS: Final = re.compile(r":(\d+)$")

_HEAD: Final = '''\
"""What clients of {title} rely on, beyond what `pytest --modssl` checks of each virtual host by itself."""

import pytest

from pytest_modssl import {imports}
'''
_CHOSEN: Final = """

@pytest.fixture(scope="session")
def modssl_repo(modssl_repo_factory):
    return modssl_repo_factory("{title}")
"""
_PARTS: Final = {
    "OVER_TLS": """

@pytest.mark.parametrize(("name", "port"), OVER_TLS)
def test_clients_trust_the_host(modssl_repo, name, port):
    assert_handshake(modssl_repo, name, port=port)
""",
    "BY_CERTIFICATE": """

@pytest.mark.parametrize(("name", "port"), BY_CERTIFICATE)
def test_clients_with_a_certificate_are_let_in(modssl_repo, modssl_repo_client, name, port):
    assert_handshake(modssl_repo, name, port=port, client=modssl_repo_client(name, port=port))
""",
    "TO_TLS": """

@pytest.mark.parametrize("url", TO_TLS)
def test_plain_http_leads_to_tls(modssl_repo, url):
    assert_switches_to_https(modssl_repo, url)
""",
    "TO_TLS_BY_CERTIFICATE": """

@pytest.mark.parametrize(("url", "name", "port"), TO_TLS_BY_CERTIFICATE)
def test_plain_http_leads_to_tls_with_a_certificate(modssl_repo, modssl_repo_client, url, name, port):
    session = modssl_repo.session(client=modssl_repo_client(name, port=port))
    assert_switches_to_https(modssl_repo, url, session=session)
""",
    "PLAIN": """

@pytest.mark.parametrize("url", PLAIN)
def test_the_page_is_no_failure(modssl_repo, url):
    assert modssl_repo.get(url).status_code < 500
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a virtual host at one port.

    Attributes:
        name: its ServerName.
        port: in URLs.
        tls: whether it speaks TLS.
        demands: whether it lets nobody in without a client certificate.
    """

    name: str
    port: int
    tls: bool
    demands: bool = False

    @property
    def url(self) -> str:
        """Its first page by plain HTTP."""
        return f"http://{self.name}{'' if self.port == 80 else f':{self.port}'}/"


def known(hosts: Iterable[RepoHost]) -> tuple[Known, ...]:
    """The virtual hosts as httpd tells them."""
    return tuple(Known(name=one.name, port=one.port, tls=one.tls, demands=one.demands_certificate) for one in hosts)


def read(found: Found) -> tuple[Known, ...]:
    """The virtual hosts that have a ServerName, as reading the files tells them; httpd knows more."""
    told: dict[int, dict[str, tuple[str, ...]]] = {}
    sections = {}
    for one in read_configuration(found).statements:
        around = next((outer for outer in one.sections if outer.directive.lower() == "virtualhost"), None)
        if around is not None:
            sections[id(around)] = around
            told.setdefault(id(around), {})[one.directive.lower()] = one.arguments
    return tuple(
        Known(
            name=example(directives["servername"][0].rpartition("//")[2].partition(":")[0]),
            port=int(port[1]),
            tls=directives.get("sslengine", ("",))[0].lower() == "on",
            demands=directives.get("sslverifyclient", ("",))[0].lower() == "require",
        )
        for number, directives in told.items()
        for address in sections[number].arguments
        if directives.get("servername") and (port := _PORTS.search(address))
    )


def test_file(title: str, hosts: Sequence[Known], *, alone: bool) -> str:
    """The text of a test file for a configuration, with a test for each virtual host.

    Args:
        title: of the configuration.
        hosts: its virtual hosts.
        alone: whether the repository has no other configuration.
    """
    over_tls = {one.name.lower(): one for one in reversed(hosts) if one.tls}
    lists: dict[str, list[str]] = {name: [] for name in _PARTS}
    for one in hosts:
        same = over_tls.get(one.name.lower())
        if one.tls:
            lists["BY_CERTIFICATE" if one.demands else "OVER_TLS"].append(_written(one.name, one.port))
        elif same is None:
            lists["PLAIN"].append(_written(one.url))
        elif same.demands:
            lists["TO_TLS_BY_CERTIFICATE"].append(_written(one.url, same.name, same.port))
        else:
            lists["TO_TLS"].append(_written(one.url))
    filled = {name: list(dict.fromkeys(values)) for name, values in lists.items() if values}
    uses = ["assert_handshake"] * bool({"OVER_TLS", "BY_CERTIFICATE"} & filled.keys())
    uses += ["assert_switches_to_https"] * bool({"TO_TLS", "TO_TLS_BY_CERTIFICATE"} & filled.keys())
    head = _HEAD.format(title=title, imports=", ".join(uses))
    if not uses:
        head = head.partition("\nfrom")[0]
    parts = [head]
    for name, values in filled.items():
        parts.append("\n".join([f"\n{name} = [", *(f"    {value}," for value in values), "]\n"]))
    parts += [] if alone else [_CHOSEN.format(title=title)]
    return "".join([*parts, *(_PARTS[name] for name in filled)])


def settings_file(root: Path) -> Path | None:
    """The configuration file that pytest takes in a folder; `None` for none."""
    for name in _OWN:
        if (root / name).is_file():
            return root / name
    pyproject = root / "pyproject.toml"
    if pyproject.is_file() and _PYPROJECT.search(_text(pyproject)):
        return pyproject
    for name, section in _SHARED.items():
        parser = ConfigParser(interpolation=None)
        try:
            parser.read_string(_text(root / name))
        except IniError:
            continue
        if parser.has_section(section):
            return root / name
    return None


def settings_text(file: Path, paths: Sequence[str]) -> str:
    """The settings that name configurations, in the form of a configuration file, its table included."""
    if file.suffix == ".toml":
        table = "pytest"
        if file.name == "pyproject.toml":
            own = _PYPROJECT.search(_text(file))
            table = f"tool.pytest{'' if own is None else own['ini'] or ''}"
        return f"[{table}]\nmodssl_config = [{', '.join(map(_written, paths))}]\n"
    lines = "".join(f"    {one}\n" for one in paths)
    return f"[{_SHARED.get(file.name, 'pytest')}]\nmodssl_config =\n{lines}"


def has_settings(file: Path) -> bool:
    """Whether a configuration file names configurations already."""
    return _KEY.search(_text(file)) is not None


def path_of(found: Found) -> str:
    """What names a configuration to `modssl_config`: its main file or its fragments' folder, from the repository on."""
    if found.main is not None:
        return found.main.relative_to(found.root).as_posix()
    return found.title if (found.root / found.title).exists() else "."


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _written(*values: str | int) -> str:
    """Values as a test file has them: text in double quotes, several as a tuple."""
    texts = [f'"{one}"' if isinstance(one, str) else str(one) for one in values]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
