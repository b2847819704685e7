"""Images: found, pulled or built, each once a machine, with the reason where one cannot be had."""

from __future__ import annotations

import io
import re
import tarfile
import threading
import uuid
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import _data
from pytest_modssl.errors import EngineError
from pytest_modssl.progress import in_lines
from pytest_modssl.targets import images, recipes
from pytest_modssl.targets.images import default_is_ready, image_for, own_images
from pytest_modssl.targets.recipes import LABEL, Recipe, add_file, recipe_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_modssl.progress import Say
    from pytest_modssl.targets.engine import Engine

ELSEWHERE = "127.0.0.1:1/modssl-test/nosuch:1"


@pytest.fixture
def recipe_of(engine: Engine, image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Recipe]]:
    """Makes a recipe of a Dockerfile's text that `image_for` finds; the image is removed at the end."""
    made: list[Recipe] = []

    def recipe_of(dockerfile: str) -> Recipe:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            add_file(tar, "Dockerfile", dockerfile.encode())
        name = f"modssl/test:{uuid.uuid4().hex[:8]}"
        recipe = Recipe(name, "bookworm", {}, context.getvalue())
        monkeypatch.setattr(images, "recipe_for", {name: recipe}.get)
        # The default image, which is there, stands for the base: no registry is asked.
        monkeypatch.setattr(images, "_base", lambda *_: image)
        made.append(recipe)
        return recipe

    yield recipe_of
    for recipe in made:
        if images._has(engine, recipe.tag):
            engine.client.images.remove(recipe.tag)


def test_the_default_image_is_there_once_it_was_asked_for(engine: Engine, image: str) -> None:
    said: list[str] = []
    assert image_for(engine, None, say=in_lines(said.append)) == image
    assert image_for(engine, "modssl/debian:bookworm", say=in_lines(said.append)) == image
    assert image_for(engine, "modssl/debian", say=in_lines(said.append)) == image
    assert default_is_ready(engine)
    assert said == []


def test_an_image_is_known_again_by_what_it_is_built_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def tag(name: str = "modssl/debian:bookworm") -> str:
        recipe = recipe_for(name)
        assert recipe is not None
        return recipe.tag

    before = tag()
    assert before.startswith("modssl/debian:bookworm-")
    assert tag() == before
    assert tag("modssl/debian:trixie").rpartition("-")[2] != before.rpartition("-")[2]
    # A copy, as a wheel has it: without modes, and with other dates.
    copy = tmp_path / "debian"
    copy.mkdir()
    monkeypatch.setattr(_data, "container", lambda name: tmp_path / name)
    original = _data._ROOT / "containers" / "debian" / "Dockerfile"
    (copy / "Dockerfile").write_bytes(original.read_bytes())
    (copy / "Dockerfile").chmod(0o755)
    (copy / "README.md").write_text("another text")
    assert tag() == before
    (copy / "Dockerfile").write_text("FROM scratch\n")
    changed = tag()
    assert changed != before
    monkeypatch.setattr(recipes, "_VERSION", recipes._VERSION + 1)
    assert tag() != changed


def test_a_name_of_ours_that_no_recipe_has_is_told_with_those_there_are() -> None:
    with pytest.raises(EngineError, match=r"modssl/debian:SUITE .* modssl/source:VERSION .*2\.4\.69") as caught:
        recipe_for("modssl/fedora")
    assert caught.value.reason == "no-image"
    assert recipe_for("httpd:2.4") is None


def test_the_legacy_image_is_built_by_the_same_files_with_an_openssl_of_its_own() -> None:
    source, legacy = recipe_for("modssl/source:2.4.69"), recipe_for("modssl/legacy")
    assert source is not None
    assert legacy is not None
    assert legacy.name == "modssl/legacy:2.4.69"
    assert legacy.context == source.context
    assert [archive.project for archive in legacy.archives] == ["mod-wsgi-httpd", "openssl"]
    assert legacy.archives[:1] == source.archives
    assert legacy.tag.rpartition("-")[2] != source.tag.rpartition("-")[2]
    old = recipe_for("modssl/source:2.4.39")
    assert old is not None
    assert "ERR_GET_FUNC" in old.arguments["HTTPD_CPPFLAGS"]
    with pytest.raises(EngineError, match=r"modssl/legacy:VERSION \(2\.4\.69\)"):
        recipe_for("modssl/legacy:2.4.39")


def test_an_image_is_built_once_when_several_ask_at_once(engine: Engine, recipe_of: Callable[[str], Recipe]) -> None:
    recipe = recipe_of("ARG BASE\nFROM ${BASE}\nRUN echo slow\n")
    said: list[str] = []
    got: list[str] = []
    askers = [
        threading.Thread(target=lambda: got.append(image_for(engine, recipe.name, say=in_lines(said.append))))
        for _ in range(3)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert got == [recipe.tag] * 3
    assert sum("RUN echo slow" in line for line in said) == 1
    assert said.count(f"building {recipe.name} as {recipe.tag}") == 1
    assert engine.client.images.get(recipe.tag).labels[LABEL] == recipe.name


def test_a_build_that_fails_shows_the_last_lines_of_its_step(
    engine: Engine, recipe_of: Callable[[str], Recipe]
) -> None:
    recipe = recipe_of("ARG BASE\nFROM ${BASE}\nRUN echo the; echo reason; exit 3\nRUN echo after\n")
    with pytest.raises(EngineError, match=f"cannot build the image {recipe.name}: ") as caught:
        image_for(engine, recipe.name, say=lambda _: None)
    assert "\n    the\n    reason" in str(caught.value)
    assert "ARG BASE" not in str(caught.value)
    assert "3" in str(caught.value).splitlines()[0]
    assert not images._has(engine, recipe.tag)


def test_an_image_that_cannot_be_pulled_is_told_with_the_registrys_reason(engine: Engine) -> None:
    said: list[str] = []
    with pytest.raises(EngineError, match=ELSEWHERE) as caught:
        image_for(engine, ELSEWHERE, say=in_lines(said.append))
    assert said == [f"pulling {ELSEWHERE}"]
    assert caught.value.reason == "no-registry"
    assert "refused" in str(caught.value)


def fake_mmdebstrap(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program in the place of mmdebstrap; the real one takes half a minute."""
    program = folder / "mmdebstrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def unpulled(engine: Engine) -> str:
    return images._base(engine, Recipe("modssl/test:x", f"test{uuid.uuid4().hex[:8]}", {}, b""), lambda _: None)


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(engine: Engine, name: str, _say: Say) -> None:
        raise EngineError(f"cannot pull {name}: dial tcp", reason="no-registry")

    monkeypatch.setattr(images, "_pull", pull)


@pytest.mark.usefixtures("no_registry")
def test_without_a_registry_the_base_is_made_from_packages(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mmdebstrap(
        tmp_path, 'for last; do :; done; echo "$@" > arguments; exec tar -cf "$last" arguments', monkeypatch
    )
    monkeypatch.chdir(tmp_path)
    name = unpulled(engine)
    try:
        assert engine.client.images.get(name).labels[LABEL] == name
        assert [one.current for one in own_images(engine) if one.name == name] == [True]
        arguments = (tmp_path / "arguments").read_text().split()
        assert arguments[:2] == ["--variant=minbase", "--quiet"]
        assert arguments[2] == name.removeprefix("modssl/base:")
    finally:
        images.remove(engine, name)
    assert not images._has(engine, name)


@pytest.mark.usefixtures("no_registry")
def test_packages_that_cannot_be_had_are_told_with_the_registrys_reason_too(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mmdebstrap(tmp_path, "echo E: no mirror answers >&2; exit 25", monkeypatch)
    with pytest.raises(EngineError, match="exit status 25") as caught:
        unpulled(engine)
    assert "\n    E: no mirror answers\n" in str(caught.value)
    assert "dial tcp" in str(caught.value)


@pytest.mark.usefixtures("no_registry")
def test_without_mmdebstrap_the_package_to_install_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineError, match="apt-get install mmdebstrap") as caught:
        unpulled(engine)
    assert "dial tcp" in str(caught.value)


def test_an_image_that_is_not_ours_is_never_removed(engine: Engine) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        add_file(tar, "file", uuid.uuid4().bytes)
    answer = engine.client.api.import_image_from_data(archive.getvalue())
    name = re.findall("sha256:[0-9a-f]+", answer)[0]
    try:
        with pytest.raises(EngineError, match="left alone"):
            images.remove(engine, name)
        assert images._has(engine, name)
        assert name not in {one.tag for one in own_images(engine)}
    finally:
        engine.client.images.remove(name)


def test_an_image_that_was_built_on_one_of_ours_is_not_ours(engine: Engine, image: str) -> None:
    name = f"modssl-test-derived:{uuid.uuid4().hex}"
    repository, _, tag = name.partition(":")
    engine.client.api.tag(image, repository, tag=tag)
    try:
        assert LABEL in engine.client.images.get(name).labels
        assert name not in {one.tag for one in own_images(engine)}
        with pytest.raises(EngineError, match="left alone"):
            images.remove(engine, name)
        assert images._has(engine, name)
    finally:
        engine.client.images.remove(name)


def test_offline_what_is_there_is_taken_and_nothing_is_pulled_or_built(engine: Engine, image: str) -> None:
    assert image_for(engine, None, say=lambda _: None, offline=True) == image
    with pytest.raises(EngineError, match=r"offline mode forbids.*`docker pull nothing\.example\.test/none:1`"):
        image_for(engine, "nothing.example.test/none:1", say=lambda _: None, offline=True)
    with pytest.raises(EngineError, match=r"offline mode forbids.*images build modssl/debian:buster` beforehand"):
        image_for(engine, "modssl/debian:buster", say=lambda _: None, offline=True)
