"""Configurations that want what is not theirs: files of the machine, its programs, all of its time and memory.

A repository is written, `pytest --modssl` is run on it as a user runs it, and then all that it printed and wrote is
looked through, and all that it should not have touched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.targets.base import Target
    from tests.faults.conftest import Faults

# What a test plants outside of the repository, and must not find anywhere afterwards.
MARK = "outside-4711-secret"
MODULES = (
    "authz_core alias dir headers log_config macro mime mpm_event rewrite setenvif socache_shmcb ssl unixd cgid "
    "include ext_filter autoindex authn_core authn_file auth_basic authz_user"
)
MAIN = """\
ServerRoot "/etc/httpd"
Listen 80
ServerName main.hostile.example
{modules}
TypesConfig /dev/null
{text}
<Directory />
    Require all granted
</Directory>
<VirtualHost *:80>
    ServerName www.hostile.example
    DocumentRoot /var/www/html
{host}
</VirtualHost>
"""
# Two seconds are the promise on a quiet machine (measured: 0.6 to 1.9 s); here others run tests too.
SECONDS = 60
# The long form is some forty of them in one test.
pytestmark = pytest.mark.timeout(1200)


@dataclass(frozen=True)
class Hostile:
    """A repository, and what must come of it.

    Attributes:
        text: of the main file.
        host: of its virtual host.
        files: beside it; executable where they begin with `#!`.
        also: what else is done in the folder.
        says: what the output says.
        passes: whether httpd starts with it.
    """

    text: str = ""
    host: str = ""
    files: dict[str, str] = field(default_factory=dict)
    also: Callable[[Path, Path], None] = lambda _folder, _outside: None
    says: str = ""
    passes: bool = True


def links(folder: Path, outside: Path) -> None:
    """Links out of the repository, to files, folders, and around."""
    pages = folder / "var/www/html"
    pages.mkdir(parents=True)
    (folder / "conf.d").mkdir()
    for name, target in {
        "conf.d/secret.conf": outside / "secret.txt",
        "conf.d/folder": outside,
        "conf.d/shadow.conf": Path("/etc/shadow"),
        "conf.d/loop.conf": Path("loop.conf"),
        "conf.d/up": Path(".."),
        "var/www/html/secret.html": outside / "secret.txt",
        "var/www/html/all": Path("/"),
        "var/www/html/index.html": outside / "secret.txt",
    }.items():
        (folder / name).symlink_to(target)


def fifos(folder: Path, _: Path) -> None:
    """Files that are none, and never end."""
    (folder / "conf.d").mkdir()
    os.mkfifo(folder / "conf.d/never.conf")
    os.mkfifo(folder / "fifo.conf")


OUTSIDE = {
    "shadow": Hostile("Include /etc/shadow\nIncludeOptional /root/.ssh/*"),
    "include": Hostile("Include {outside}/secret.txt\nInclude {outside}\nIncludeOptional {outside}/*.txt"),
    "upwards": Hostile(
        "IncludeOptional ../../../../../..{outside}/*.txt\nIncludeOptional conf/../../..{outside}/*.txt"
    ),
    "variable": Hostile("Define OUT {outside}\nInclude ${{OUT}}/secret.txt\nInclude ${{HOME}}/.netrc", passes=False),
    "hidden-variable": Hostile(
        "Define OUT {outside}/secret.txt\n<IfModule nobody_module>\nDefine OUT conf.d/harmless.conf\n</IfModule>\n"
        "Include ${{OUT}}",
        files={"conf.d/harmless.conf": "ServerTokens Prod\n"},
        passes=False,
        says="leads out of the copy of the repository that runs",
    ),
    "server-root": Hostile("ServerRoot {outside}\nInclude secret.txt", passes=False),
    "aliases": Hostile(host="Alias /all /\nAlias /secret {outside}/secret.txt\nOptions +Indexes +FollowSymLinks"),
    "document-root": Hostile(host="DocumentRoot {outside}\nDirectoryIndex secret.txt"),
    "passwords": Hostile(
        host="<Location /a>\nAuthType Basic\nAuthName a\nAuthUserFile {outside}/secret.txt\n"
        "Require valid-user\n</Location>"
    ),
    "tables": Hostile("RewriteEngine on\nRewriteMap m txt:{outside}/secret.txt\nRewriteRule .* - [E=x:${{m:alice}}]"),
    "expression": Hostile('Header always set X "expr=%{{file:{outside}/secret.txt}}"'),
    "condition": Hostile("<If \"file('{outside}/secret.txt') =~ /4711/\">\nHeader always set X found\n</If>"),
    "links": Hostile(
        "IncludeOptional conf.d/*.conf\nIncludeOptional conf.d/folder", "Options +FollowSymLinks", also=links
    ),
    "processes": Hostile("IncludeOptional /proc/[0-9]*/environ\nInclude /proc/self/environ"),
    "writing": Hostile(
        "PidFile {outside}/pid\nScoreBoardFile {outside}/board\nCoreDumpDirectory {outside}\nUser root\nGroup root\n"
        "Mutex file:{outside} default\nScriptSock {outside}/sock\nCustomLog {outside}/log common\n"
        "ErrorLog {outside}/errors\nTransferLog {outside}/transfers"
    ),
    "environment": Hostile('ServerAlias "${{A_TOKEN}}.example"', passes=False),
}
TOO_MUCH = {
    "long-line": Hostile(f"Header set X {'a' * 10_000_000}", says="larger than 10 MB", passes=False),
    "line-below-that": Hostile(f"Header set X {'a' * 2_000_000}"),
    "continued-lines": Hostile("Header set X " + "a\\\n" * 400_000, says="more than 300000 lines", passes=False),
    "includes": Hostile("Include conf.d/a.conf", files={"conf.d/a.conf": "Include conf.d/a.conf\n" * 9}, passes=False),
    "macros": Hostile(
        "".join(f"<Macro m{n}>\n" + f"Use m{n + 1}\n" * 9 + "</Macro>\n" for n in range(12)) + "Use m0",
        says="more than 100000 statements",
        passes=False,
    ),
    "variables": Hostile(
        "Define v0 aaaaaaaaa\n" + "".join(f"Define v{n + 1} {f'${{{{v{n}}}}}' * 9}\n" for n in range(12)),
        says="too long",
        passes=False,
    ),
    "sections": Hostile("<IfModule ssl_module>\n" * 9000 + "</IfModule>\n" * 9000, says="nested deeper", passes=False),
    "listens": Hostile("".join(f"Listen {port}\n" for port in range(9000, 15000)), says="1000 times", passes=False),
    "fifo": Hostile("Include fifo.conf\nInclude conf.d", also=fifos, passes=False),
    "devices": Hostile("Include /dev/zero\nInclude /dev/stdin"),
}
NAMES = {
    "newline": Hostile("Include conf.d/*.conf", files={"conf.d/a\nb.conf": "ServerTokens Prod\n"}),
    "escapes": Hostile("Include conf.d/*.conf", files={"conf.d/\x1b[31m\x07red.conf": "ServerTokens Prod\n"}),
    "quotes": Hostile("Include conf.d/*.conf", files={"conf.d/q\"u'o te.conf": "ServerTokens Prod\n"}),
    "directive": Hostile("\x1b]0;mine\x07Bogus \x1b[2J", passes=False),
    "server-name": Hostile(host='ServerAlias "\x1b[2Jevil.example"'),
}


_CASE = "https://www.hostile.example:\n- path: /\n  assert_status: 200\n"
TABLES = {
    "aliases": Hostile(
        files={
            "x.urls.yaml": f"{_CASE}  json_body:\n  - &a0 [x]\n"
            + "".join(f"  - &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(12))
        },
        says="more than 1000000 characters",
        passes=False,
    ),
    "pattern": Hostile(
        files={
            "x.urls.yaml": _CASE.replace("https", "http") + "  assert_body_regex: (a+)+b\n",
            "var/www/html/index.html": "a" * 60,
        },
        says="was not done with 60 characters",
    ),
    "large": Hostile(
        files={"x.urls.csv": "url,status\n" + "http://www.hostile.example/,200\n" * 400_000},
        says="larger than 10 MB",
        passes=False,
    ),
}


@dataclass(frozen=True)
class Ran:
    """What came of a run: its output, what it wrote for failures, how long it took."""

    output: str
    seconds: float
    status: int


def run(folder: Path, outside: Path, target: str, *words: str) -> Ran:
    """`pytest --modssl` in a repository, as a process of its own with everything on that writes or prints."""
    before = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--modssl", "--modssl-target", target, "-p", "no:cacheprovider"]
    command += ["-rA", "-v", "--rootdir", str(folder), "--junitxml", str(folder.parent / "junit.xml"), *words]
    command += [
        "--modssl-artifacts",
        str(folder.parent / "artifacts"),
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:randomly",
    ]
    environment = {**before, "PYTHONDONTWRITEBYTECODE": "1", "A_TOKEN": MARK, "TMPDIR": str(folder.parent / "tmp")}
    (folder.parent / "tmp").mkdir(exist_ok=True)
    (folder.parent / "tmp").chmod(0o755)
    began = time.monotonic()
    with (folder.parent / "out").open("w+b") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            status = process.wait(SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
    return Ran(output, time.monotonic() - began, status)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def written(folder: Path, one: Hostile) -> tuple[Path, Path]:
    """A repository in a folder, and a folder outside of it with secrets."""
    outside, repository = folder / "outside", folder / "repository"
    outside.mkdir()
    (outside / "secret.txt").write_text(f"{MARK} alice\nalice:{MARK}\nalice {MARK}\n")
    (repository / "conf").mkdir(parents=True)
    modules = "\n".join(f"LoadModule {name}_module modules/mod_{name}.so" for name in MODULES.split())
    text, host = (
        part.replace("{outside}", str(outside)).replace("{{", "{").replace("}}", "}") for part in (one.text, one.host)
    )
    main = MAIN.format(modules=modules, text=text, host=host)
    (repository / "conf/httpd.conf").write_text(main)
    for name, content in one.files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("{outside}", str(outside)))
        path.chmod(0o755 if content.startswith("#!") else 0o644)
    one.also(repository, outside)
    return repository, outside


def leaks(folder: Path, ran: Ran) -> list[str]:
    """Where something stands that is not of the repository."""
    shadow = Path("/etc/shadow")
    secrets = [MARK, *(shadow.read_text().splitlines() if os.access(shadow, os.R_OK) else [])]
    told = {"output": ran.output}
    for path in (folder / "junit.xml", *(folder / "artifacts").rglob("*.txt")):
        if path.is_file():
            told[str(path)] = path.read_text("utf-8", "replace")
    return [f"{where}: {secret}" for where, text in told.items() for secret in secrets if secret in text]


def left(folder: Path) -> list[str]:
    """What still runs, or lies about, of a run."""
    here = str(folder)
    lines = (" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"]))
    return [line for line in lines if here in line] + [str(path) for path in (folder / "tmp").rglob("httpd.conf")]


def check(name: str, one: Hostile, folder: Path, target: str) -> Ran:
    """All promises of one hostile repository."""
    repository, outside = written(folder, one)
    ran = run(repository, outside, target)
    assert ran.status in ({0, 1} if one.passes else {1, 2, 4, 5}), ran.output
    assert leaks(folder, ran) == [], name
    assert sorted(path.name for path in outside.iterdir()) == ["secret.txt"], name
    assert "Traceback" not in ran.output, ran.output
    assert "INTERNALERROR" not in ran.output, ran.output
    assert "\x1b" not in ran.output, repr(ran.output)
    assert one.says in ran.output, ran.output
    assert ("::starts" in ran.output and "::answers" in ran.output) is one.passes, ran.output
    assert left(folder) == [], name
    return ran


@pytest.fixture(scope="session")
def local(modssl_target: Target, local_installation: object) -> str:
    """The machine's own httpd: a container has files of its own."""
    return "local"


def _some(cases: dict[str, Hostile], faults: Faults, short: int) -> list[tuple[str, Hostile]]:
    """As many of the cases as the form asks for, others with each seed."""
    names = faults.random.sample(sorted(cases), len(cases))
    return [(names[number], cases[names[number]]) for number in faults.times(short=short, long=len(names))]


@pytest.mark.fault("hostile repository: files of the machine", "none is read or written, none is told of")
def test_files_of_the_machine_are_neither_read_nor_written(faults: Faults, local: str, folder: Path) -> None:
    for name, one in _some(OUTSIDE, faults, 3):
        (folder / name).mkdir()
        check(name, one, folder / name, local)


@pytest.mark.fault("hostile repository: more than anybody reads", "it ends in seconds, and says where")
def test_what_multiplies_without_end_is_told_and_does_not_run(faults: Faults, local: str, folder: Path) -> None:
    for name, one in _some(TOO_MUCH, faults, 2):
        (folder / name).mkdir()
        check(name, one, folder / name, local)


@pytest.mark.fault("hostile repository: names", "no control character comes to the terminal")
def test_names_do_not_speak_to_the_terminal(faults: Faults, local: str, folder: Path) -> None:
    for name, one in _some(NAMES, faults, 1):
        (folder / name).mkdir()
        check(name, one, folder / name, local)


RUNNING = {
    "map": Hostile('RewriteEngine on\nRewriteMap m "prg:/etc/httpd/bin/x"', says="RewriteMap"),
    "map-of-the-machine": Hostile(
        'RewriteEngine on\nRewriteMap m "prg:/usr/bin/touch {outside}/run"', says="RewriteMap"
    ),
    "pass-phrase": Hostile('SSLPassPhraseDialog "exec:/etc/httpd/bin/x"', says="SSLPassPhraseDialog"),
    "seed": Hostile("SSLRandomSeed startup exec:/etc/httpd/bin/x 16", says="SSLRandomSeed"),
    "filter": Hostile('ExtFilterDefine f cmd="/etc/httpd/bin/x"', "SetOutputFilter f", says="ExtFilterDefine"),
    "script": Hostile(host='ScriptAlias "/" "/etc/httpd/bin/x/"', says="ScriptAlias"),
    "handler": Hostile(
        "<Directory /var/www>\nOptions +ExecCGI\nSetHandler cgi-script\n</Directory>", says="Options +ExecCGI"
    ),
    "htaccess": Hostile(
        "<Directory /var/www>\nAllowOverride All\n</Directory>",
        files={"var/www/html/.htaccess": "Options +ExecCGI\nSetHandler cgi-script\n"},
        says="Options +ExecCGI",
    ),
    "page": Hostile(
        "<Directory /var/www>\nOptions +Includes\nAddOutputFilter INCLUDES .html\n</Directory>",
        files={"var/www/html/index.html": '<!--#exec cmd="touch {outside}/run" -->'},
        says="Options +Includes",
    ),
}
NEVER_RUN = {
    "log": Hostile('CustomLog "|/usr/bin/touch {outside}/run" common\nErrorLog "|/usr/bin/touch {outside}/run"'),
    "log-by-variable": Hostile(
        "Define LOG CustomLog\n<IfModule nobody_module>\nDefine LOG ServerAdmin\n</IfModule>\n"
        '${{LOG}} "|/usr/bin/touch {outside}/run" common',
        passes=False,
        says="leads out of the copy",
    ),
    "program-by-variable": Hostile(
        "Define P {outside}/secret.txt\n<IfModule nobody_module>\nDefine P conf.d/x\n</IfModule>\nRewriteEngine on\n"
        "RewriteMap m prg:${{P}}",
        passes=False,
        says="leads out of the copy",
    ),
    "module": Hostile("LoadModule evil_module /etc/httpd/evil.so\nLoadFile /etc/httpd/evil.so", files={"evil.so": "x"}),
    "module-by-name": Hostile("LoadModule info_module /etc/httpd/evil.so", files={"evil.so": "x"}),
}
PROGRAM = """#!/bin/sh
touch {outside}/run
printf 'Content-Type: text/plain\\n\\n'
while read -r line; do echo NULL; done
"""


def running(one: Hostile) -> Hostile:
    """The same with its program."""
    pages = {"var/www/html/index.html": PROGRAM, "bin/x": PROGRAM}
    return Hostile(one.text, one.host, {**pages, **one.files}, says=one.says)


@pytest.mark.fault("hostile repository: programs", "warned of by file and line before they run, or refused")
def test_programs_are_told_or_refused(faults: Faults, local: str, folder: Path) -> None:
    for name, one in _some(RUNNING, faults, 1):
        for programs in ("refuse", "warn"):
            where = folder / f"{name}-{programs}"
            where.mkdir()
            repository, outside = written(where, running(one))
            ran = run(repository, outside, local, "--modssl-programs", programs)
            assert re.search(rf"^ +\S+:\d+: {re.escape(one.says)}", ran.output, re.MULTILINE), ran.output
            assert "has programs run on this machine" in ran.output
            assert ("ProgramWarning" in ran.output) is (programs == "warn"), ran.output
            if programs == "refuse":
                assert not (outside / "run").exists(), name
            assert left(where) == [], name


@pytest.mark.fault("hostile repository: programs of logs and modules", "they never run")
def test_programs_of_logs_and_modules_never_run(faults: Faults, local: str, folder: Path) -> None:
    for name, one in _some(NEVER_RUN, faults, 1):
        (folder / name).mkdir()
        check(name, one, folder / name, local)


@pytest.mark.fault("hostile repository: tables of URLs", "it ends in seconds, and says where")
def test_tables_that_multiply_without_end_are_told(faults: Faults, local: str, folder: Path) -> None:
    for name, one in _some(TABLES, faults, 1):
        (folder / name).mkdir()
        check(name, one, folder / name, local)


FORKS = """#!/bin/sh
n=0
while [ $n -lt 1500 ]; do sh -c '# {outside}
sleep 60' & n=$((n + 1)); done
"""
CONTAINED = {
    **{name: running(RUNNING[name]) for name in ("map", "pass-phrase", "filter", "handler", "page")},
    "map-of-the-machine": RUNNING["map-of-the-machine"],
    "session-of-its-own": Hostile(
        'RewriteEngine on\nRewriteMap m "prg:/etc/httpd/bin/x"',
        files={"bin/x": "#!/bin/sh\nexec setsid sh -c '# {outside}\nsleep 600'\n"},
    ),
    "forks": Hostile(
        "<Directory /var/www>\nOptions +ExecCGI\nSetHandler cgi-script\n</Directory>",
        files={"var/www/html/index.html": FORKS},
    ),
    **{f"outside-{name}": OUTSIDE[name] for name in ("shadow", "include", "aliases", "links", "processes", "writing")},
}


@pytest.mark.usefixtures("image")
@pytest.mark.fault("hostile repository in a container", "nothing of the machine is read, written, run or left busy")
def test_a_container_keeps_what_a_repository_does(faults: Faults, folder: Path) -> None:
    for name, one in _some(CONTAINED, faults, 1):
        (folder / name).mkdir()
        repository, outside = written(folder / name, one)
        ran = run(repository, outside, "docker", "--modssl-programs", "refuse")
        assert "::starts" in ran.output, ran.output
        assert "has programs run on this machine" not in ran.output, ran.output
        assert leaks(folder / name, ran) == [], name
        assert sorted(path.name for path in outside.iterdir()) == ["secret.txt"], name
        assert "Traceback" not in ran.output, ran.output
        assert "\x1b" not in ran.output, repr(ran.output)
        assert left(folder / name) == [], name
