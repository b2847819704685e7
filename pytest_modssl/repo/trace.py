"""What mod_rewrite itself says about one request, each rule at the user's own file and line.

mod_rewrite logs what it does and not where the rule stands; the rules are known by their patterns and their order, in
the context that a line names: a virtual host or a folder (compared with mod_rewrite.c of httpd 2.4.71 and its log).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_modssl.repo.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.faq.evidence import Used
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.repo.tables import Row
    from pytest_modssl.targets.server import Server

DIRECTIVES = "LogLevel rewrite:trace5"
"""What a server needs for it: rules at trace3, conditions at trace4, variables and maps at trace5."""

# 127.0.0.1 - - [www.example.test/sid#7f06efcd1550][rid#7f06ec2e70a0/initial/redir#1] [perdir /var/www/] TEXT
_LINE = re.compile(
    r"\S+ \S+ \S+ \[(?P<host>[^\]/]*)/sid#\w+\]\[rid#\w+/(?P<kind>[^\]]*)\] "
    r"(?:\[perdir (?P<folder>[^\]]*)\] )?(?P<text>.*)",
    re.DOTALL,
)
_RULE = re.compile(r"applying pattern '(?P<pattern>.*)' to uri '(?P<uri>.*)'", re.DOTALL)
_CONDITION = re.compile(
    r"RewriteCond: input='(?P<input>.*)' pattern='(?P<pattern>.*)'(?P<flags>(?: \[NC\])?) => (?P<result>.*)", re.DOTALL
)
# Said of every request, or once more of what another line says.
_NOISE = (
    "init rewrite engine",
    "setting lastsub",
    "strip per-dir prefix",
    "add path info postfix",
    "trying to replace",
    "escaping ",
    "pass through ",
    "explicitly forcing redirect",
    "add per-dir prefix",
    "reduce ",
)
_SECTION = re.compile(r"<(?:Directory|Location|Files)\w*\s+(?:~\s+)?\"?(?P<path>[^\">]*)")
# Rules that did nothing are shown one by one up to this number.
_SHOWN_IDLE = 6


@dataclass(slots=True)
class Step:
    """What became of one rule.

    Attributes:
        pattern: of the rule, as it was logged.
        uri: that it was applied to.
        folder: for which it stands, in a section or a `.htaccess`; empty for a rule of a server.
        conditions: each as logged, in words, with its place if known.
        effects: what the rule did.
        rule: the directive; `None` where it is not among those that httpd tells (those of `.htaccess`).
    """

    pattern: str
    uri: str
    folder: str = ""
    conditions: list[tuple[str, str, str]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    rule: Rule | None = None

    @property
    def acted(self) -> bool:
        """Whether it matched, as far as the log tells: a rule without conditions and effects is silent then."""
        return bool(self.conditions or self.effects)

    def lines(self) -> Iterator[str]:
        """It as text."""
        place, text = _at(None if self.rule is None else self.rule.used)
        text = text or f"RewriteRule {self.pattern}"
        place = place or f"a rule of {self.folder}.htaccess" if self.folder else place
        yield f"{place}{place and ': '}{text}"
        given = () if self.rule is None else self.rule.conditions
        places = {one.words[1]: _at(one)[0] for one in given if len(one.words) > 1}
        for seen, pattern, result in self.conditions:
            where = places.get(pattern, "")
            yield f"    {where}{where and ': '}condition {pattern!r} on {seen!r}: {result}"
        if self.effects:
            yield from (f"    {one}" for one in self.effects)
        elif not self.conditions:
            yield f"    no effect on {self.uri!r}"
        else:
            yield f"    matches {self.uri!r}, but not its conditions"


@dataclass(frozen=True, slots=True)
class Rule:
    """A `RewriteRule` of a configuration.

    Attributes:
        used: the directive.
        conditions: the `RewriteCond`s before it.
    """

    used: Used
    conditions: tuple[Used, ...] = ()

    @property
    def pattern(self) -> str:
        """As mod_rewrite logs it: without the `!`."""
        return self.used.words[0].removeprefix("!") if self.used.words else ""


@dataclass(frozen=True, slots=True)
class Trace:
    """What mod_rewrite did with one request, in order.

    Attributes:
        request: method and URL.
        steps: rules, and between them what belongs to none, as text.
    """

    request: str
    steps: tuple[Step | str, ...]

    def __str__(self) -> str:
        if not self.steps:
            return (
                f"mod_rewrite's trace of {self.request}: nothing was logged: RewriteEngine is off there, "
                "or a LogLevel of the host's own is in force"
            )
        lines = [f"mod_rewrite's trace of {self.request}:"]
        idle: list[Step] = []
        for step in (*self.steps, ""):
            if isinstance(step, Step) and not step.acted:
                idle.append(step)
                continue
            lines += _idle(idle)
            idle.clear()
            lines += [f"  {line}" for line in (step.lines() if isinstance(step, Step) else filter(None, [step]))]
        return "\n".join(lines)


class Tracer:
    """Asks a server of its own, which logs what mod_rewrite does.

    Args:
        server: a server of the same configuration with `DIRECTIVES` added.
    """

    def __init__(self, server: Server) -> None:
        self.server = server

    def trace(self, row: Row) -> Trace:
        """What mod_rewrite does with the request of a row; nothing where the request fails before it comes to that."""
        self.server.begin_test()
        connections = Connections(self.server)
        try:
            connections.ask(row.url, method=row.method, headers=row.request_headers, body=row.body)
        except (OSError, ValueError):
            pass
        finally:
            connections.close()
        # The log of a container comes some time after the answer; by then this connection has been dealt with.
        self.server.instance.settle()
        parts = urlsplit(row.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        reached = self.server.config.port_of(parts.hostname or "", port)
        host = self.server.evidence().host_of(parts.hostname, reached)
        name = "" if host is None else f"{host.name}:{host.port}"
        steps = read(self.server.log.records, self._rules, name)
        self.server.begin_test()  # it is not this server that the test is about: its log is in no report
        return Trace(f"{row.method} {row.url}", tuple(steps))

    @cached_property
    def _rules(self) -> tuple[tuple[Rule, ...], ...]:
        return contexts(self.server.evidence().directives)


def contexts(directives: Sequence[Used]) -> tuple[tuple[Rule, ...], ...]:
    """The rules of a configuration by context, as they follow each other there."""
    found: dict[tuple[str, tuple[str, ...]], list[Rule]] = {}
    conditions: list[Used] = []
    for one in directives:
        if one.name.lower() == "rewritecond":
            conditions.append(one)
        elif one.name.lower() == "rewriterule":
            found.setdefault((one.host, one.sections), []).append(Rule(one, tuple(conditions)))
            conditions.clear()
    return tuple(map(tuple, found.values()))


def read(records: Sequence[LogRecord], rules: Sequence[Sequence[Rule]], host: str = "") -> list[Step | str]:
    """The steps that log lines of one request tell.

    Args:
        records: of the log; those of other modules are passed over.
        rules: of the configuration, as `contexts` gives them.
        host: "www.example.test:443", the virtual host that answered.
    """
    steps: list[Step | str] = []
    kind = "initial"
    for record in records:
        line = _LINE.fullmatch(record.message) if record.module == "rewrite" else None
        if line is None:
            continue
        text, folder = line["text"], line["folder"] or ""
        if line["kind"] != kind:
            kind = line["kind"]
            steps.append(f"({'subrequest' if 'subreq' in kind else 'internal redirect'}: {kind})")
        last = steps[-1] if steps and isinstance(steps[-1], Step) else None
        if (rule := _RULE.fullmatch(text)) is not None:
            steps.append(Step(rule["pattern"], rule["uri"], folder))
        elif (condition := _CONDITION.fullmatch(text)) is not None and last is not None:
            last.conditions.append((condition["input"], condition["pattern"], condition["result"]))
        elif not text.startswith(_NOISE):
            if last is None:
                steps.append(text)
            else:
                last.effects.append(text)
    for folder in dict.fromkeys(one.folder for one in steps if isinstance(one, Step)):
        _place_rules([one for one in steps if isinstance(one, Step) and one.folder == folder], rules, host, folder)
    return steps


def _place_rules(steps: Sequence[Step], rules: Sequence[Sequence[Rule]], host: str, folder: str) -> None:
    """Gives steps of one context their rules: by the context in which most of them are found, in order."""
    fitting = [one for one in rules if _fits(one[0].used, folder)]
    # The host's own first: of equal ones max() takes the first.
    fitting.sort(key=lambda one: (one[0].used.host != host, bool(one[0].used.host)))
    every = [_walk(steps, one) for one in fitting]
    best = max(every, key=lambda found: sum(one is not None for one in found), default=[])
    for step, rule in zip(steps, best, strict=False):
        step.rule = rule


def _fits(used: Used, folder: str) -> bool:
    paths = [match["path"] for match in map(_SECTION.match, used.sections) if match is not None]
    if not folder:
        return not paths
    return any(path.rstrip("/") == folder.rstrip("/") or set(path) & set("*?[^$(") for path in paths)


def _walk(steps: Sequence[Step], rules: Sequence[Rule]) -> list[Rule | None]:
    """The rule of each step: the next one with its pattern, from the top again where mod_rewrite began anew."""
    found: list[Rule | None] = []
    at = 0
    for step in steps:
        ahead = (n for n in (*range(at, len(rules)), *range(at)) if rules[n].pattern == step.pattern)
        number = next(ahead, None)
        found.append(None if number is None else rules[number])
        at = at if number is None else number + 1
    return found


def _at(used: Used | None) -> tuple[str, str]:
    if used is None:
        return "", ""
    return "" if used.place is None else str(used.place.origin), used.text


def _idle(steps: Sequence[Step]) -> list[str]:
    if len(steps) > _SHOWN_IDLE:
        first, last = (next(one.lines()) for one in (steps[0], steps[-1]))
        return [f"  {len(steps)} rules without effect on {steps[-1].uri!r}, from", f"    {first}", f"    to {last}"]
    return [f"  {line}" for step in steps for line in step.lines()]
