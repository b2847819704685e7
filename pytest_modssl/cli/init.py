"""`pytest-modssl init`: a starting test file and settings for a repository of configuration."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.cli.declare import add_command, add_json, add_target
from pytest_modssl.cli.output import say, write, write_json
from pytest_modssl.cli.running import running
from pytest_modssl.errors import ConfigError, ModsslError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.starting import Known


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "init",
        _init,
        short="write a starting test file and pytest's settings for a repository of configuration",
        description="Writes tests/test_httpd.py with the virtual hosts of the configuration that FOLDER holds (for "
        "several, a file for each), and pytest.ini, which names it. The virtual hosts are those that httpd tells of; "
        "where there is no httpd, those that are read in the files.",
        examples={
            "init": "for the configuration in this folder",
            "init infra --dry-run": "shows what it would write",
            "init --config httpd/site.conf": "",
        },
        note="Nothing is overwritten: where a test file is there already, nothing is written, unless with --force; of "
        "a configuration file of pytest that is there it is told what to add.",
    )
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", type=Path, default=Path(), help="the repository (default: this folder)"
    )
    parser.add_argument(
        "--config",
        action="append",
        metavar="PATH",
        type=Path,
        default=[],
        help="a main file, a fragment or a folder of them, from FOLDER; repeatable (default: those that are found)",
    )
    add_target(parser, "whose httpd is asked")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")
    parser.add_argument("--force", action="store_true", help="write test files anew that are there already")
    add_json(parser)


def _init(arguments: argparse.Namespace) -> int:
    from pytest_modssl.repo.discover import discover
    from pytest_modssl.repo.starting import has_settings, path_of, settings_file, settings_text, test_file

    root = arguments.folder.absolute()
    if not root.is_dir():
        raise ConfigError(f"{arguments.folder} is no folder")
    found = discover(root, configs=arguments.config).found
    if not found:
        raise ConfigError(f"{root} holds no configuration of httpd that could be run; name one with --config")
    hosts = _hosts(found, arguments.target)
    alone = len(found) == 1
    names = ["httpd"] if alone else _names([one.title for one in found])
    texts = {
        root / "tests" / f"test_{name}.py": test_file(one.title, hosts[one.title], alone=alone)
        for name, one in zip(names, found, strict=True)
    }
    there = settings_file(root)
    settings = there or root / "pytest.ini"
    text = settings_text(settings, [path_of(one) for one in found])
    if there is None:
        texts[settings] = text
    if not arguments.dry_run:
        _write(texts, force=arguments.force)
    add = there is not None and not has_settings(there)
    if arguments.json:
        files = [
            {"file": str(path), "text": content, "written": not arguments.dry_run} for path, content in texts.items()
        ]
        write_json({"files": files, "settings": str(settings), "add": text if add else None})
        return 0
    for path, content in texts.items():
        write(*([f"# {path.relative_to(root)}", content] if arguments.dry_run else [f"wrote {path}"]))
    if add:
        say(f"{there} is left as it is; add to it:\n{text.rstrip()}")
    return 0


def _write(texts: Mapping[Path, str], *, force: bool) -> None:
    taken = [] if force else [str(path) for path in texts if path.exists()]
    if taken:
        raise ModsslError(f"{', '.join(taken)}: there already, so nothing is written; --force writes it anew")
    for path, text in texts.items():
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ModsslError(f"cannot write {path}: {error.strerror}") from None


def _hosts(found: Sequence[Found], target: str) -> dict[str, tuple[Known, ...]]:
    """The virtual hosts of each configuration by its title: those that httpd tells, else those that are read."""
    from pytest_modssl.repo.starting import known, read

    hosts: dict[str, tuple[Known, ...]] = {}
    with running(target) as run:
        for one in found:
            try:
                study = run.study(run.targets[0], one)
            except ModsslError as error:
                if target:  # who names one wants that
                    raise
                why = str(error).partition("\n")[0]
            else:
                why = str(study.refused).partition("\n")[0] if study.refused else ""
                hosts[one.title] = known(study.hosts)
            if why:
                say(f"{one.title}: httpd does not tell its virtual hosts ({why}); these are read from its files")
                hosts[one.title] = read(one)
    return hosts


def _names(titles: Sequence[str]) -> list[str]:
    """A name of a module for each title; of those that come out alike the later ones have a number."""
    names: list[str] = []
    for title in titles:
        plain = re.sub(r"\W+", "_", title).strip("_").lower()
        numbered = (f"{plain}_{number}" for number in itertools.count(2))
        names.append(next(one for one in itertools.chain([plain], numbered) if one not in names))
    return names
