"""Which secrets a server, its files, the environment and the requests of a test have."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.report.secrets import REMOVED, TELLING_NAME, Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.faq import Evidence, Used

# The arguments of directives that are secret, by the first one (httpd manual, the directive's own entry).
_ARGUMENTS: dict[str, int] = {
    "authbasicfake": 1,
    "authldapbindpassword": 0,
    "ldaptrustedclientcert": 2,
    "ldaptrustedglobalcert": 2,
    "mdexternalaccountbinding": 1,
    "sessioncryptopassphrase": 0,
    "sslpassphrasedialog": 1,
    "sslsrpunknownuserseed": 0,
}
# Directives that give a name a value, by the place of the name.
_NAMED: dict[str, int] = {"define": 0, "header": 1, "requestheader": 1, "setenv": 0}
_ACTIONS_BEFORE_NAME = frozenset({"always", "onsuccess", "early"})
_FIELD = re.compile(r"(?:proxy-)?authorization|(?:set-)?cookie2?|x-api-key|x-auth-.*", re.IGNORECASE)
_NAME = re.compile(TELLING_NAME, re.IGNORECASE)
_NAME_AND_VALUE = re.compile(rf"(?<![\w.-]){TELLING_NAME}=(.+)", re.IGNORECASE)
# Files that hold secrets, and which part of each line is one; `None` for all of the file, which need not be text.
_FILES: dict[str, re.Pattern[str] | None] = {
    "sslsessionticketkeyfile": None,
    "sessioncryptopassphrasefile": re.compile(r"(.+)"),
    "sslsrpverifierfile": re.compile(r"V\t([^\t]+)\t([^\t]+)\t"),  # srp(1ssl): verifier and salt
    "authuserfile": re.compile(r"[^:]+:(.+)"),
    "authdigestfile": re.compile(r"[^:]+:[^:]*:(.+)"),
}
_PROGRAM = re.compile(r"(?:^|[\s;&|])(?:echo|printf)\s+([^\n;&|]+)")
_LARGEST_FILE = 65536
# A path or a number is no secret, whatever the variable is called that holds it.
_NO_SECRET = re.compile(r"/.*|\d{1,5}|true|false|yes|no|on|off", re.IGNORECASE)
# PWD is a folder, and a session of XDG one of the desktop.
_HARMLESS = re.compile(r"(?:OLD)?PWD|XDG_.*|PYTEST_.*")


def learn_environment(secrets: Secrets, environment: Mapping[str, str] = os.environ) -> None:
    """Takes note of variables that are named as secrets are: httpd puts them in the place of `${NAME}`."""
    for name, value in environment.items():
        if _NAME.fullmatch(name) and not _HARMLESS.fullmatch(name) and not _NO_SECRET.fullmatch(value):
            secrets.add(value)


def learn_server(secrets: Secrets, evidence: Evidence) -> None:
    """Takes note of the secrets in a server's files and directives."""
    for content in evidence.rendered.contents:
        secrets.add_keys(content)
    # The files as they are written have what httpd does not tell of: Define.
    for text in evidence.rendered.texts:
        for directive in directives_in(text):
            secrets.add(*_secret_words(directive.name, directive.arguments))
    for used in evidence.directives:
        secrets.add(*_secret_words(used.name, used.words))
        secrets.learn_from(used.text)
        name = used.name.lower()
        path = used.words[0] if used.words else ""
        if name in _FILES:
            _learn_file(secrets, _content(evidence, path), _FILES[name])
        elif name == "sslpassphrasedialog" and path.startswith("exec:"):
            text = _content(evidence, path.removeprefix("exec:").partition(" ")[0]).decode(errors="replace")
            secrets.add(*(word for found in _PROGRAM.finditer(text) for word in _words(found[1])))


def learn_observations(secrets: Secrets, observations: Sequence[object]) -> None:
    """Takes note of passwords, tokens and cookies in requests and answers."""
    for one in observations:
        secrets.learn_from(str(one))
        if isinstance(one, requests.Response):
            for answer in (*one.history, one):
                _learn_fields(secrets, {**answer.request.headers})
                _learn_fields(secrets, {**answer.headers})
                secrets.add(*filter(None, [urlsplit(answer.request.url or "").password]))


def directive_text(used: Used) -> str:
    """A directive as one line, with what is secret by its place taken out, however short it is."""
    text = used.text
    for word in sorted(_secret_words(used.name, used.words), key=len, reverse=True):
        name, space, arguments = text.partition(" ")
        text = f"{name}{space}{arguments.replace(word, REMOVED)}"
    return text


def _secret_words(directive: str, words: Sequence[str]) -> list[str]:
    name = directive.lower()
    found = list(words[_ARGUMENTS[name] :]) if name in _ARGUMENTS else []
    if name == "sslpassphrasedialog":
        found += [one.partition(" ")[2] for one in words]
    if name in _NAMED:
        rest = [one for one in words if one.lower() not in _ACTIONS_BEFORE_NAME][_NAMED[name] :]
        if rest and (_NAME.fullmatch(rest[0]) or _FIELD.fullmatch(rest[0])):
            found += rest[1:]
    found += [value[1] for one in words if (value := _NAME_AND_VALUE.search(one))]
    return [one for one in found if one and one != "builtin"]


def _content(evidence: Evidence, path: str) -> bytes:
    """The beginning of a file of the server, one of ours or one that is where httpd is; empty where it is not."""
    ours = evidence.written(path)
    if ours is not None:
        return ours[0]
    ran = evidence.installation.run(["head", "-c", str(_LARGEST_FILE), path])
    return ran.stdout.encode("utf-8", "surrogateescape") if ran.returncode == 0 else b""


def _learn_file(secrets: Secrets, content: bytes, pattern: re.Pattern[str] | None) -> None:
    if pattern is None:
        secrets.add(content)
        return
    for line in content.decode("utf-8", "replace").splitlines():
        found = pattern.match(line)
        secrets.add(*(found.groups() if found else ()))


def _learn_fields(secrets: Secrets, fields: Mapping[str, str | bytes]) -> None:
    for name, value in fields.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if name.lower().endswith("cookie"):
            secrets.add(*(one for pair in text.split(";")[:1] if len(one := pair.partition("=")[2]) >= 8))
        elif _FIELD.fullmatch(name) or _NAME.fullmatch(name):
            scheme, _, rest = text.partition(" ")
            secrets.add(rest or scheme)
            secrets.learn_from(text)


def _words(text: str) -> Iterator[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    yield from (one.removesuffix("\\n") for one in words if not one.startswith(("-", "%", ">", "$")))
