"""`pytest-modssl faq`, as it is called in a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.cli import main
from pytest_modssl.faq import entries
from pytest_modssl.faq.pages import pages
from tests.cli.answers import differing, documented

if TYPE_CHECKING:
    from pathlib import Path


def test_every_entry_is_listed_below_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faq"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Installation"
    assert [line.split()[0] for line in lines if line.startswith("  ")] == [one.id for one in entries()]


def test_an_entry_is_explained_with_cause_remedy_links_and_a_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faq", "intermediate-missing"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Why do browsers complain that they cannot verify my server certificate?\n  cause: ")
    assert "  to do: put the intermediate certificates" in told
    assert "https://httpd.apache.org/docs/2.4/ssl/ssl_faq.html#gid" in told
    assert "    def test_the_chain_in_a_file_of_its_own(modssl_server_factory):" in told


def test_a_problem_and_its_remedy_are_shown_on_a_real_server(
    capsys: pytest.CaptureFixture[str], local_installation: object
) -> None:
    assert main(["faq", "intermediate-missing", "--run", "--target", "local"]) == 0
    told = capsys.readouterr().out
    problem, _, remedy = told.partition("With the remedy: ")
    assert "diagnosis: the server does not send the certificate of" in problem
    assert "ClientHello" in problem
    assert remedy.startswith("the check passes\n")
    assert "2 sent, trusted" in remedy
    assert "PRIVATE KEY" not in told


def test_entries_and_what_was_shown_are_had_as_data(
    capsys: pytest.CaptureFixture[str], local_installation: object, tmp_path: Path
) -> None:
    keys = documented("faq")
    shown = {"httpd"} | {key for key in keys if key.startswith("shown")}
    assert main(["faq", "--json"]) == 0
    listed = capsys.readouterr().out
    assert differing(listed, {f"[].{key}" for key in keys - shown}) == set()
    assert [one["id"] for one in json.loads(listed)] == [one.id for one in entries()]
    assert main(["faq", "self-signed", "--json"]) == 0
    explained = capsys.readouterr().out
    assert differing(explained, keys - shown) == set()
    assert json.loads(explained) in json.loads(listed)
    assert main(["faq", "self-signed", "--run", "--json", "--target", "local"]) == 0
    played = capsys.readouterr().out
    assert differing(played, keys) == set()
    told = json.loads(played)["shown"]
    assert len(told) == json.loads(played)["demonstrations"]
    assert [(one["ok"], one["problem"]["diagnoses"][0], one["remedy"]["error"]) for one in told] == [
        (True, "self-signed", None) for _ in told
    ]
    assert main(["faq", "--pages", str(tmp_path), "--json"]) == 0
    written = capsys.readouterr().out
    assert differing(written, documented("faq", 1)) == set()
    assert {*json.loads(written)["pages"]} == {path.name for path in tmp_path.iterdir()}


def test_what_cannot_be_done_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faq", "sin", "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "the catalogue has no entry 'sin'; alike are sni" in err
    assert main(["faq", "--pages", "/dev/null/faq"]) == 1
    assert "cannot write the pages to /dev/null/faq: Not a directory" in capsys.readouterr().err
    assert main(["faq", "information-resources", "--run"]) == 1
    assert "information-resources has no demonstration" in capsys.readouterr().err
    assert main(["faq", "intermediate-missing", "--run", "--target", "moon"]) == 1
    assert "'moon' is none of auto, local" in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        main(["faq", "--run"])
    assert usage.value.code == 2


def test_pages_are_written_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faq", "--pages", str(tmp_path / "faq")]) == 0
    assert {path.name for path in (tmp_path / "faq").iterdir()} == set(pages())
    assert f"{len(pages())} pages written to" in capsys.readouterr().out
