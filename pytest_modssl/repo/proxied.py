"""Which words of a configuration name a back end, and what stands there when a stand-in answers for it.

Nothing here looks at a disk or asks a server. How httpd takes `unix:SOCKET|` before a URL was measured on 2.4.71:

- It works in ProxyPass, ProxyPassMatch, BalancerMember, SetHandler, AddHandler and RewriteRule with [P], for http,
  https, ws, wss, fcgi, ajp, scgi and uwsgi. In host and path, `$1`, `%{...}` and `${map:...}` work as without it.
- ProxyPassReverse and the section `<Proxy URL>` go by the URL alone: they stay as they are.
- `<Proxy URL key=value>`, or a `ProxySet` in `<Proxy URL>`, makes the worker of that URL. Without a socket, as there it
  has none, a later ProxyPass takes it over and asks DNS. One that is made in the main server beforehand counts instead:
  see `worker_url` and `worker_text`.
- The worker of a ProxyPassMatch counts where the URL is at least as long as it is written (`http://app/$1`): for the
  first page of a site it is not, and DNS is asked. A worker of the URL without its path takes these.
- A ProxyPass with `interpolate` loses the socket where its URL has a variable.
- A socket's path of more than 107 bytes is cut off without a word, and answered 503 (AH02454).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.backends.address import BackendAddress
from pytest_modssl.errors import BackendError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SOCKET_PATH: Final = 107
"""Bytes of the longest path of a socket on Linux (unix(7): 108 with its end)."""

_HANDLER: Final = "proxy:"
_BALANCER: Final = "balancer:"
_URL: Final = re.compile(r"(?:unix:[^|]*\|)?[A-Za-z][A-Za-z0-9+.-]*://", re.IGNORECASE)
_SOCKET: Final = re.compile(r"unix:[^|]*\|", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProxiedWord:
    """A word of a directive that names a back end.

    Attributes:
        index: of the word among the arguments, from 0.
        word: as it was given.
        backend: the back end; `None` where nothing can stand in for it.
        problem: why not, in words that can stand in a `Substitution`; empty where something can.
    """

    index: int
    word: str
    backend: BackendAddress | None
    problem: str = ""


def backend_urls(name: str, words: Sequence[str]) -> tuple[ProxiedWord, ...]:
    """The words of a directive that name a back end; none for one that names none.

    Args:
        name: as written, in any case.
        words: its arguments, quotes taken off, variables replaced as far as they are known.
    """
    rule = _RULES.get(name.lower())
    return () if rule is None else tuple(rule(words))


def redirected(word: str, socket: str, *, written: str = "") -> str:
    """A word that names a back end, so that httpd goes to the socket instead: the rest of it stays.

    Args:
        word: as `backend_urls` took it.
        socket: path of the stand-in's socket, as httpd sees it.
        written: the word with its variables, as the file has it. It is kept where that is possible: where no variable
            holds the beginning `proxy:` or `unix:`.

    Raises:
        ConfigError: the path is too long for a socket.
    """
    length = len(socket.encode("utf-8", "surrogateescape"))
    if length > SOCKET_PATH:
        raise ConfigError(
            f"{socket}: a socket's path has {SOCKET_PATH} bytes at most, and this one has {length}. "
            "Give a shorter folder"
        )
    kept = written if written and _beginning(written) == _beginning(word) else word
    handler, before = _beginning(kept)
    return f"{handler}unix:{socket}|{kept[len(handler) + len(before) :]}"


def worker_url(name: str, words: Sequence[str], section: Sequence[str] = ()) -> str:
    """The URL of a worker that has to be made beforehand, so that a directive goes to a socket; empty for none.

    Where a ProxyPass names this very URL none is needed, and it would take the place of that with its settings.

    Args:
        name: "Proxy" for the section, "ProxySet", or "ProxyPassMatch".
        words: arguments, as for `backend_urls`.
        section: arguments of the `<Proxy>` around it.
    """
    kind = name.lower()
    if kind == "proxypassmatch":
        return next((str(one.backend) for one in backend_urls(name, words) if _goes_by_path(one)), "")
    makes = (kind == "proxy" and len(words) > 1) or (kind == "proxyset" and len(section) > 0)
    url = (words if kind == "proxy" else section)[0] if makes else ""
    named = _at([url], 0) if _URL.match(url) else None
    return url if named is not None and named.backend is not None and "*" not in url else ""


def worker_text(url: str, socket: str) -> str:
    """What makes the worker of a URL in the main server, with its socket: to stand before the user's configuration.

    `retry=60` is httpd's default; without a parameter httpd makes no worker.

    Raises:
        ConfigError: the path is too long for a socket.
    """
    return f'<Proxy "{redirected(url, socket)}" retry=60>\n</Proxy>\n'


def _goes_by_path(found: ProxiedWord) -> bool:
    """Whether back references make the path of its URL alone; a socket of the user's own is as good as its worker."""
    backend = found.backend
    return backend is not None and not backend.varies and not backend.socket and "$" in found.word


def _beginning(word: str) -> tuple[str, str]:
    """What stands before the URL: `proxy:` or nothing, and `unix:SOCKET|` or nothing."""
    handler = word[: len(_HANDLER)] if word.lower().startswith(_HANDLER) else ""
    match = _SOCKET.match(word, len(handler))
    return handler, match[0] if match else ""


def _at(words: Sequence[str], index: int, *, start: int = 0) -> ProxiedWord | None:
    """The back end that a word names, from `start` on; `None` for a balancer."""
    word = words[index]
    url = word[start:]
    if url.lower().startswith(_BALANCER):
        return None
    try:
        return ProxiedWord(index, word, BackendAddress.parse(url))
    except BackendError as error:
        return ProxiedWord(index, word, None, f"stays, and httpd goes there itself: {error}")


def _passed(words: Sequence[str]) -> Iterator[ProxiedWord]:
    """ProxyPass [path] !|url [key=value ...] [interpolate] [nocanon]; the path is left out in <Location>."""
    index = next((index for index in range(min(2, len(words))) if _URL.match(words[index])), min(1, len(words) - 1))
    if index < 0 or words[index] == "!" or (index == 0 and words[0].startswith(("/", "^"))):
        return
    found = _at(words, index)
    if found is not None and "${" in found.word and any(one.lower() == "interpolate" for one in words[index + 1 :]):
        why = "stays, and httpd goes there itself: its URL is made for each request (interpolate)"
        found = ProxiedWord(index, found.word, None, why)
    if found is not None:
        yield found


def _member(words: Sequence[str]) -> Iterator[ProxiedWord]:
    """BalancerMember [balancer] url [key=value ...]; the balancer is left out in <Proxy>."""
    index = next((index for index in range(min(2, len(words))) if not words[index].lower().startswith(_BALANCER)), None)
    found = None if index is None else _at(words, index)
    if found is not None:
        yield found


def _handler(words: Sequence[str]) -> Iterator[ProxiedWord]:
    """SetHandler proxy:url, AddHandler proxy:url extension ..."""
    if words and words[0].lower().startswith(_HANDLER):
        found = _at(words, 0, start=len(_HANDLER))
        if found is not None:
            yield found


def _rewritten(words: Sequence[str]) -> Iterator[ProxiedWord]:
    """RewriteRule pattern substitution [flags], with P or proxy among the flags."""
    flags = {one.partition("=")[0].strip().lower() for one in "".join(words[2:]).strip("[]").split(",")}
    if flags & {"p", "proxy"}:
        found = _at(words, 1)
        if found is not None:
            yield found


def _without(index: int, why: str) -> Callable[[Sequence[str]], Iterator[ProxiedWord]]:
    """A word that takes no socket."""

    def rule(words: Sequence[str]) -> Iterator[ProxiedWord]:
        if len(words) > index:
            yield ProxiedWord(index, words[index], None, why)

    return rule


# Measured on httpd 2.4.71: a worker with a socket goes to it, and asks there in the form that is for a proxy.
_REMOTE: Final = "stays, and is not asked: a stand-in gets the request, for http with the whole URL as its path"

_RULES: Final[Mapping[str, Callable[[Sequence[str]], Iterator[ProxiedWord]]]] = {
    "proxypass": _passed,
    "proxypassmatch": _passed,
    "balancermember": _member,
    "sethandler": _handler,
    "addhandler": _handler,
    "rewriterule": _rewritten,
    "proxyremote": _without(1, _REMOTE),
    "proxyremotematch": _without(1, _REMOTE),
    "authnzfcgidefineprovider": _without(2, "stays, and httpd goes there itself: mod_authnz_fcgi takes no socket"),
}
"""Syntax: manual pages mod_proxy, core (SetHandler), mod_mime, mod_rewrite and mod_authnz_fcgi of httpd 2.4."""
