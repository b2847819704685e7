"""What each exit status of the command line means; docs/command-line.md has the same table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_STATUS: Mapping[int, str] = {
    0: "done",
    1: "not done, with the reason on standard error",
    2: "wrong usage",
    130: "interrupted",
}
"""Of every command, but for what `OF_COMMAND` says."""

OF_COMMAND: Mapping[str, Mapping[int, str]] = {
    "doctor": {0: "servers can run here, in one way at least", 1: "no server can run here"},
    "faq": {1: "there is no such entry; with --run, the problem or its remedy did not come out as told"},
    "init": {1: "a file is there already, or there is no configuration: nothing is written"},
    "report": {1: "there is nothing to report: no such file, or no test failed"},
    "scan": {0: "seen, and nothing deviates from the policy", 1: "nothing was seen, or something deviates"},
    "serve": {
        0: "interrupted, by Ctrl-C or SIGTERM, which is its end",
        1: "the configuration does not start, or httpd ended by itself",
        130: "interrupted before it began",
    },
}
"""Of commands whose status says more."""


def of_command(name: str) -> dict[int, str]:
    """Every exit status of a command with its meaning; of a name that has none of its own, those of all."""
    return {**EXIT_STATUS, **OF_COMMAND.get(name, {})}
