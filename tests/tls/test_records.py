from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.errors import RecordError
from pytest_modssl.tls.records import (
    HANDSHAKE,
    MAX_MESSAGE,
    MAX_PAYLOAD,
    RECORD_TYPES,
    HandshakeMessage,
    HandshakeReader,
    Record,
    RecordReader,
)

records = st.builds(Record, st.sampled_from(sorted(RECORD_TYPES)), st.integers(0x0300, 0x03FF), st.binary(max_size=300))
handshake_messages = st.builds(HandshakeMessage, st.integers(0, 255), st.binary(max_size=300))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(st.lists(records, max_size=8), st.lists(st.integers(0, 5000), max_size=8))
def test_records_come_out_as_they_went_in_however_the_bytes_are_cut(sent: list[Record], places: list[int]) -> None:
    reader = RecordReader()
    data = b"".join(record.to_bytes() for record in sent)
    received = [record for piece in cut(data, places) for record in reader.feed(piece)]
    assert received == sent
    assert reader.pending == b""


@given(st.lists(handshake_messages, max_size=8), st.lists(st.integers(0, 5000), max_size=8))
def test_messages_are_put_together_over_any_records(sent: list[HandshakeMessage], places: list[int]) -> None:
    reader = HandshakeReader()
    data = b"".join(message.to_bytes() for message in sent)
    received = [message for piece in cut(data, places) for message in reader.feed(piece)]
    assert received == sent
    assert reader.pending == b""


@given(st.lists(st.binary(max_size=400), max_size=6))
def test_any_bytes_give_records_or_the_error_of_records(pieces: list[bytes]) -> None:
    reader = RecordReader()
    taken = 0
    try:
        for piece in pieces:
            taken += sum(5 + len(record.payload) for record in reader.feed(piece))
    except RecordError:
        assert reader.error is not None
    if reader.error is None:
        assert taken + len(reader.pending) == sum(map(len, pieces))


@given(st.lists(st.binary(max_size=400), max_size=6))
def test_any_bytes_give_messages_or_the_error_of_records(pieces: list[bytes]) -> None:
    reader = HandshakeReader()
    taken = 0
    try:
        for piece in pieces:
            taken += sum(4 + len(message.body) for message in reader.feed(piece))
    except RecordError:
        return
    assert taken + len(reader.pending) == sum(map(len, pieces))


@given(records, st.binary(min_size=1, max_size=50).filter(lambda data: data[0] not in RECORD_TYPES))
def test_whole_records_before_rubbish_are_given_and_the_rubbish_is_told(record: Record, rubbish: bytes) -> None:
    reader = RecordReader()
    assert reader.feed(record.to_bytes() + rubbish) == [record]
    assert reader.error is not None
    assert reader.pending == rubbish
    with pytest.raises(RecordError, match="Not TLS"):
        reader.feed(record.to_bytes())
    assert reader.pending == rubbish


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 400 Bad Request\r\n", b"220 mail.example.test ESMTP\r\n", b"H", b"\x16\x02"]
)
def test_another_protocol_is_refused_at_its_first_bytes(reply: bytes) -> None:
    with pytest.raises(RecordError, match="Not TLS"):
        RecordReader().feed(reply)


def test_the_longest_record_is_read_and_a_longer_one_refused_by_its_header() -> None:
    longest = Record(HANDSHAKE, 0x0303, bytes(MAX_PAYLOAD))
    assert RecordReader().feed(longest.to_bytes()) == [longest]
    with pytest.raises(RecordError, match="longer than 18432 bytes"):
        RecordReader().feed(b"\x16\x03\x03" + (MAX_PAYLOAD + 1).to_bytes(2, "big"))


def test_the_longest_message_is_read_and_a_longer_one_refused_by_its_header() -> None:
    longest = HandshakeMessage(11, bytes(MAX_MESSAGE))
    assert HandshakeReader().feed(longest.to_bytes()) == [longest]
    with pytest.raises(RecordError, match="announces 262145 bytes"):
        HandshakeReader().feed(b"\x0b" + (MAX_MESSAGE + 1).to_bytes(3, "big"))


def test_a_record_names_its_type() -> None:
    assert Record(HANDSHAKE, 0x0303, b"").type_name == "handshake"
    assert Record(99, 0x0303, b"").type_name == "unknown (99)"
