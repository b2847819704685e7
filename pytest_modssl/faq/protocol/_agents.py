"""The workaround for old versions of MSIE: for whom it is there, and for whom it should not be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Finding
from pytest_modssl.faq.recognise import requested
from pytest_modssl.tls import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq.evidence import Evidence, Used
    from pytest_modssl.httpd.config import VirtualHost

_UNCLEAN = "ssl-unclean-shutdown"
# What an assertion speaks of: the variables that bring it about (manual, mod_setenvif and "Environment Variables in
# Apache"; downgrade-1.0 ends keep-alive, as HTTP/1.0 has none by itself), and how it reads where the workaround is in
# force.
_VARIABLES = {
    "close_notify": (_UNCLEAN,),
    "HTTP version": ("force-response-1.0",),
    "keep-alive": ("nokeepalive", "downgrade-1.0"),
}
_IN_FORCE = {"close_notify": "none", "HTTP version": "'HTTP/1.0'", "keep-alive": "False"}
_AGENT = re.compile(rb"^User-Agent:[ \t]*(.*?)\r?$", re.IGNORECASE | re.MULTILINE)
_HOST = re.compile(rb"^Host:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A directive that sets variables by the User-Agent."""

    used: Used
    pattern: str
    ignores_case: bool

    def matches(self, agent: str) -> bool:
        try:
            return re.search(self.pattern, agent, re.IGNORECASE if self.ignores_case else 0) is not None
        except re.error:
            return False


def workaround(evidence: Evidence) -> Iterator[Finding]:
    """A connection that did not end as it should for the client's name."""
    mismatch = next((one for one in evidence.mismatches if one.what in _VARIABLES), None)
    for one in reversed(evidence.seen(Exchange)):
        agent, name = _AGENT.search(one.request), _HOST.search(one.request)
        if mismatch is None or agent is None or name is None:
            return
        host = requested(evidence, f"https://{name[1].decode('ascii', 'replace')}/")
        who = agent[1].decode("ascii", "replace")
        missing = mismatch.expected == _IN_FORCE[mismatch.what]
        find = _missing if missing else _too_broad
        yield from find(evidence, host, who, mismatch)
        return


def _missing(evidence: Evidence, host: VirtualHost | None, agent: str, mismatch: Mismatch) -> Iterator[Finding]:
    variables = _VARIABLES[mismatch.what]
    seen = (f"{agent}: {mismatch}",)
    rules = _rules(evidence, host, variables)
    of_no_effect = [one for one in rules if one.matches(agent)]
    late = _find(evidence, "SetEnv", host, variables)
    if of_no_effect and len(of_no_effect[-1].used.sections) > 1:
        rule = of_no_effect[-1].used
        yield Finding(
            seen=seen,
            cause=f"{rule.name} stands in {rule.sections[-1]}: mod_ssl looks for {variables[0]} before sections for "
            "folders and paths count",
            place=rule.place,
            remedy="write it into the virtual host itself, or outside of all",
        )
    elif of_no_effect:
        return
    elif rules:
        rule = rules[-1].used
        yield Finding(
            seen=seen,
            cause=f'the pattern "{rules[-1].pattern}" does not match the User-Agent {agent!r}',
            place=rule.place,
            remedy=f"let the pattern match it, or another {rule.name} set {' '.join(variables[:1])} for it",
        )
    elif late is not None:
        yield Finding(
            seen=seen,
            cause=f"SetEnv sets {variables[0]} after mod_ssl has looked for it",
            place=late.place,
            remedy=f"write SetEnvIf User-Agent, which sets it when the request is read: "
            f'SetEnvIf User-Agent "MSIE [2-5]" {variables[0]}',
        )
    else:
        yield Finding(
            seen=seen, cause=f"nothing sets {variables[0]} for the User-Agent {agent!r}", place=evidence.call(host)
        )


def _too_broad(evidence: Evidence, host: VirtualHost | None, agent: str, mismatch: Mismatch) -> Iterator[Finding]:
    matching = [one for one in _rules(evidence, host, _VARIABLES[mismatch.what]) if one.matches(agent)]
    if matching:
        rule = matching[-1]
        yield Finding(
            seen=(f"{agent}: {mismatch}",),
            cause=f'the pattern "{rule.pattern}" matches the User-Agent {agent!r} too, and so the workaround for old '
            "versions of MSIE is in force for it",
            place=rule.used.place,
            remedy='let the pattern match the old versions alone: "MSIE [2-5]"',
        )


def _rules(evidence: Evidence, host: VirtualHost | None, variables: tuple[str, ...]) -> list[_Rule]:
    """The directives that set one of the variables by User-Agent for a host, in order."""
    found = []
    for one in evidence.directives:
        name = one.name.lower()
        words = one.words
        if name in {"setenvif", "setenvifnocase"} and words and words[0].lower() == "user-agent":
            words = words[1:]
        elif name not in {"browsermatch", "browsermatchnocase"}:
            continue
        set_here = {word.partition("=")[0] for word in words[1:]}
        if set_here.intersection(variables) and _counts(one, host):
            found.append(_Rule(one, words[0], name.endswith("nocase")))
    return found


def _find(evidence: Evidence, name: str, host: VirtualHost | None, variables: tuple[str, ...]) -> Used | None:
    found = (one for one in evidence.directives if one.name == name and one.words[:1] and one.words[0] in variables)
    return next((one for one in found if _counts(one, host)), None)


def _counts(used: Used, host: VirtualHost | None) -> bool:
    return not used.host or (host is not None and used.host == f"{host.name}:{host.port}")
