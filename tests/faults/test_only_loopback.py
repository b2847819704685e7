"""Whole suites in a network of their own, where the kernel sees what they listen on and send to anybody else."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults import watched
from tests.repos.samples import SAMPLES, healthy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.conftest import Faults

SECONDS = 600
pytestmark = pytest.mark.timeout(2400)
_CHECKOUT = Path(__file__).parents[2]
# Everything that could ask a name server, a directory, a cache, a back end or a responder.
ASKING = """\
ServerRoot "/etc/httpd"
Listen 80
Listen 443 https
ServerName main.asking.example
{modules}
TypesConfig /dev/null
HostnameLookups Double
UseCanonicalName DNS
SSLSessionCache memcache:cache.asking.example:11211
SSLStaplingCache memcache:cache.asking.example:11211
SSLUseStapling on
SSLStaplingForceURL http://ocsp.asking.example/
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy proxy.asking.example
ProxyRequests on
<Directory />
    Require all granted
</Directory>
<VirtualHost www.asking.example:80>
    ServerName www.asking.example
    RewriteEngine on
    RewriteRule ^/$ https://%{{REMOTE_HOST}}.asking.example/ [R,L]
</VirtualHost>
<VirtualHost *:443>
    ServerName www.asking.example
    SSLEngine on
    SSLCertificateFile /etc/pki/tls/www.pem
    SSLCertificateKeyFile /etc/pki/tls/www.key
    SSLOCSPEnable on
    SSLOCSPDefaultResponder http://ocsp.asking.example/
    SSLVerifyClient optional
    SSLCACertificateFile /etc/pki/tls/ca.pem
    ProxyPass /app http://app.asking.example:8080/
    ProxyPass /socket ws://192.0.2.10/
    ProxyPass / https://198.51.100.7/
    SSLProxyEngine on
    <Location /staff>
        AuthType Basic
        AuthName staff
        AuthBasicProvider ldap
        AuthLDAPURL ldap://ldap.asking.example/dc=example?uid
        Require valid-user
    </Location>
    <Location /host>
        Require host client.asking.example
        Require forward-dns other.asking.example
    </Location>
</VirtualHost>
"""
_MODULES = (
    "alias authz_core authz_host authz_user auth_basic authn_core authnz_ldap ldap dir log_config mime mpm_event proxy "
    "proxy_http proxy_wstunnel remoteip rewrite setenvif socache_shmcb socache_memcache ssl unixd"
)
# What a user's own tests do: a responder, stapling, a session cache, a redirect between hosts.
OWN = ("tests/examples/faq/test_stapling_off.py", "tests/examples/faq/test_own_ca.py")
LONG_OWN = ("tests/examples", "tests/faq/test_rows.py", "tests/backends", "tests/asserts", "tests/http", "tests/tls")


@dataclass(frozen=True)
class Told:
    """What a command did in its network.

    Attributes:
        sent: packets to any address but those of the machine, questions to name servers too.
        listening: addresses that it listened on.
        output: what it printed.
    """

    sent: int
    listening: tuple[str, ...]
    output: str

    @property
    def elsewhere(self) -> list[str]:
        """Those that another machine could reach."""
        return [one for one in self.listening if not ipaddress.ip_address(one.split()[1]).is_loopback]


def watch(folder: Path, cwd: Path, *command: str) -> Told:
    """Runs a command in a network of its own."""
    result = folder / "told.json"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, watched.__file__, str(result), *command],
        cwd=cwd,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    output = done.stdout + done.stderr
    assert result.is_file(), output
    told = json.loads(result.read_text())
    return Told(told["sent"], tuple(told["listening"]), output)


def suite(*words: str) -> Sequence[str]:
    own = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--modssl", "--modssl-target", "local", "-q")
    return [sys.executable, "-m", "pytest", *own, *words]


def hold(told: Told, name: str) -> None:
    """The promise."""
    assert told.sent == 0, f"{name} sent {told.sent} packets to another machine\n{told.output}"
    assert told.elsewhere == [], name
    assert any(one.startswith("tcp ") for one in told.listening), f"{name} listened on nothing\n{told.output}"


def repository(name: str, folder: Path) -> Path:
    """A sample by its name, or the one that asks everybody."""
    if name != "asking":
        return healthy(name, folder / name)
    (folder / "asking/conf").mkdir(parents=True)
    modules = "\n".join(f"LoadModule {one}_module modules/mod_{one}.so" for one in _MODULES.split())
    (folder / "asking/conf/httpd.conf").write_text(ASKING.format(modules=modules))
    return folder / "asking"


@pytest.mark.usefixtures("own_namespaces")
def test_the_watch_sees_what_goes_out_and_who_listens(tmp_path: Path) -> None:
    script = """
import contextlib, socket
with socket.create_server(("", 5555)), contextlib.suppress(OSError):
    socket.create_connection(("192.0.2.55", 80), timeout=0.2)
"""
    told = watch(tmp_path, tmp_path, sys.executable, "-c", script)
    assert told.sent > 0
    assert told.elsewhere == ["tcp 0.0.0.0 5555"]
    asking = watch(tmp_path, tmp_path, "getent", "hosts", "nobody.example")
    assert asking.sent > 0


@pytest.mark.any_account
@pytest.mark.usefixtures("own_namespaces", "local_installation")
@pytest.mark.fault(
    "whole suite: addresses", "listens on loopback alone, sends nothing anywhere else, asks no name server"
)
def test_a_suite_of_a_repository_stays_on_this_machine(faults: Faults, tmp_path: Path) -> None:
    names = ("asking", "gateway", *(one for one in SAMPLES if one != "gateway"))
    for number in faults.times(short=2, long=len(names)):
        told = watch(tmp_path, repository(names[number], tmp_path), *suite())
        hold(told, names[number])
        assert " passed" in told.output, told.output


@pytest.mark.any_account
@pytest.mark.usefixtures("own_namespaces", "local_installation")
@pytest.mark.fault(
    "whole suite: addresses", "listens on loopback alone, sends nothing anywhere else, asks no name server"
)
def test_a_suite_of_own_tests_stays_on_this_machine(faults: Faults, tmp_path: Path) -> None:
    names = ((OWN,), *((one,) for one in LONG_OWN))
    for number in faults.times(short=1, long=len(names)):
        words = names[number][0] if number == 0 else ["-n", "2", *names[number]]
        told = watch(tmp_path, _CHECKOUT, *suite("-m", "not long", *words))
        hold(told, str(names[number]))
        assert " passed" in told.output, told.output
        assert " failed" not in told.output, told.output
