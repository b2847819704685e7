"""Keys, pass phrases, passwords and tokens wherever a user may have them, in a run that fails in every way.

All that the run printed and wrote is looked through, byte by byte, and all programs that it started while they ran.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
import pytest

from pytest_modssl import CA, generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from tests.faults.conftest import Faults

SECONDS = 120
pytestmark = pytest.mark.timeout(1200)
MODES: tuple[tuple[str, ...], ...] = (
    (),
    ("-n", "2"),
    ("-vv", "-rA"),
    ("--modssl-base", "HEAD"),
    ("--modssl-backtrace=core",),
)
WORDS = (
    "pass phrase",
    "variable of the server",
    "hash of a password",
    "password of a user",
    "password of a back end",
    "token in a URL",
    "token of the environment",
    "cookie",
    "session pass phrase",
    "seed of SRP",
    "verifier of SRP",
)
TESTS = """
import json, os, pathlib, pytest
from pytest_modssl import File, ServerConfig, VirtualHost, assert_handshake, assert_ssl_env

NAME = "www.example.test"
planted = json.loads(pathlib.Path(os.environ["PLANTED"]).read_text())
secret = planted.__getitem__


@pytest.fixture(scope="module")
def client(modssl_ca):
    return modssl_ca.issue_client("ada")


@pytest.fixture(scope="module")
def modssl_config(modssl_ca, client):
    leaf = modssl_ca.issue(NAME)
    locked = leaf.with_pass_phrase(secret("pass phrase"))
    with pathlib.Path(os.environ["PLANTED"]).with_suffix(".keys").open("ab") as keys:
        for one in (leaf.private_key.pem.bytes(), locked.key_file_pem.bytes(), client.private_key.pem.bytes()):
            keys.write(one)
    phrase = "#!/bin/sh\\necho " + secret("pass phrase") + "\\n"
    srp = "V\\t" + secret("verifier of SRP") + "\\t0salt.of.srp\\tada\\t1024\\t\\n"
    host = VirtualHost(
        NAME,
        tls=locked,
        files={
            "phrase": File(phrase.encode(), executable=True),
            ".htpasswd": "ada:$apr1$AbCdEfGh$" + secret("hash of a password"),
            "leak.cgi": File(b"#!/bin/sh\\necho Secret: $DB_PASSWORD >&2\\nexit 1\\n", executable=True),
        },
        directives=(
            "SetEnv DB_PASSWORD " + secret("variable of the server") + "\\n"
            'Header set Set-Cookie "session=' + secret("cookie") + '; Secure"\\n'
            'SSLSessionTicketKeyFile "${MODSSL_PKI}/tickets"\\n'
            'SSLSRPVerifierFile "${MODSSL_PKI}/srp"\\nSSLSRPUnknownUserSeed ' + secret("seed of SRP") + "\\n"
            "SSLVerifyClient optional\\n"
            'SSLCACertificateFile "${MODSSL_PKI}/ca.pem"\\n'
            '<Location /inner>\\nAuthType Basic\\nAuthName inner\\nAuthUserFile "${MODSSL_SITE}/.htpasswd"\\n'
            "Require valid-user\\n</Location>"
        ),
    )
    return ServerConfig(
        host,
        directives='SSLPassPhraseDialog "exec:${MODSSL_RUN}/../sites/0-www.example.test/phrase"',
        pki={
            "tickets": bytes.fromhex(secret("ticket key")), "srp": srp, "ca.pem": modssl_ca.root.cert_pem.bytes(),
            "bundle.p12": bytes.fromhex(secret("PKCS #12")),
        },
    )


def test_handshake(modssl_server, client):
    assert_handshake(modssl_server, NAME, protocol="TLSv1.1", client=client)


def test_environment(modssl_server, client):
    assert_ssl_env(modssl_server, f"https://{NAME}/", SSL_CIPHER="none", client=client)


def test_login(modssl_server):
    modssl_server.get(f"https://{NAME}/inner", auth=("ada", secret("password of a user")))
    assert_handshake(modssl_server, NAME, protocol="TLSv1.1")


def test_token(modssl_server):
    modssl_server.get(f"https://{NAME}/?token=" + secret("token in a URL"))
    assert_handshake(modssl_server, NAME, cipher_suite="none")


def test_program(modssl_server):
    modssl_server.get(f"https://{NAME}/leak.cgi")


@pytest.mark.modssl("SSLFoo on")
def test_refused(modssl_server):
    pass
"""
MAIN = """\
ServerRoot "/etc/httpd"
Listen 443 https
ServerName main.example.test
{modules}
TypesConfig /dev/null
SSLSessionCache shmcb:/run/httpd/cache(512000)
SSLPassPhraseDialog "exec:/etc/httpd/tls/phrase"
<VirtualHost *:443>
    ServerName shop.example.test
    SSLEngine on
    SSLProtocol +TLSv1.2
    SSLCertificateFile /etc/httpd/tls/shop.pem
    SSLCertificateKeyFile /etc/httpd/tls/shop.key
    SSLSessionTicketKeyFile /etc/httpd/tls/tickets
    SetEnv DB_PASSWORD {variable}
    ProxyPass /app http://app.internal.test/ connectiontimeout=5
    RequestHeader set Authorization "Basic {basic}"
    Redirect /old https://ada:{backend}@elsewhere.example.test/
    Session On
    SessionCryptoPassphrase {session}
    <Location /inner>
        AuthType Basic
        AuthName inner
        AuthUserFile /etc/httpd/tls/users
        Require valid-user
    </Location>
</VirtualHost>
"""
_MODULES = (
    "alias authz_core authz_user auth_basic authn_core authn_file env headers log_config mime mpm_event proxy "
    "proxy_http session session_crypto socache_shmcb ssl unixd"
)


def plant(folder: Path, project: Path, random: Random) -> dict[str, bytes]:
    """Writes the project; gives its secrets by what they are, each line of a key by itself."""
    text = {name: "s3cr" + random.randbytes(12).hex() for name in WORDS}
    tickets, bundle = random.randbytes(80), random.randbytes(60)
    text["verifier of SRP"] = f"0{text['verifier of SRP']}0000"[:32]
    text |= {"ticket key": tickets.hex(), "PKCS #12": bundle.hex()}
    (folder / "planted").write_text(json.dumps(text))
    leaf = CA().issue("shop.example.test")
    locked = leaf.with_pass_phrase(text["pass phrase"])
    stray = generate_key("rsa-2048").pem.bytes()
    tls = project / "tls"
    tls.mkdir(parents=True)
    (project / "conf").mkdir()
    (project / "test_site.py").write_text(TESTS)
    (project / "pytest.ini").write_text("[pytest]\nmodssl_programs = warn\n")
    files = {
        "shop.pem": leaf.cert_pem.bytes(),
        "shop.key": locked.key_file_pem.bytes(),
        "stray.key": stray,
        "phrase": f"#!/bin/sh\necho {text['pass phrase']}\n".encode(),
        "tickets": tickets,
        "users": f"ada:$apr1$AbCdEfGh${text['hash of a password']}\n".encode(),
        "bundle.p12": bundle,
    }
    for name, content in files.items():
        (tls / name).write_bytes(content)
        (tls / name).chmod(0o755 if name == "phrase" else 0o600)
    (project / "conf/httpd.conf").write_text(
        MAIN.format(
            modules="\n".join(f"LoadModule {one}_module modules/mod_{one}.so" for one in _MODULES.split()),
            variable=text["variable of the server"],
            basic=base64.b64encode(f"ada:{text['password of a back end']}".encode()).decode(),
            backend=text["password of a back end"],
            session=text["session pass phrase"],
        )
    )
    secrets = {name: value.encode() for name, value in text.items()} | {"raw ticket key": tickets, "raw bundle": bundle}
    for name, pem in {
        "key": leaf.private_key.pem.bytes(),
        "locked": locked.key_file_pem.bytes(),
        "stray": stray,
    }.items():
        secrets |= lines_of(name, pem)
    return secrets


def lines_of(name: str, pem: bytes) -> dict[str, bytes]:
    body = [line for line in pem.splitlines() if len(line) > 20 and b"-" not in line and b":" not in line]
    return {f"{name}, line {number}": line for number, line in enumerate(body)}


def forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield base64.b64encode(secret)[:-4]
    yield secret.hex().encode()
    yield quote(secret, safe="").encode()


class Watching:
    """Looks at the programs that a process starts, again and again: their command lines, their environments."""

    def __init__(self, pid: int, command: Sequence[str], secrets: Mapping[str, bytes]) -> None:
        self._process = psutil.Process(pid)
        self._secrets = secrets
        self._own = b"".join(os.fsencode(word) + b"\0" for word in command)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: set[int] = set()
        self.found: set[str] = set()
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            with suppress(psutil.Error, OSError):
                for one in self._process.children(recursive=True):
                    self._look_at(one)

    def _look_at(self, one: psutil.Process) -> None:
        with suppress(psutil.Error, OSError):
            command = Path(f"/proc/{one.pid}/cmdline").read_bytes()
            if not command:  # in the midst of exec, or a zombie
                return
            variables = Path(f"/proc/{one.pid}/environ").read_bytes()
            # Workers of pytest-xdist run the tests, and so need what these need.
            # What was forked and has not come to its program yet still is pytest.
            worker = b"exec(eval(sys.stdin" in command or command == self._own
            # SetEnv is there to give scripts of the site a variable.
            given = {"variable of the server"} if b"/sites/" in command else set()
            self.seen.add(one.pid)
            for name, secret in self._secrets.items():
                if secret in command or (secret in variables and not worker and name not in given):
                    self.found.add(f"{name}: {command.replace(bytes(1), b' ').decode(errors='replace')[:200]}")


@pytest.mark.usefixtures("local_installation")
@pytest.mark.fault(
    "secrets everywhere", "in no output, report, artefact, cache that others read, or program's environment"
)
def test_no_planted_secret_is_found(faults: Faults, tmp_path: Path) -> None:
    for number in faults.times(short=1, long=len(MODES)):
        folder = tmp_path / str(number)
        project = folder / "project"
        folder.mkdir()
        secrets = plant(folder, project, faults.random)
        for words in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
        ):
            subprocess.run(["git", *words], cwd=project, check=True)
        told = folder / "told"
        told.mkdir()
        for place in ("cache", "tmp"):
            (folder / place).mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment = {
            **kept,
            "PLANTED": str(folder / "planted"),
            "A_TOKEN": secrets["token of the environment"].decode(),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "pytest", "--modssl", "--modssl-target", "local", "-p", "no:hypothesispytest"]
        command += [
            "-o",
            f"cache_dir={told}/cache",
            f"--junitxml={told}/junit.xml",
            f"--modssl-artifacts={told}/artifacts",
            *(f"--modssl-report={told}/report.{form}" for form in ("html", "json", "sarif")),
        ]
        command += [f"--modssl-record-durations={told}/durations.json", "--tb=short", *MODES[number]]
        with (told / "output").open("wb") as output:
            process = subprocess.Popen(command, cwd=project, env=environment, stdout=output, stderr=output)
            watching = Watching(process.pid, command, secrets)
            process.wait(SECONDS)
            watching.end()
        text = (told / "output").read_text(errors="replace")
        assert process.returncode == 1, text
        assert " failed" in text, text
        assert "::policy" in text, text
        secrets |= lines_of("key of the run", (folder / "planted.keys").read_bytes())
        found = {
            f"{name} in {path}"
            for path in told.rglob("*")
            if path.is_file()
            for data in [path.read_bytes()]
            for name, secret in secrets.items()
            if any(form in data for form in forms(secret))
        }
        assert found == set(), f"{MODES[number]}: {sorted(found)}"
        assert watching.found == set(), MODES[number]
        assert len(watching.seen) > 3
        assert [path for path in (folder / "tmp").rglob("*") if path.is_file()] == [], "files are left"
        for path in (folder / "cache").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path}: others may read it"
