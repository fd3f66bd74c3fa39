"""Bytes to text, and back."""

import pytest

from drillbook.compiler.reader import decode, encode
from drillbook.core.errors import BookInvalid


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "x.md is empty"),
        (b"\xef\xbb\xbf \r\n\t", "x.md is empty"),
        (b"# A\x00b", "not text: a NUL byte stands at offset 3"),
        (b"# A\n\xff\xfa", "not UTF-8: a wrong byte at offset 4, line 2"),
        (b"\xff\xfe\x00", "not UTF-16"),
    ],
)
def test_what_is_no_text_gets_one_sentence_and_a_hint(data: bytes, says: str) -> None:
    with pytest.raises(BookInvalid, match=says) as raised:
        decode(data, name="x.md")

    assert raised.value.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_comes_back_byte_for_byte(encoding: str) -> None:
    data = "# Titel\r\n- Größe 🚨\r\n".encode(encoding)

    assert encode(decode(data, name="x.md"), like=data) == data
