"""How commands are declared: help of one form, the options that several have, and what shells complete."""

from __future__ import annotations

import argparse
import contextlib
import textwrap
from typing import TYPE_CHECKING, Any

from pytest_modssl.cli.statuses import of_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PROGRAM = "pytest-modssl"
_JSON = "print the answer as one JSON document (its keys: docs/command-line.md)"


class _Paragraphs(argparse.HelpFormatter):
    """Wraps each paragraph by itself, and leaves one with lines that are indented as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - argparse calls it so
        paragraphs = text.strip("\n").split("\n\n")
        return "\n\n".join(
            one if "\n " in one else textwrap.fill(" ".join(one.split()), width, break_on_hyphens=False)
            for one in paragraphs
        )


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    short: str,
    description: str,
    examples: Mapping[str, str],
    note: str = "",
) -> argparse.ArgumentParser:
    """The parser of a command, whose help ends with examples and exit statuses.

    Args:
        commands: what it is added to.
        name: of the command.
        run: does it, and gives the exit status.
        short: what it does, for the list of commands.
        description: the same for its own help.
        examples: what follows the program's name, and what that does.
        note: what else is to be known.
    """
    lines = {f"{PROGRAM} {call}": told for call, told in examples.items()}
    width = max(map(len, lines))
    shown = "\n".join(f"  {call.ljust(width)}  # {told}" if told else f"  {call}" for call, told in lines.items())
    statuses = "; ".join(f"{status} {meaning}" for status, meaning in of_command(name).items())
    parser = commands.add_parser(
        name,
        help=short,
        description=description,
        epilog="\n\n".join(filter(None, (f"examples:\n{shown}", note, f"exit status: {statuses}"))),
        formatter_class=_Paragraphs,
    )
    parser.set_defaults(run=run, usage=parser)
    return parser


def add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    short: str,
    note: str = "",
) -> argparse.ArgumentParser:
    """The parser of one of a command's actions, which takes `--json` as that does; arguments as for `add_command`."""
    parser = actions.add_parser(
        name, help=short, description=f"{short[0].upper()}{short[1:]}.", epilog=note, formatter_class=_Paragraphs
    )
    parser.set_defaults(run=run, usage=parser)
    # Its default is the command's: `httpds --json list` is `httpds list --json`.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_JSON)
    return parser


def add_json(parser: argparse.ArgumentParser, what: str = _JSON) -> None:
    """Adds the option `--json`, with the help `what`."""
    parser.add_argument("--json", action="store_true", help=what)


def add_target(parser: argparse.ArgumentParser, what: str, *, otherwise: str = "local") -> None:
    """Adds the option `--target`, with the help `what` and the target that is taken without it."""
    option = parser.add_argument(
        "--target",
        metavar="TARGET",
        default="",
        help=f"{what}, as for --modssl-target (default: PYTEST_MODSSL_TARGET, else {otherwise})",
    )
    complete(option, _targets)


def _targets() -> Iterable[str]:
    from pytest_modssl.httpds.kinds import KINDS

    yield from ("auto", "local", "docker")
    yield from (f"{kind}:{choice}" for kind, one in KINDS.items() for choice in one.choices)


def complete(argument: argparse.Action, words: Callable[[], Iterable[str]]) -> None:
    """Has shells complete an argument by these words; without this they complete it by names of files."""

    def completer(**_: Any) -> list[str]:
        return list(words())

    argument.completer = completer  # type: ignore[attr-defined] # where argcomplete looks for it


def answer_shell(parser: argparse.ArgumentParser) -> None:
    """Where a shell asks how the line goes on, tells it, and ends this process; needs the extra `completion`.

    Without it nothing is completed, and nothing is told either: what is printed would stand in the line.
    """
    with contextlib.suppress(ImportError):
        import argcomplete

        argcomplete.autocomplete(parser)
