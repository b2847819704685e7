"""What discovery gives: configurations of a repository, and where their files stand on the machine that they are for.

A *deployment path* is the absolute path of a file on the machine that a repository is deployed to, such as
`/etc/apache2/apache2.conf`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a distribution lays out httpd's files.

    Attributes:
        name: "debian", "rhel" or "image" (the official image of httpd, and httpd's own default).
        server_root: ServerRoot, as a deployment path: "/etc/apache2".
        main: the main file, as a deployment path.
        variables: what the environment of httpd has there, by name: Debian's envvars.
        files: what an installation brings and a repository mostly has not, text by deployment path.
        base: text of a main file for a repository that holds fragments alone; it ends before these.
        modules: names of the modules that an installation loads, beyond those that the text needs.
        built_in: names of the modules that its httpd has compiled in, so that no configuration loads them.
    """

    name: str
    server_root: str
    main: str
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    modules: tuple[str, ...] = ()
    built_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One configuration of a repository.

    Attributes:
        title: what its tests are named by: the path of its main file, or of its fragments' folder, from `root`.
        root: the repository.
        layout: that of the machine it is for.
        main: its main file; `None` for fragments, which are wrapped in the layout's base configuration.
        fragments: files to include, in this order, where there is no main file.
        trees: folders of the repository by the deployment path that they stand at:
            `{"/etc/apache2": root / "etc/apache2"}`.
        defines: names for `<IfDefine>` (`-D`), and with a value (`NAME=value`) for `${NAME}`.
        variables: environment variables, those of the layout and the user's own.
    """

    title: str
    root: Path
    layout: Layout
    main: Path | None
    fragments: tuple[Path, ...] = ()
    trees: Mapping[str, Path] = field(default_factory=dict)
    defines: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that looks like configuration and is not run by itself, with the reason in words."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a repository holds."""

    found: tuple[Found, ...]
    passed_over: tuple[PassedOver, ...]
