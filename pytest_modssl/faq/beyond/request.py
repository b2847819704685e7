"""Failures that show in the answer to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import refused, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence


def _no_document_root(evidence: Evidence) -> Iterator[Finding]:
    missing = [one for one in evidence.seen(requests.Response) if one.status_code == requests.codes.not_found]
    for record, found in evidence.logged("AH00112", match=r"DocumentRoot \[(?P<folder>.*?)\] does not exist"):
        for response in missing:
            used = evidence.find("DocumentRoot", word=found["folder"])
            yield Finding(
                seen=(f"{response.url} answered 404", shown(record)),
                cause=f"DocumentRoot {found['folder']} does not exist where the server runs",
                place=None if used is None else used.place,
            )
            return


ENTRIES = (
    Entry(
        id="document-root-missing",
        group="beyond",
        question="Why is every page of a host not found?",
        cause="the folder in DocumentRoot does not exist where the server runs; httpd starts and only warns",
        remedy="let DocumentRoot name a folder that is there; give the content of a test's host as files=",
        directives=("DocumentRoot",),
        numbers=("AH00112",),
        recognisers=(
            refused(r"DocumentRoot '(?P<folder>.*?)' is not a directory, or is not readable"),
            _no_document_root,
        ),
    ),
)
