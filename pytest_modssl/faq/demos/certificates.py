"""Demonstrations of the group Certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_chain_complete
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _encrypted_key(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME).with_pass_phrase("open sesame")))


def _key_of_another(scene: Scene) -> ServerConfig:
    other = scene.ca.issue("other.example.test")
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME).with_key(other.private_key)))


def _leaf_and_key(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)))


def _leaf_alone(scene: Scene) -> ServerConfig:
    leaf = scene.ca.intermediate().issue(NAME)
    return ServerConfig(VirtualHost(NAME, tls=leaf.without_chain()))


def _leaf_and_intermediate(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.intermediate().issue(NAME)))


DEMONSTRATIONS = (
    Demonstration(
        entry="startup-pass-phrase",
        problem=_encrypted_key,
        remedy=_leaf_and_key,
        place="VirtualHost(NAME",
        number="AH02578",
    ),
    Demonstration(
        entry="key-matches-certificate",
        problem=_key_of_another,
        remedy=_leaf_and_key,
        place="VirtualHost(NAME",
        number="AH02565",
    ),
    Demonstration(
        entry="intermediate-missing",
        problem=_leaf_alone,
        remedy=_leaf_and_intermediate,
        check=lambda server: assert_chain_complete(server, NAME),
        place="VirtualHost(NAME",
    ),
)
