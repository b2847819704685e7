"""The FAQ's group Support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.httpd.crashes import CRASHES, crashes_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# Signals that end a program which did something that it must not (signal(7)); the others are sent on purpose.
_FAULTS = {-4: "illegal instruction", -6: "abort", -7: "bus error", -8: "arithmetic error", -11: "segmentation fault"}
# A TLS handshake in a thread with less crashes its child: measured on httpd 2.4.71 / OpenSSL 3.0.22 with 20480 bytes
# always, with 32768 on some machines; twice that was enough on all.
_ENOUGH_STACK = 65536
# As many frames as tell which module it was; the bug report has all of them.
_TOLD_FRAMES = 12
_REPORT = "pytest --modssl-artifacts DIR writes all that a bug report should have"


def _crashed(evidence: Evidence) -> Iterator[Finding]:
    """A child that ended by a signal, or httpd itself."""
    told = {record.message for record, _ in evidence.logged(*CRASHES)}
    crashes = [one for one in evidence.crashes if one.pid is None or any(one.said.endswith(text) for text in told)]
    seen = [line for one in crashes for line in (one.said, *one.backtrace[:_TOLD_FRAMES])]
    if not seen and evidence.start.status in _FAULTS:
        seen = [f"httpd itself ended by signal {-evidence.start.status}, {_FAULTS[evidence.start.status]}"]
    if not seen:
        return
    stack = evidence.find("ThreadStackSize")
    size = stack.words[0] if stack is not None and stack.words else ""
    if stack is not None and size.isdecimal() and int(size) < _ENOUGH_STACK:
        yield Finding(
            seen=tuple(seen),
            cause=f"httpd's threads crash: their stack of {size} bytes is too small for TLS",
            place=stack.place,
            remedy=f"leave out ThreadStackSize, or make it {2 * _ENOUGH_STACK} or more",
            certainty="likely",
        )
        return
    which = f"a child of httpd was ended by {crashes[0].signal}" if crashes else "httpd ended by a signal"
    yield Finding(seen=tuple(seen), cause=which, remedy=f"the backtrace tells which module it was; {_REPORT}")


def _no_backtrace(evidence: Evidence) -> Iterator[Finding]:
    """Crashes without any backtrace, where the failure is about the crash or the core."""
    if evidence.mismatch("core of .*") is None and not crashes_in(evidence.records):
        return
    if not evidence.crashes or any(one.backtrace for one in evidence.crashes):
        return
    last = evidence.crashes[-1]
    used = evidence.find("CoreDumpDirectory")
    why, _, remedy = last.lacking.partition("; ")
    yield Finding(
        seen=(last.said,),
        cause=why,
        place=None if used is None else used.place,
        remedy=remedy or _REPORT,
        certainty="likely",
    )


ENTRIES = (
    Entry(
        id="information-resources",
        group="support",
        question="What information resources are available in case of mod_ssl problems?",
        cause="httpd's manual and its FAQ",
        remedy="follow the links of a diagnosis, or python -m pytest_modssl faq ID",
        anchor="resources",
    ),
    Entry(
        id="support-contacts",
        group="support",
        question="What support contacts are available in case of mod_ssl problems?",
        cause="the users' mailing list, then the bug database",
        remedy="write to users@httpd.apache.org, then to https://httpd.apache.org/bug_report.html; a bug report of "
        "pytest-modssl (python -m pytest_modssl report) ends with where to send it",
        anchor="contact",
    ),
    Entry(
        id="bug-report",
        group="support",
        question="What information should I provide when writing a bug report?",
        cause="versions, build, modules, configuration, log, and what happened",
        remedy="pytest-modssl writes it, without private keys and passwords: python -m pytest_modssl report of an "
        "httpd, pytest --modssl-artifacts DIR of each test that fails",
        anchor="reportdetails",
    ),
    Entry(
        id="core-dump-help",
        group="support",
        question="I had a core dump, can you help me?",
        cause="a child of httpd ended by a signal",
        remedy="get a backtrace of the core: pytest --modssl-backtrace core",
        anchor="coredumphelp",
        directives=("CoreDumpDirectory", "ThreadStackSize"),
        numbers=("AH00051", "AH00052"),
        recognisers=(_crashed,),
    ),
    Entry(
        id="backtrace",
        group="support",
        question="How do I get a backtrace, to help find the reason for my core dump?",
        cause="gdb reads it from the core, with the symbols of httpd and its modules",
        remedy="pytest --modssl-backtrace core sets CoreDumpDirectory and has gdb read the core; where no core can be "
        "written, --modssl-backtrace gdb runs httpd as one process (httpd -X) under gdb",
        anchor="backtrace",
        directives=("CoreDumpDirectory",),
        numbers=("AH00051", "AH00052"),
        since="httpd 2.4 itself allows its children to dump core after they have changed their account, where "
        "CoreDumpDirectory is set (Linux). To have names in the backtrace, install the symbols of httpd and its "
        "modules (apache2-dbgsym on Debian)",
        recognisers=(_no_backtrace,),
    ),
)
