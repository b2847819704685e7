"""A repository of two sites under git, to be changed and compared."""

from __future__ import annotations

import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MAIN: Final = dedent("""\
    ServerRoot /etc/httpd
    LoadModule mpm_event_module modules/mod_mpm_event.so
    LoadModule alias_module modules/mod_alias.so
    LoadModule authz_core_module modules/mod_authz_core.so
    LoadModule headers_module modules/mod_headers.so
    LoadModule socache_shmcb_module modules/mod_socache_shmcb.so
    LoadModule ssl_module modules/mod_ssl.so
    LoadModule unique_id_module modules/mod_unique_id.so
    LoadModule unixd_module modules/mod_unixd.so
    Listen 80
    Listen 443
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    Header always set X-Request "%{UNIQUE_ID}e"
    Include hosts/*.conf
""")
SITE: Final = dedent("""\
    <VirtualHost *:80>
        ServerName {name}.review.example
        Redirect 302 / https://{name}.review.example/
    </VirtualHost>
    <VirtualHost *:443>
        ServerName {name}.review.example
        ServerAlias old.{name}.review.example
        SSLEngine on
        SSLCertificateFile /etc/tls/{name}.pem
        Header always set X-Frame-Options DENY
    </VirtualHost>
""")


def git(folder: Path, *words: str) -> str:
    """What git answers to a command."""
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com", "-c", "protocol.file.allow=always")
    return subprocess.run(
        ["git", "-C", folder, *who, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    """The name of a commit of all that is there, these files included."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "a change")
    return git(folder, "rev-parse", "HEAD")


def two_sites(folder: Path) -> Path:
    """The folder, with one commit on its branch `main`."""
    git(folder, "init", "-q", "-b", "main")
    sites = {f"hosts/{number}-{name}.conf": SITE.format(name=name) for number, name in enumerate(("www", "shop"))}
    commit(folder, {"conf/httpd.conf": MAIN, **sites})
    return folder


def edit(file: Path, old: str, new: str) -> None:
    """Replaces a piece of a file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
