"""Which files are looked at closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.repo.likely import may_be_ours

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("httpd.conf", "", True),
        ("000-default", "# ours\n  <virtualhost *:80>\n</VirtualHost>\n", True),
        ("vhosts/www", "Use Site www 443\n", True),
        ("LICENSE", "Use of this is free, <VirtualHost> or not", False),
        ("Makefile", "test:\n\tpytest\n", False),
        ("test_site.py", "<VirtualHost *:80>\n", False),
        ("moved.urls.csv", "", True),
        ("data.csv", "<VirtualHost *:80>\n", False),
        ("site.yaml", "https://www.example.com:\n- path: /\n  assert_status: 200\n", True),
        ("mkdocs.yml", "site_url: https://www.example.com\npath: /\n", False),
    ],
)
def test_a_file_is_told_by_its_name_or_its_lines(tmp_path: Path, name: str, text: str, expected: object) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert may_be_ours(tmp_path / name) is expected


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert not may_be_ours(tmp_path / "missing")
    assert not may_be_ours(tmp_path)
