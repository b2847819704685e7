"""Which engine is taken, where its ports are reached, and what each of its failures is told as."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import socket
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.errors import EngineError
from pytest_modssl.targets.engine import connect
from pytest_modssl.targets.engine_errors import container_ended, engine_errors, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker.models.containers import Container

    from pytest_modssl.targets.engine import Engine


class FakeEngine:
    """Answers as an engine does about itself, and to everything else with a refusal; on a TCP port of its own."""

    def __init__(self) -> None:
        self.version: dict[str, object] = {"ApiVersion": "1.41", "Version": "26.1.0", "Arch": "arm64"}
        self.security: list[str] = []
        self.refusal = "nothing is the matter"
        self.breaks_off = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if outer.breaks_off:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                page = self.path.rpartition("/")[2]
                about: dict[str, object] = {"version": outer.version, "info": {"SecurityOptions": outer.security}}
                content = json.dumps(about.get(page, {"message": outer.refusal})).encode()
                self.send_response(200 if page in about else 500)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.port = self._server.server_address[1]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.close()


@pytest.fixture
def no_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of the engine's command line that is this test's own."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def failure(**environ: str) -> EngineError:
    with pytest.raises(EngineError) as caught:
        connect(environ)
    return caught.value


def test_the_engine_of_this_machine_publishes_on_loopback_only(engine: Engine) -> None:
    assert (engine.publish, engine.host) == ("127.0.0.1", "127.0.0.1") or engine.remote
    assert engine.name.split()[0] in {"docker", "podman"}
    assert engine.name in engine.description
    assert engine.client.ping()


def test_an_engine_on_a_port_counts_as_remote_and_is_reached_at_its_own_host(fake: FakeEngine) -> None:
    engine = connect({"DOCKER_HOST": f"tcp://localhost:{fake.port}"})
    engine.close()
    assert engine.remote
    assert (engine.host, engine.publish) == ("localhost", "127.0.0.1")
    assert (engine.name, engine.architecture) == ("docker 26.1.0", "arm64")
    assert engine.description == f"docker 26.1.0 at tcp://localhost:{fake.port} (DOCKER_HOST)"


def test_an_engine_on_another_machine_publishes_for_other_machines(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if host == "docker" else host, *rest, **more),
    )
    engine = connect({"DOCKER_HOST": f"tcp://docker:{fake.port}"})
    engine.close()
    assert (engine.host, engine.publish) == ("docker", "0.0.0.0")


def test_podman_and_rootless_engines_are_told_as_such(fake: FakeEngine) -> None:
    fake.version |= {"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]}
    fake.security = ["name=seccomp,profile=default", "name=rootless"]
    engine = connect({"DOCKER_HOST": f"tcp://127.0.0.1:{fake.port}"})
    engine.close()
    assert (engine.name, engine.rootless) == ("podman 4.3.1", True)
    assert "podman 4.3.1 rootless at tcp://" in engine.description


def test_the_context_that_the_command_line_uses_is_used(fake: FakeEngine, no_context: Path) -> None:
    (no_context / "config.json").write_text('{"currentContext": "away"}')
    folder = no_context / "contexts" / "meta" / hashlib.sha256(b"away").hexdigest()
    folder.mkdir(parents=True)
    endpoint = {"Host": f"tcp://127.0.0.1:{fake.port}", "SkipTLSVerify": False}
    (folder / "meta.json").write_text(json.dumps({"Name": "away", "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    for environ in ({}, {"DOCKER_CONTEXT": "away"}):
        engine = connect(environ)
        engine.close()
        assert engine.description.endswith("(context away)")


def test_a_context_that_does_not_exist_is_told(no_context: Path) -> None:
    (no_context / "config.json").write_text("{}")
    error = failure(DOCKER_CONTEXT="elsewhere")
    assert "no context elsewhere" in str(error)
    assert "docker context ls" in str(error)


@pytest.mark.parametrize(
    "place", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:{closed}", "tcp://x.invalid:2375"]
)
def test_an_absent_engine_is_told(place: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = place.format(closed=closed.getsockname()[1])
    error = failure(DOCKER_HOST=place)
    assert error.reason == "absent"
    assert place in str(error)
    assert "DOCKER_HOST" in str(error)
    assert "systemctl start docker" in str(error)


def test_without_any_engine_every_place_is_named(no_context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pytest_modssl.targets.engine._SYSTEM", ("/nonexistent/docker.sock", "/nonexistent/podman.sock")
    )
    error = failure(XDG_RUNTIME_DIR=str(no_context), HOME=str(no_context))
    assert error.reason == "absent"
    for tried in ("/nonexistent/docker.sock", f"{no_context}/docker.sock", f"{no_context}/podman/podman.sock"):
        assert f"\n  {tried}" in str(error)


def test_a_socket_that_this_user_may_not_open_is_told_with_the_group(base: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(base / "docker.sock"))
        listener.listen()
        (base / "docker.sock").chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            error = failure(DOCKER_HOST=f"unix://{base}/docker.sock")
        finally:
            os.seteuid(user)
    assert error.reason == "permission"
    assert "usermod -aG docker" in str(error)


def test_an_engine_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_modssl.targets.engine._ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(DOCKER_HOST=f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    assert error.reason == "silent"
    assert "does not answer" in str(error)


def test_an_address_that_is_no_engine_is_told(fake: FakeEngine) -> None:
    fake.version = {"message": "page not found"}
    error = failure(DOCKER_HOST=f"tcp://127.0.0.1:{fake.port}")
    assert error.reason == "other"
    assert "ApiVersion" in str(error)


def test_an_engine_that_ends_in_mid_run_is_told(fake: FakeEngine) -> None:
    engine = connect({"DOCKER_HOST": f"tcp://127.0.0.1:{fake.port}"})
    fake.breaks_off = True
    with (
        pytest.raises(EngineError, match="cannot start one: the engine broke off") as broken,
        engine_errors("start one"),
    ):
        engine.client.containers.list()
    fake.close()
    with pytest.raises(EngineError, match="the connection was refused") as gone, engine_errors("start one"):
        engine.client.containers.list()
    engine.close()
    assert (broken.value.reason, gone.value.reason) == ("stopped", "absent")


def test_what_a_refusal_means_is_read_from_its_text(fake: FakeEngine) -> None:
    engine = connect({"DOCKER_HOST": f"tcp://127.0.0.1:{fake.port}"})
    fake.refusal = "Error processing tar file(exit status 1): write /x: no space left on device"
    with pytest.raises(EngineError, match="docker system prune") as caught, engine_errors("copy files"):
        engine.client.containers.list()
    engine.close()
    assert caught.value.reason == "disk"


# As docker 20.10.24, podman 4.3.1 and Docker Hub have them.
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pull access denied for x, repository does not exist or may require 'docker login'", "no-image"),
        ("manifest for debian:nosuch not found: manifest unknown: manifest unknown", "no-image"),
        ("no such image: docker.io/nosuch/image:1: image not known", "no-image"),
        ('Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "no-registry"),
        ("initializing source docker://x: pinging container registry x: connection refused", "no-registry"),
        ("toomanyrequests: You have reached your pull rate limit.", "no-registry"),
        ("no matching manifest for linux/s390x in the manifest list entries", "architecture"),
        ("image with reference x was found but does not match the specified platform: wanted", "architecture"),
        ("OCI runtime create failed: runc create failed: exec /bin/sh: exec format error: unknown", "architecture"),
        ("rootlessport listen tcp 127.0.0.1:443: bind: address already in use", "port"),
        ("Bind for 127.0.0.1:443 failed: port is already allocated", "port"),
        ("can only create exec sessions on running containers: container state improper", "container"),
        ("something never seen", "other"),
    ],
)
def test_texts_of_engines_and_registries_are_understood(text: str, reason: str) -> None:
    error = said(text, "do it")
    assert (error.reason, str(error).split(". What to do: ")[0]) == (reason, f"cannot do it: {text}")


@contextlib.contextmanager
def container(engine: Engine, image: str, command: list[str], **options: Any) -> Iterator[Container]:
    container = engine.client.containers.create(image, command, **options)
    try:
        yield container
    finally:
        container.remove(force=True)


def test_a_real_engine_tells_of_an_image_that_is_not_there(engine: Engine) -> None:
    with pytest.raises(EngineError, match="nosuch") as caught, engine_errors("create a container"):
        engine.client.containers.create("modssl-test/nosuch:1")
    assert caught.value.reason == "no-image"


def test_a_real_engine_tells_of_a_port_that_is_taken(engine: Engine, image: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"443/tcp": ("127.0.0.1", taken.getsockname()[1])}
        with (
            container(engine, image, ["sleep", "9"], ports=ports) as one,
            pytest.raises(EngineError, match="ss -ltnp") as caught,
            engine_errors("start a container"),
        ):
            one.start()
    assert caught.value.reason == "port"


def test_a_container_that_ended_is_told_with_its_last_words(engine: Engine, image: str) -> None:
    with container(engine, image, ["sh", "-c", "echo the reason; exit 7"]) as one:
        one.start()
        one.wait(timeout=20)
        words = one.logs().decode()
        with pytest.raises(EngineError) as caught, engine_errors("ask httpd"):
            one.exec_run(["true"])
    # It is removed by now: the engine's events still tell of it.
    error = container_ended(engine.client.api, str(one.id), "start httpd", words)
    assert error.reason == caught.value.reason == "container"
    assert "cannot start httpd: the container ended with exit status 7" in str(error)
    assert str(error).endswith("\n  Its last words:\n    the reason")


def test_a_program_of_another_architecture_is_told(engine: Engine) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("program")
        entry.size, entry.mode = 64, 0o755
        tar.addfile(entry, io.BytesIO(b"\x7fELF" + bytes(60)))
    answer = engine.client.api.import_image_from_data(archive.getvalue())
    name = re.findall("sha256:[0-9a-f]+", answer)[0]
    try:
        with container(engine, name, ["/program"]) as one:
            try:
                with engine_errors("start a container"):
                    one.start()
                    one.wait(timeout=20)
            except EngineError as refused:
                error = refused
            else:
                error = container_ended(engine.client.api, str(one.id), "start a container", one.logs().decode())
    finally:
        engine.client.images.remove(name)
    assert error.reason == "architecture"
    assert "exec format error" in str(error)
