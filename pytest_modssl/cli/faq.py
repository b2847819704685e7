"""`pytest-modssl faq`: mod_ssl's FAQ and other common failures, explained and shown on a real server."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modssl.cli.declare import add_command, add_json, add_target, complete
from pytest_modssl.cli.output import write, write_json
from pytest_modssl.cli.running import running
from pytest_modssl.errors import ModsslError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_modssl.faq import Entry

_WIDTH = 100


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "faq",
        _faq,
        short="explain common failures of httpd with mod_ssl, and show them on a real server",
        description="The questions of mod_ssl's FAQ and other common failures: what causes each, how it is "
        "recognised, what to do. Without an ID it lists them all.",
        examples={
            "faq": "every question with its ID",
            "faq intermediate-missing": "",
            "faq intermediate-missing --run": "with its problem and its remedy on a real server",
        },
    )
    name = parser.add_argument("id", nargs="?", metavar="ID", help="the entry to explain")
    complete(name, _ids)
    parser.add_argument(
        "--run", dest="show", action="store_true", help="show its problem and its remedy on a real server"
    )
    add_target(parser, "where --run starts its servers", otherwise="auto")
    parser.add_argument("--pages", metavar="DIR", type=Path, help="write a page per entry and an index into a folder")
    add_json(parser)


def _ids() -> Iterator[str]:
    from pytest_modssl.faq import entries

    return (one.id for one in entries())


def _faq(arguments: argparse.Namespace) -> int:
    from pytest_modssl.faq import entry

    if arguments.pages is not None:
        return _write_pages(arguments.pages, as_data=arguments.json)
    if arguments.id is None:
        if arguments.show:
            arguments.usage.error("--run needs the ID of an entry")
        return _list(as_data=arguments.json)
    found = entry(arguments.id)
    if not arguments.json:
        write(*_explained(found))
    elif not arguments.show:
        write_json(_data(found))
    return _show(found, arguments) if arguments.show else 0


def _list(*, as_data: bool) -> int:
    from pytest_modssl.faq import GROUPS, entries
    from pytest_modssl.faq.demos import DEMONSTRATIONS

    if as_data:
        write_json([_data(one) for one in entries()])
        return 0
    shown = {one.entry for one in DEMONSTRATIONS}
    width = max(len(one.id) for one in entries())
    for group, title in GROUPS.items():
        write(
            title,
            *(
                f"  {one.id.ljust(width)} {'*' if one.id in shown else ' '} {one.question}"
                for one in entries()
                if one.group == group
            ),
        )
    write("", "pytest-modssl faq ID explains one; with --run those marked * are shown on a real server.")
    return 0


def _data(entry: Entry) -> dict[str, Any]:
    from pytest_modssl.faq.demos import DEMONSTRATIONS
    from pytest_modssl.faq.pages import snippet

    return {
        "id": entry.id,
        "group": entry.group,
        "question": entry.question,
        "cause": entry.cause,
        "remedy": entry.remedy,
        "log_numbers": list(entry.numbers),
        "since": entry.since,
        "links": list(entry.links),
        "test": snippet(entry),
        "demonstrations": sum(one.entry == entry.id for one in DEMONSTRATIONS),
    }


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


def _show(entry: Entry, arguments: argparse.Namespace) -> int:
    """Plays every demonstration of an entry; 1 where one did not come out as it should."""
    from pytest_modssl.cli.demonstrated import demonstrate
    from pytest_modssl.faq.demos import DEMONSTRATIONS

    if not any(one.entry == entry.id for one in DEMONSTRATIONS):
        raise ModsslError(f"{entry.id} has no demonstration")
    shown = []
    with running(arguments.target, otherwise="auto") as run:
        target = run.targets[0]
        if not arguments.json:
            write("", f"On {target.id} ({target.description}):")
        for one in demonstrate(entry, target):
            shown.append(one)
            if not arguments.json:
                write(*one.lines())
    if arguments.json:
        write_json({**_data(entry), "httpd": target.installation.id, "shown": [one.data for one in shown]})
    return 0 if all(one.ok for one in shown) else 1


def _write_pages(folder: Path, *, as_data: bool) -> int:
    from pytest_modssl.faq.pages import pages

    made = pages()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModsslError(f"cannot write the pages to {folder}: {error.strerror}; name another folder") from None
    if as_data:
        write_json({"folder": str(folder), "pages": sorted(made)})
    else:
        write(f"{len(made)} pages written to {folder}")
    return 0
