"""The catalogue as data: whole, unambiguous, and found by id."""

from __future__ import annotations

import re

import pytest

from pytest_modssl.errors import UnknownEntryError
from pytest_modssl.faq import GROUPS, Diagnosis, Entry, Finding, Place, entries, entry
from pytest_modssl.faq.entry import manual_page
from pytest_modssl.httpd.modules import module_of_directive
from pytest_modssl.httpd.snippet import Origin

# The FAQ has 2, 7, 10, 13 and 5 questions.
COUNTS = {"installation": 2, "configuration": 7, "certificates": 10, "protocol": 13, "support": 5}


def test_the_catalogue_has_every_question_of_the_faq_in_its_order() -> None:
    groups: list[str] = [one.group for one in entries()]
    assert {name: groups.count(name) for name in COUNTS} == COUNTS
    order: list[str] = list(GROUPS)
    assert groups == sorted(groups, key=order.index)


def test_ids_are_unique_and_good_for_file_names() -> None:
    ids = [one.id for one in entries()]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one)] == []


def test_entries_of_the_faq_link_to_it_and_others_to_a_directive() -> None:
    assert [one.id for one in entries() if bool(one.anchor) != (one.group != "beyond")] == []
    assert [one.id for one in entries() if not one.links] == []
    anchors = [one.anchor for one in entries() if one.anchor]
    assert len(set(anchors)) == len(anchors)


def test_every_text_is_one_line_and_every_number_has_httpd_s_form() -> None:
    for one in entries():
        assert one.question.endswith("?")
        assert all(text and "\n" not in text and not text.endswith(".") for text in (one.cause, one.remedy))
        assert all(re.fullmatch(r"AH\d{5}", number) for number in one.numbers)
        assert len(set(one.numbers)) == len(one.numbers)


def test_every_directive_is_one_of_httpd_s_own() -> None:
    named = {directive for one in entries() for directive in one.directives}
    assert {one for one in named if module_of_directive(one) is None} == set()


@pytest.mark.parametrize(
    ("directive", "page"),
    [
        ("SSLEngine", "mod/mod_ssl.html#sslengine"),
        ("<VirtualHost>", "mod/core.html#virtualhost"),
        ("Listen", "mod/mpm_common.html#listen"),
        ("CoreDumpDirectory", "mod/mpm_common.html#coredumpdirectory"),
        ("User", "mod/mod_unixd.html#user"),
    ],
)
def test_a_directive_is_linked_to_its_page_of_the_manual(directive: str, page: str) -> None:
    assert manual_page(directive) == f"https://httpd.apache.org/docs/2.4/{page}"


@pytest.mark.parametrize("one", [one for one in entries() if one.recognisers], ids=lambda one: one.id)
def test_a_diagnosis_links_the_faq_where_it_has_the_question_and_a_page_of_the_manual(one: Entry) -> None:
    told = str(Diagnosis(one, Finding(seen=("a line",)))).splitlines()[-1]
    assert told.startswith("  see: ")
    assert ("/ssl/ssl_faq.html#" in told) == bool(one.anchor)
    assert "https://httpd.apache.org/docs/2.4/mod/" in told
    for directive in one.directives:
        place = Place(Origin("site.conf", 1), f"{directive} on")
        assert str(Diagnosis(one, Finding(seen=("a line",), place=place))).endswith(manual_page(directive))


def test_an_id_that_is_misspelled_is_told_with_those_alike() -> None:
    assert entry("sni").id == "sni"
    with pytest.raises(UnknownEntryError, match="alike are startup-pass-phrase"):
        entry("startup-passphrase")
