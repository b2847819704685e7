"""What of a configuration would ask other machines, run programs or be another account, and what stands there instead.

The addresses are those that lead nowhere: port 9 of this machine, where nobody listens, and one of RFC 5737, which is
assigned to nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_NOWHERE: Final = "127.0.0.1:9"
_NOBODY: Final = "192.0.2.1"

_NO_DATABASE: Final = "left out, as no database is asked"
_NO_MACHINE: Final = "left out, as no other machine is asked"
_NO_CA: Final = "left out, as no certificate authority is asked"
_NO_PROGRAM: Final = "left out, as no program is run"

LEFT_OUT: Final[Mapping[str, str]] = {
    "dbdriver": _NO_DATABASE,
    "dbdparams": _NO_DATABASE,
    "dbdinitsql": _NO_DATABASE,
    "heartbeataddress": _NO_MACHINE,
    "heartbeatlisten": _NO_MACHINE,
    "proxyblock": _NO_MACHINE,
    "noproxy": _NO_MACHINE,
    "mdcertificateauthority": _NO_CA,
    "mdhttpproxy": _NO_CA,
    "mdstapling": _NO_CA,
    "mdmessagecmd": _NO_PROGRAM,
    "mdnotifycmd": _NO_PROGRAM,
    "mdchallengedns01": _NO_PROGRAM,
    "suexecusergroup": "left out, as scripts run as the account of the server",
}
"""Directives that are left out, by name in small letters, and why (manual pages of mod_dbd, mod_heartbeat,
mod_heartmonitor, mod_proxy, mod_md and mod_suexec)."""


@dataclass(frozen=True, slots=True)
class Secluded:
    """A word that is replaced.

    Attributes:
        index: of the word among the arguments, from 0.
        text: what stands there instead, without quotes.
    """

    index: int
    text: str


def secluded(name: str, words: Sequence[str]) -> tuple[Secluded, ...]:
    """The words of a directive that would lead to another machine or to a program.

    Args:
        name: as written, in any case.
        words: its arguments, quotes taken off, variables replaced as far as they are known.
    """
    rule = _RULES.get(name.lower())
    return () if rule is None else tuple(rule(words))


def _replaced(pattern: str, text: str) -> Callable[[Sequence[str]], Iterator[Secluded]]:
    """A rule for each word that begins as a pattern says."""
    beginning = re.compile(pattern, re.IGNORECASE)

    def rule(words: Sequence[str]) -> Iterator[Secluded]:
        for index, word in enumerate(words):
            if beginning.match(word):
                yield Secluded(index, beginning.sub(text, word, count=1))

    return rule


def _required(words: Sequence[str]) -> Iterator[Secluded]:
    """Require [not] host name ..., Require [not] forward-dns name ... (manual, mod_authz_host)."""
    kind = 1 if words[:1] and words[0].lower() == "not" else 0
    if words[kind : kind + 1] and words[kind].lower() in {"host", "forward-dns"}:
        yield Secluded(kind, "ip")
        yield from (Secluded(index, _NOBODY) for index in range(kind + 1, len(words)))


def _canonical(words: Sequence[str]) -> Iterator[Secluded]:
    if words and words[0].lower() == "dns":
        yield Secluded(0, "Off")


_URL: Final = _replaced(r"^(https?://)[^/]*", rf"\g<1>{_NOWHERE}")
_CACHE: Final = _replaced(r"^(?:memcache|redis|dc)(?::.*)?$", "shmcb")
# What is neither an address nor a network is a name, and asked for when httpd reads it (manual, mod_remoteip).
_PROXY: Final = _replaced(r"^(?![\d.]+(?:/|$)|[\da-f]*:)[\w.-]+$", _NOBODY)
# A name, or the end of one; env= and all are none (manual, mod_access_compat).
_CLIENT: Final = _replaced(r"^(?!from$|all$|env=|[\d.]+(?:/|$)|[\da-f]*:)[\w.-]+$", _NOBODY)

# Health checks go to the name of a back end, past its socket (modules/proxy, mod_proxy_hcheck.c).
_MEMBER: Final = _replaced(r"^hcmethod=.*", "hcmethod=NONE")

_RULES: Final[Mapping[str, Callable[[Sequence[str]], Iterator[Secluded]]]] = {
    "allow": _CLIENT,
    "deny": _CLIENT,
    "proxypass": _MEMBER,
    "balancermember": _MEMBER,
    "proxyset": _MEMBER,
    "require": _required,
    "usecanonicalname": _canonical,
    "remoteipinternalproxy": _PROXY,
    "remoteiptrustedproxy": _PROXY,
    "authldapurl": _replaced(r"^(ldap[si]?://)[^/]*", rf"\g<1>{_NOWHERE}"),
    "authldapbindpassword": _replaced(r"^exec:.*", "unknown"),
    "sslsessioncache": _CACHE,
    "sslstaplingcache": _CACHE,
    "authncachesocache": _CACHE,
    "cachesocache": _CACHE,
    "sslocspdefaultresponder": _URL,
    "sslocspproxyurl": _URL,
    "sslstaplingforceurl": _URL,
    "mdrenewmode": _replaced(r"^(?:auto|always)$", "manual"),
}
"""Syntax: the page of each directive in the manual of httpd 2.4."""
