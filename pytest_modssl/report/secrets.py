"""What must not be in a bug report, and text without it.

Two ways, as neither is enough. What is *known* to be secret (`Secrets`, filled from the configuration, its files, the
environment and the requests of a test) is taken out wherever it is, also in base64, percent-encoded or in hexadecimal.
What *looks* secret (a private key in PEM, an Authorization field, a password in a URL, a hash of htpasswd) is taken out
also where nobody knew of it. Rather too much goes than too little: a report must be fit for a public mailing list.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, quote_plus, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Text = TypeVar("Text", str, bytes)

REMOVED = "[removed]"
"""What stands where a secret was."""

# A shorter one, such as "abc", is in many a word: it goes where its place tells it, and stays elsewhere.
_SHORTEST = 4
# Of a long one any piece of this size is as bad as the whole: 24 characters of base64 are 144 bits of a key.
_PIECE = 24
_LONGEST = 256
_REST = 6
# Runs in which an encoded secret can hide; encodings of encodings are looked through as well, to this depth.
_RUN = re.compile(rb"[A-Za-z0-9+/=_.%~\\-]{8,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
_DEPTH = 3
_ESCAPED = re.compile(rb"\\x([0-9A-Fa-f]{2})")

TELLING_NAME = (
    r"[\w.-]*(?:passw(?:or)?d|pass[_-]?phrase|(?<![a-z])pass(?![a-z])|pwd|secret|token|api[_-]?key|private[_-]?key"
    r"|credential|session[_-]?id)[\w.-]*"
)
# In a line of text, or after the text form of the end of one.
_BEFORE_NAME = r"(?:(?<![\w-])|(?<=\\n))"
# What is no value of such a name: what was there is gone, an answer, the end of base64 that has the name by chance.
_NO_VALUE = r"(?!\[removed\]|(?:yes|no|true|false|none|null|on|off)\b|=*\s*-----END)"
_FIELDS = r"(?:Proxy-)?Authorization|(?:Set-)?Cookie2?|X-Api-Key|X-Auth-[\w-]+|X-CSRF-Token"
# RFC 7468. Each line of a block may have something before it, as in a log, and its begin or its end may be missing.
_BEGIN, _END = (re.compile(f"-----{word} [A-Z0-9 ]*PRIVATE KEY-----") for word in ("BEGIN", "END"))
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_BLOCK = re.compile(f"{_BEGIN.pattern}[^\n]*?{_END.pattern}")
_OF_BLOCK = re.compile(r"[A-Za-z0-9+/=]{16}|Proc-Type:|DEK-Info:|^\s*$")
# RSA of 16384 bits has 200 lines.
_LINES_OF_BLOCK = 400
_ENCODED_BEGIN = re.compile(rb"BEGIN[ +][A-Z0-9 +]*PRIVATE[ +]KEY")
# A pattern and what takes the place of what it finds.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        # "-----BEGIN " in base64, and all that follows of its kind, in one line or in many.
        (r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]*(?:\n[A-Za-z0-9+/=]{8,}(?=\n|\Z))*", REMOVED),
        # Bytes that are no text, as httpd escapes them in its log: nobody can read them, and a key may be among them.
        (r"(?:\\x[0-9A-F]{2}.{0,24}?){12,}\S{0,24}", REMOVED),
        # RFC 7617, RFC 6265: the whole field, whatever its scheme, to the end of the line or of its text form.
        (rf"({_BEFORE_NAME}(?:{_FIELDS})[\"']?\s*[:=]\s*)(?:[^\r\n\\]|\\(?![rn]))+", rf"\1{REMOVED}"),
        (rf"({_BEFORE_NAME}(?:{_FIELDS})[\"']?,?\s+[\"'])[^\"'\r\n]+", rf"\1{REMOVED}"),
        (r"\b(Basic|Bearer|Digest|Negotiate)(\s+|%20|\+)[A-Za-z0-9+/=._~%-]{8,}", rf"\1\2{REMOVED}"),
        # RFC 3986, 3.2.1; the user name goes too, as it may be a token.
        (r"(\b[a-z][a-z0-9+.-]{0,20}(?::|%3A)(?://|%2F%2F))[^\s/\"'<>@?#]+(?:@|%40)", rf"\1{REMOVED}@"),
        (
            rf"(?<![\w.-])({TELLING_NAME})([\"']?\s*(?:=|:|%3D)\s*[\"']?){_NO_VALUE}[^\s\"'&;,<>]+",
            rf"\1\2{REMOVED}",
        ),
        # curl -u user:password
        (r"(\s(?:-u|--user|--proxy-user)[\s=])\S+", rf"\1{REMOVED}"),
        # htpasswd(1): MD5 of APR, bcrypt, SHA-1; crypt(5): SHA-256, SHA-512, yescrypt.
        (r"\$(?:apr1|1|2[abxy]|5|6|y)\$[^\s\"':]+", REMOVED),
        (r"\{S?SHA\}[A-Za-z0-9+/=]+", REMOVED),
        # A line of htdigest(1), of htpasswd -p, and of openssl srp (srp(1ssl): type, verifier, salt, user, group).
        (r"^([^\s:]+:[^\s:]+:)[0-9a-f]{32}$", rf"\1{REMOVED}"),
        (r"(?<!\S)V\t[^\t\n]+\t[^\t\n]+\t", f"V\t{REMOVED}\t{REMOVED}\t"),
        # A key log (draft-ietf-tls-keylogfile).
        (r"\b((?:CLIENT|SERVER|EXPORTER|EARLY)_[A-Z0-9_]+ [0-9a-f]{64}) [0-9a-f]+", rf"\1 {REMOVED}"),
    )
)

# In a message of HTTP: a field to its end (RFC 9110, 5.5), a key in PEM (RFC 7468).
_IN_CLEAR = (
    re.compile(rb"^((?:" + _FIELDS.encode() + rb"):[ \t]*)[^\r\n]*", re.IGNORECASE | re.MULTILINE),
    re.compile(rb"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\s).*?(?=-----END|\Z)", re.DOTALL),
)

# The same that stand for a password, with the password as their group: after a name, in a URL (RFC 3986, 3.2.1).
_TOLD = re.compile(
    rf"(?<![\w.-]){TELLING_NAME}[\"']?\s*[=:]\s*[\"']?([^\s\"'&;,<>]+)|://[^\s/\"'<>@:?#]*:([^\s/\"'<>@?#]+)@",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"\bBasic ([A-Za-z0-9+/=]{8,})")
_LEARNED = 8


@dataclass(frozen=True)
class Secrets:
    """What is known to be secret; grows while a report is made."""

    _whole: set[bytes] = field(default_factory=set)
    _pieces: set[bytes] = field(default_factory=set)
    # Beginnings and ends of long ones, which are shorter than a piece.
    _ends: set[bytes] = field(default_factory=set)
    # By their beginnings, so that a text is not searched for each of them.
    _starts: dict[bytes, set[bytes]] = field(default_factory=dict)
    _forms: dict[str, set[str]] = field(default_factory=dict)

    def add(self, *values: str | bytes) -> None:
        """Takes note of secrets; of a long one every piece is one. White space around one does not belong to it."""
        for value in values:
            raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
            data = raw.strip()
            if len(data) >= _PIECE:
                for one in (raw, data):  # the last byte of a key may be one of white space
                    self._ends.update(one[:size] for size in range(_REST, _PIECE))
                    self._ends.update(one[-size:] for size in range(_REST, _PIECE))
                self._pieces.update(raw[at : at + _PIECE] for at in range(len(raw) - _PIECE + 1))
            if _SHORTEST <= len(data) <= _LONGEST and data not in self._whole:
                self._whole.add(data)
                self._starts.setdefault(data[:_SHORTEST], set()).add(data)
                for form in _forms(data):
                    self._forms.setdefault(form[:_SHORTEST], set()).add(form)

    def add_keys(self, pem: bytes) -> None:
        """Takes note of every private key in some PEM, encrypted ones too."""
        for found in _KEY.finditer(pem):
            body = b"".join(line for line in found[1].split() if b":" not in line and b"," not in line)
            self.add(body)
            try:
                self.add(base64.b64decode(body))
            except binascii.Error:
                continue

    def learn_from(self, text: str) -> None:
        """Takes note of passwords whose place tells them: where the same stands elsewhere, it is one too.

        A word without a digit may be any word of the language, and is taken out at its place alone.
        """
        for found in _TOLD.finditer(text):
            value = next(filter(None, found.groups()), "")
            if len(value) >= _LEARNED and any(map(str.isdigit, value)):
                self.add(value, unquote_to_bytes(value))
        for encoded in _CREDENTIALS.findall(text):
            try:
                self.add(base64.b64decode(encoded).partition(b":")[2])
            except binascii.Error:
                continue

    def update(self, other: Secrets) -> None:
        """Takes note of all that another one knows."""
        self._whole.update(other._whole)
        for start, some in other._starts.items():
            self._starts.setdefault(start, set()).update(some)
        for beginning, forms in other._forms.items():
            self._forms.setdefault(beginning, set()).update(forms)
        self._pieces.update(other._pieces)
        self._ends.update(other._ends)

    @property
    def size(self) -> int:
        """How much is known; it never shrinks."""
        return len(self._whole) + len(self._pieces)

    def removed_from(self, text: str) -> str:
        """The text without them, and without what looks like one."""
        text = _without_keys(text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        for form in sorted(_beginning_in(text, self._forms), key=len, reverse=True):
            text = text.replace(form, REMOVED)
        data = text.encode("utf-8", "surrogateescape")
        return _RUN.sub(self._run, data).decode("utf-8", "surrogateescape")

    def blanked_in(self, data: bytes) -> bytes:
        """Bytes of a protocol in clear, as many of them, with asterisks for what is secret there."""
        for pattern in _IN_CLEAR:
            data = pattern.sub(lambda found: found[1] + b"*" * (len(found[0]) - len(found[1])), data)
        known = {form.encode("utf-8", "surrogateescape") for forms in self._forms.values() for form in forms}
        for one in sorted(known, key=len, reverse=True):
            data = data.replace(one, b"*" * len(one))
        return data

    def _run(self, found: re.Match[bytes]) -> bytes:
        return REMOVED.encode() if any(map(self._is_secret, _views(found[0], _DEPTH))) else found[0]

    def _is_secret(self, data: bytes) -> bool:
        if any(data[at : at + _PIECE] in self._pieces for at in range(len(data) - _PIECE + 1)):
            return True
        # The rest of one that was broken into lines.
        if data in self._ends:
            return True
        return _ENCODED_BEGIN.search(data) is not None or any(one in data for one in _beginning_in(data, self._starts))


def _beginning_in(text: Text, known: Mapping[Text, set[Text]]) -> set[Text]:
    """Those of many words whose beginning stands somewhere in a text; those that are shorter than that are all."""
    found = known.keys() & {text[at : at + _SHORTEST] for at in range(len(text) - _SHORTEST + 1)}
    found |= {start for start in known if len(start) < _SHORTEST}
    return {word for start in found for word in known[start]}


def _without_keys(text: str) -> str:
    """A text without private keys in PEM."""
    lines = _BLOCK.sub(REMOVED, text).split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if begin := _BEGIN.search(line):
            block = lines[at : at + _LINES_OF_BLOCK]
            end = next((number for number, one in enumerate(block, 1) if _END.search(one)), None)
            if end is None:
                end = next((number for number, one in enumerate(block) if not _OF_BLOCK.search(one)), len(block))
            kept.append(line[: begin.start()] + REMOVED)
            at += end
        elif end_of := _END.search(line):
            while kept and _OF_BLOCK.search(kept[-1]):
                kept.pop()
            kept.append(REMOVED + line[end_of.end() :])
        else:
            kept.append(line)
    return "\n".join(kept)


def _forms(secret: bytes) -> Iterator[str]:
    """A secret as it is, and as programs print it."""
    yield "".join(chr(one) if 32 <= one < 127 else f"\\x{one:02x}" for one in secret)
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(secret, safe="").lower())
    text = secret.decode("utf-8", "surrogateescape")
    yield from (text, json.dumps(text)[1:-1], repr(text)[1:-1])


def _views(data: bytes, depth: int) -> Iterator[bytes]:
    """What a run of characters may stand for: itself, and what comes of undoing encodings of it."""
    yield data
    if depth == 0:
        return
    for one in _decoded(data):
        if one != data:
            yield from _views(one, depth - 1)


def _decoded(data: bytes) -> Iterator[bytes]:
    if b"%" in data:
        yield unquote_to_bytes(data)
    if b"\\x" in data:
        yield _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), data)
    for run in _BASE64.findall(data):
        plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        # What stands before it may be letters too: so it may begin at any of four places.
        for start in range(4):
            part = plain[start : start + (len(plain) - start) // 4 * 4]
            rest = plain[start + len(part) :]
            tail = rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""
            yield base64.b64decode(part + tail)
        try:
            yield binascii.unhexlify(run[: len(run) // 2 * 2])
        except binascii.Error:
            continue
