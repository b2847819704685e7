"""Links that switch between HTTP and HTTPS, and the usual mistakes in rules of mod_rewrite."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_modssl.faq.configuration._urls import (
    call_of,
    flags,
    host_at,
    https_elsewhere,
    matches,
    of_host,
    per_directory,
    port_of,
    redirecting,
)
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.http import RedirectChain
from pytest_modssl.httpd.syntax import directives_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_modssl.faq.evidence import Evidence, Used

_ENCODED = re.compile(r"%(?!25)([0-9A-Fa-f]{2})")
_NO_LOCATION = "has no Location"
_TOO_MANY = "more than the"


def _unmoved(evidence: Evidence) -> Iterator[RedirectChain]:
    """Chains without a redirect, where one was expected."""
    if evidence.mismatch("redirect") is not None:
        yield from (one for one in evidence.seen(RedirectChain) if not one.hops)


def _leading_slash(evidence: Evidence) -> Iterator[Finding]:
    for chain in _unmoved(evidence):
        for rule in of_host(evidence, chain.url, "rewriterule"):
            bare = re.sub(r"^(!?\^)/", r"\1", rule.words[0])
            if per_directory(rule) and bare != rule.words[0] and matches(rule, chain.url, pattern=bare):
                yield Finding(
                    seen=(f"{chain.url} answered {chain.status}, and no redirect",),
                    cause=f"{rule.sections[-1]} matches paths without their leading slash, which {rule.words[0]} wants",
                    place=rule.place,
                    remedy=f"write the pattern as {bare} there, or the rule directly in the virtual host",
                )
        yield from _leading_slash_in_htaccess(evidence, chain)


def _leading_slash_in_htaccess(evidence: Evidence, chain: RedirectChain) -> Iterator[Finding]:
    host = host_at(evidence, chain.url)
    for name, file in host.files.items() if host is not None else ():
        if not name.endswith(".htaccess"):
            continue
        for one in directives_in(file.content.decode("utf-8", "replace")):
            if one.name.lower() == "rewriterule" and one.arguments and re.match(r"!?\^/", one.arguments[0]):
                yield Finding(
                    seen=(f"{chain.url} answered {chain.status}, and no redirect", f"{name}:{one.line}: {one.name}"),
                    cause=f"line {one.line} of {name} wants a leading slash, which paths do not have in .htaccess",
                    place=evidence.call(host),
                    remedy=f"write the pattern without it: {one.arguments[0].replace('^/', '^', 1)}",
                )


def _engine_off(evidence: Evidence) -> Iterator[Finding]:
    for chain in _unmoved(evidence):
        seen = (f"{chain.url} answered {chain.status}, and no redirect",)
        inside = _per_server(of_host(evidence, chain.url, "rewriterule"))
        outside = _per_server(one for one in evidence.directives if not one.host)
        # Whether the engine runs is inherited, rules are not (measured on httpd 2.4.71).
        engine = [
            *(one for one in outside if one.name.lower() == "rewriteengine"),
            *_per_server(of_host(evidence, chain.url, "rewriteengine")),
        ]
        on = bool(engine) and engine[-1].words[:1] == ("on",)
        for rule in inside if not on else ():
            if matches(rule, chain.url):
                yield Finding(
                    seen=seen,
                    cause="the virtual host has the rule, and RewriteEngine is not on there",
                    place=rule.place,
                    remedy="write RewriteEngine on beside the rule",
                )
        for rule in outside if not inside else ():
            if rule.name.lower() == "rewriterule" and matches(rule, chain.url):
                yield Finding(
                    seen=seen,
                    cause="the rule stands outside of the virtual host, which does not inherit rules",
                    place=rule.place,
                    remedy="write RewriteEngine on and the rule into the virtual host itself",
                )


def _per_server(directives: Iterable[Used]) -> list[Used]:
    return [one for one in directives if not per_directory(one)]


def _wrong_place(evidence: Evidence) -> Iterator[Finding]:
    """A rule that leads to a port or name at which nothing speaks HTTPS."""
    for chain in evidence.seen(RedirectChain):
        if chain.status is not None or not chain.hops or not chain.url.startswith("https:"):
            continue
        hop = chain.hops[-1]
        rule = redirecting(evidence, hop.url)
        if rule is None or rule.name.lower() != "rewriterule":
            continue
        here, there = urlsplit(hop.url).hostname, urlsplit(chain.url).hostname
        wanted = https_elsewhere(evidence, chain.url)
        canonical = [one for one in of_host(evidence, hop.url, "usecanonicalname") if one.words[:1] == ("on",)]
        if wanted is not None:
            yield Finding(
                seen=(str(hop), chain.error or ""),
                cause=f"the rule leads to port {port_of(chain.url)}, and {wanted.name} speaks HTTPS on {wanted.port}",
                place=rule.place,
                remedy=f"write the port into the rule, https://%{{SERVER_NAME}}:{wanted.port}/: %{{SERVER_NAME}} has "
                "none, and %{HTTP_HOST} has that of the request",
            )
        elif here != there and canonical and "%{SERVER_NAME}" in rule.words[1]:
            yield Finding(
                seen=(str(hop), chain.error or ""),
                cause=f"with UseCanonicalName on, %{{SERVER_NAME}} is ServerName, {there}, not {here} of the request",
                place=canonical[-1].place,
                remedy="leave out UseCanonicalName on, let ServerName be the name that serves HTTPS, or write "
                "%{HTTP_HOST} in the rule",
            )


def _without_last(evidence: Evidence) -> Iterator[Finding]:
    for chain in evidence.seen(RedirectChain):
        if chain.error is None or _NO_LOCATION not in chain.error:
            continue
        rule = redirecting(evidence, chain.url)
        if rule is not None and flags(rule) & {"R", "REDIRECT"} and not flags(rule) & {"L", "LAST", "END"}:
            yield Finding(
                seen=(chain.error,),
                cause="the rule has R and not L: the rules after it took its redirect apart",
                place=rule.place,
                remedy="write [R,L]",
            )


def _encoded_twice(evidence: Evidence) -> Iterator[Finding]:
    for chain in evidence.seen(RedirectChain) if evidence.mismatches else ():
        for hop in chain.hops:
            twice = [one for one in set(_ENCODED.findall(hop.url)) if f"%25{one}" in (hop.location or "")]
            rule = redirecting(evidence, hop.url)
            if twice and rule is not None:
                yield Finding(
                    seen=(str(hop),),
                    cause=f"the rule encodes what is encoded already: %{twice[0]} became %25{twice[0]}",
                    place=rule.place,
                    remedy="add the flag NE, or take the path from the pattern ($1), where it is decoded",
                )


def _question_mark(evidence: Evidence) -> Iterator[Finding]:
    for chain in _unmoved(evidence):
        for record, _ in evidence.logged("AH10508"):
            rule = redirecting(evidence, chain.url)
            yield Finding(
                seen=(f"{chain.url} answered {chain.status}", shown(record)),
                cause="the path has an encoded question mark (%3F), which the rule would turn into a query",
                place=None if rule is None else rule.place,
                remedy="add the flags B and NE, which encode it once again, together with UnsafeAllow3F",
            )
            return


def _loop(evidence: Evidence) -> Iterator[Finding]:
    for chain in evidence.seen(RedirectChain):
        if chain.loop or (chain.error or "").startswith(_TOO_MANY):
            hop = chain.hops[-1]
            used = redirecting(evidence, hop.url)
            leads = "back to where the chain has been" if chain.loop else "on and on"
            yield Finding(
                seen=(*map(str, chain.hops[-2:]), chain.error or ""),
                cause=f"{hop.url} is redirected, and that leads {leads}",
                place=call_of(evidence, hop.url) if used is None else used.place,
                remedy="let the rule leave alone what it leads to: put it into the virtual host of the other scheme "
                "alone, or before it RewriteCond %{HTTPS} off",
                certainty="certain" if used is not None else "likely",
            )


ENTRIES = (
    Entry(
        id="scheme-switching",
        group="configuration",
        question="How can I switch between HTTP and HTTPS in relative hyperlinks?",
        cause="a relative link keeps the scheme of its page, unless a rule redirects it",
        remedy="let mod_rewrite redirect links with a suffix: RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]; "
        "in a <Directory> without the slash: ^(.*)_SSL$",
        anchor="relative",
        directives=("RewriteRule", "RewriteEngine", "UseCanonicalName"),
        numbers=("AH10508",),
        since="Since httpd 2.4.60 a path with %3F is answered 403 where a rule would rewrite it, unless that has the "
        "flag UnsafeAllow3F.",
        recognisers=(
            _leading_slash,
            _engine_off,
            _wrong_place,
            _without_last,
            _encoded_twice,
            _question_mark,
            _loop,
        ),
    ),
)
