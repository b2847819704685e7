"""URLs, and the directives that redirect them: what several recognisers of this group need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Place, Used
    from pytest_modssl.httpd.config import VirtualHost

# Of mod_alias and mod_rewrite; the target is their last argument but for the flags of RewriteRule.
_REDIRECTS = frozenset({"redirect", "redirectmatch", "redirectpermanent", "redirecttemp", "rewriterule"})
# Sections in which mod_rewrite works per directory (manual, mod_rewrite, "Per-directory Rewrites").
_PER_DIRECTORY = ("<Directory", "<Location", "<Files", "<If")


def port_of(url: str) -> int:
    """The port of a URL, that of its scheme where it names none."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def host_at(evidence: Evidence, url: str) -> VirtualHost | None:
    """The virtual host that answers for a URL."""
    return evidence.host_of(urlsplit(url).hostname, port_of(url))


def call_of(evidence: Evidence, url: str) -> Place | None:
    """The call that made the virtual host of a URL."""
    return evidence.call(host_at(evidence, url))


def https_elsewhere(evidence: Evidence, url: str) -> VirtualHost | None:
    """A virtual host of a URL's name that speaks TLS, where the URL's port is not one of its own."""
    name, port = urlsplit(url).hostname or "", port_of(url)
    own = [one for one in evidence.config.virtual_hosts if name in (one.name, *one.aliases)]
    if any(one.port == port and one.certificates for one in own):
        return None
    return next((one for one in own if one.certificates), None)


def of_host(evidence: Evidence, url: str, *names: str) -> Iterator[Used]:
    """The directives of these names (lower case) in the virtual host of a URL, in order."""
    host = host_at(evidence, url)
    if host is None:
        return
    # A ServerName of the user's own may leave out the port.
    keys = (f"{host.name}:{host.port}", host.name)
    yield from (one for one in evidence.directives if one.name.lower() in names and one.host in keys)


def per_directory(used: Used) -> bool:
    """Whether a directive stands where mod_rewrite matches against a path without its leading slash."""
    return any(one.startswith(_PER_DIRECTORY) for one in used.sections)


def flags(rule: Used) -> frozenset[str]:
    """The flags of a RewriteRule, in capitals and without values: R, L, NE."""
    text = rule.words[2] if len(rule.words) > 2 else ""
    return frozenset(one.strip().partition("=")[0].upper() for one in text.strip("[]").split(",") if one.strip())


def matches(rule: Used, url: str, *, pattern: str | None = None) -> bool:
    """Whether the pattern of a RewriteRule fits a URL's path, as far as Python reads patterns as PCRE does."""
    path = unquote(urlsplit(url).path)
    wanted = rule.words[0] if pattern is None else pattern
    try:
        found = re.search(wanted.removeprefix("!"), path.lstrip("/") if per_directory(rule) else path) is not None
    except re.error:
        return False
    return found is not wanted.startswith("!")


def redirecting(evidence: Evidence, url: str) -> Used | None:
    """The directive that redirects a URL; `None` where none is to be seen that would."""
    for one in of_host(evidence, url, *_REDIRECTS):
        if one.name.lower() == "rewriterule":
            if len(one.words) > 1 and (flags(one) & {"R", "REDIRECT"} or "://" in one.words[1]) and matches(one, url):
                return one
        elif one.words and "://" in one.words[-1]:
            return one
    return None
