"""The FAQ's group Support."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry

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
        remedy="write to users@httpd.apache.org, then to https://httpd.apache.org/bug_report.html",
        anchor="contact",
    ),
    Entry(
        id="bug-report",
        group="support",
        question="What information should I provide when writing a bug report?",
        cause="versions, build, modules, configuration, log, and what happened",
        remedy="send httpd -V, httpd -M, the configuration and the log lines, without any private key or password",
        anchor="reportdetails",
    ),
    Entry(
        id="core-dump-help",
        group="support",
        question="I had a core dump, can you help me?",
        cause="a child of httpd ended by a signal",
        remedy="get a backtrace of the core: CoreDumpDirectory names the folder for it",
        anchor="coredumphelp",
        directives=("CoreDumpDirectory",),
        numbers=("AH00051", "AH00052"),
    ),
    Entry(
        id="backtrace",
        group="support",
        question="How do I get a backtrace, to help find the reason for my core dump?",
        cause="gdb reads it from the core, with the symbols of httpd and its modules",
        remedy="gdb /path/to/httpd CORE, then bt; or run httpd as one process: single_process=True",
        anchor="backtrace",
        directives=("CoreDumpDirectory",),
    ),
)
