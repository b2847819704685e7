"""Demonstrations of failures that show in the answer to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_answers
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _no_folder(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, directives="DocumentRoot /no/such/folder"))


def _folder(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME))


DEMONSTRATIONS = (
    Demonstration(
        entry="document-root-missing",
        name="of a virtual host",
        problem=_no_folder,
        remedy=_folder,
        check=lambda server: assert_answers(server, f"http://{NAME}/"),
        place="DocumentRoot /no/such/folder",
        number="AH00112",
    ),
    Demonstration(
        entry="document-root-missing",
        name="of the main server",
        problem=lambda _: ServerConfig(VirtualHost(NAME), directives="DocumentRoot /no/such/folder"),
        remedy=_folder,
        check=lambda server: assert_answers(server, f"http://{NAME}/"),
        place='directives="DocumentRoot /no/such/folder"',
    ),
)
