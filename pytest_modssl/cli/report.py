"""`pytest-modssl report`: a bug report about an httpd and its configuration, or about tests that fail."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.cli.declare import add_command, add_target
from pytest_modssl.cli.output import say
from pytest_modssl.cli.running import running
from pytest_modssl.errors import ModsslError

if TYPE_CHECKING:
    import argparse


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "report",
        _report,
        short="make a bug report: versions, build, modules, configuration, log; without secrets",
        description="Makes a bug report as mod_ssl's FAQ asks for it, without private keys and passwords. Without "
        "TEST it is about the httpd of a target and the configuration that this httpd has, or --config names. With "
        "TEST, or --last-failed, it runs these tests by `pytest --modssl` and reports those that fail.",
        examples={
            "report": "the httpd of this machine and its configuration",
            "report --last-failed --output report.txt": "the tests that failed the last time",
            "report --config /etc/httpd/conf/httpd.conf": "",
        },
        note="Secrets are taken out: what is known to be one, and what looks like one. Look through the report before "
        "you send it. It is a text for people; as data, `pytest --modssl-report FILE.json` has a whole run.",
    )
    parser.add_argument("test", nargs="*", metavar="TEST", help="test to run, as for pytest: file, folder or id")
    parser.add_argument(
        "--last-failed", action="store_true", help="run the tests that failed the last time (pytest --lf)"
    )
    parser.add_argument("--config", metavar="FILE", default="", help="main configuration file, where that httpd is")
    add_target(parser, "whose httpd, or where TEST runs", otherwise="local; of TEST what the project says")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write it to a file (default: standard output)")


def _report(arguments: argparse.Namespace) -> int:
    if arguments.test or arguments.last_failed:
        if arguments.config:
            arguments.usage.error("--config is for a report without tests")
        text = _of_tests(arguments.test, arguments.target, last_failed=arguments.last_failed)
    else:
        text = _of_installation(arguments.target, arguments.config)
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        arguments.output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ModsslError(f"cannot write the report to {arguments.output}: {error.strerror}") from None
    say(f"the report is in {arguments.output}")
    return 0


def _of_installation(name: str, config: str) -> str:
    from pytest_modssl.report.installed import report_of_installation

    with running(name) as run:
        return report_of_installation(run.targets[0].installation, config)


def _of_tests(tests: list[str], target: str, *, last_failed: bool) -> str:
    from pytest_modssl.report.artifacts import REPORT

    with tempfile.TemporaryDirectory(prefix="modssl-report-") as folder:
        command = [sys.executable, "-m", "pytest", "--modssl", f"--modssl-artifacts={folder}"]
        command += ["--modssl-artifacts-mode=retain-on-failure", *tests]
        command += ["--last-failed", "--last-failed-no-failures=none"] if last_failed else []
        command += [f"--modssl-target={target}"] if target else []
        # What pytest prints is progress here: a report on standard output is to be a report alone.
        status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
        reports = sorted(Path(folder).glob(f"*/{REPORT}"))
        if reports:
            return "\n\n".join(one.read_text(encoding="utf-8") for one in reports)
    if status == 0 or (status == 5 and last_failed):
        raise ModsslError("no test failed, so there is nothing to report")
    raise ModsslError(f"no test failed that uses a server (pytest ended with status {status})")
