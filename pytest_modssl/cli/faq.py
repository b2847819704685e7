"""`pytest-modssl faq`: mod_ssl's FAQ and other common failures, explained and shown on a real server."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.cli.running import add_target, running
from pytest_modssl.errors import ModsslError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_modssl.faq import Entry
    from pytest_modssl.faq.demos import Demonstration, Played, Scene
    from pytest_modssl.targets.base import Target

_WIDTH = 100


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "faq",
        help="explain common failures of httpd with mod_ssl, and show them on a real server",
        description="The questions of mod_ssl's FAQ and other common failures: what causes each, how it is "
        "recognised, what to do. Without an ID it lists them all.",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="the entry to explain")
    parser.add_argument(
        "--run", dest="show", action="store_true", help="show its problem and its remedy on a real server"
    )
    add_target(parser, "where --run starts its servers", otherwise="auto")
    parser.add_argument("--pages", metavar="DIR", type=Path, help="write a page per entry and an index into a folder")
    parser.set_defaults(run=_faq, usage=parser)


def _faq(arguments: argparse.Namespace) -> int:
    from pytest_modssl.faq import entry

    if arguments.pages is not None:
        return _write_pages(arguments.pages)
    if arguments.id is None:
        if arguments.show:
            arguments.usage.error("--run needs the ID of an entry")
        return _list()
    found = entry(arguments.id)
    _say(*_explained(found))
    return _show(found, arguments.target) if arguments.show else 0


def _list() -> int:
    from pytest_modssl.faq import GROUPS, entries
    from pytest_modssl.faq.demos import DEMONSTRATIONS

    shown = {one.entry for one in DEMONSTRATIONS}
    width = max(len(one.id) for one in entries())
    for group, title in GROUPS.items():
        _say(title)
        _say(
            *(
                f"  {one.id.ljust(width)} {'*' if one.id in shown else ' '} {one.question}"
                for one in entries()
                if one.group == group
            )
        )
    _say("", "pytest-modssl faq ID explains one; with --run those marked * are shown on a real server.")
    return 0


def _explained(entry: Entry) -> Iterator[str]:
    from pytest_modssl.faq.pages import snippet

    rows = (
        ("cause", entry.cause),
        ("to do", entry.remedy),
        ("log", ", ".join(entry.numbers)),
        ("note", entry.since),
        *(("see", link) for link in entry.links),
    )
    yield entry.question
    for title, text in rows:
        if text:
            yield textwrap.fill(f"{title + ':':7}{text}", _WIDTH, initial_indent="  ", subsequent_indent=" " * 9)
    test = snippet(entry)
    if test is not None:
        yield from ("", "  A test:", "", textwrap.indent(test.rstrip(), "    "))


def _show(entry: Entry, target_name: str) -> int:
    """Plays every demonstration of an entry; 1 where one did not come out as it should."""
    from pytest_modssl.faq.demos import DEMONSTRATIONS, Scene
    from pytest_modssl.pki import CA

    chosen = [one for one in DEMONSTRATIONS if one.entry == entry.id]
    if not chosen:
        raise ModsslError(f"{entry.id} has no demonstration")
    with running(target_name, otherwise="auto") as run:
        target = run.targets[0]
        _say("", f"On {target.id} ({target.description}):")
        scene = Scene(ca=CA(), installation=target.installation)
        outcomes = [_played(one, target, scene) for one in chosen]
    return 0 if all(outcomes) else 1


def _played(demonstration: Demonstration, target: Target, scene: Scene) -> bool:
    """Shows one demonstration; whether it came out as it should."""
    from pytest_modssl.faq.demos import play

    if not demonstration.available(target.installation):
        _say("", f"{demonstration}: not to be seen on this httpd")
        return True
    problem = play(target, demonstration.problem(scene), demonstration.check)
    remedy = play(target, demonstration.remedy(scene), demonstration.cure or demonstration.check)
    _say("", f"The problem ({demonstration}):", "", textwrap.indent(str(problem.error or "nothing failed"), "    "))
    _say(*_transcript(problem))
    outcome = "the check passes" if remedy.error is None else f"still fails: {remedy.error}"
    _say("", f"With the remedy: {outcome}", *_transcript(remedy))
    told = [one.entry.id for one in problem.diagnoses]
    return told[:1] == [demonstration.entry] and remedy.error is None and not remedy.diagnoses


def _transcript(played: Played) -> Iterator[str]:
    from pytest_modssl.load import LoadReport
    from pytest_modssl.tls import Handshake

    for one in played.seen:
        if isinstance(one, LoadReport):
            yield from ("", textwrap.indent(str(one), "    "))
        if isinstance(one, Handshake):
            yield ""
            yield textwrap.indent(f"{one}\n{one.transcript}", "    ")


def _write_pages(folder: Path) -> int:
    from pytest_modssl.faq.pages import pages

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    _say(f"{len(pages())} pages written to {folder}")
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
