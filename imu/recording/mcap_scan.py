"""Everything readable in an MCAP file of ours, torn or damaged or not.

The library's readers want the footer, or stop at the first bad chunk, or return damaged bytes silently (measured). Here
the file is walked record by record; each chunk is checked by its CRC; after damage the walk goes on at the next place
that looks like the start of a chunk.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from io import BytesIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Metadata
from mcap.stream_reader import breakup_chunk
from mcap.writer import MCAP0_MAGIC

_RECORD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQI8sQ")
_HEAD = _RECORD.size + _CHUNK.size
_MARK = re.compile(rb"\x04\x00\x00\x00zstd.{8}\x28\xb5\x2f\xfd", re.DOTALL)
"""Compression field, length and zstd's own first bytes: what tells the start of a chunk in a damaged file."""
_MARK_AT = _RECORD.size + 28
_MAX_CHUNK = 1 << 28
_PLAIN = frozenset(int(code) for code in Opcode) - {int(Opcode.CHUNK)}


@dataclass(slots=True)
class Scan:
    """What was found, in file order."""

    messages: list[Message] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    """Byte positions where something could not be read."""
    bad_chunks: int = 0
    """Chunks (with data) among them."""
    finished: bool = False
    """The footer is there: the writer closed the file."""


def scan(data: bytes) -> Scan:
    """Walk a whole file. Never raises: what cannot be read is left out and its place noted."""
    found = Scan()
    at = len(MCAP0_MAGIC)
    if data[:at] != MCAP0_MAGIC:
        found.damaged.append(0)
    size = len(data)
    while at < size:
        if _MARK.match(data, at + _MARK_AT):
            at = _take_chunk(data, at, found)
            continue
        op, end = 0, size + 1
        if at + _RECORD.size <= size:
            op, length = _RECORD.unpack_from(data, at)
            end = at + _RECORD.size + length
        # a record that seems to contain a chunk has a damaged length
        if op in _PLAIN and end <= size and _MARK.search(data, at, end) is None:
            if not _take_record(data, at, op, end, found):
                found.damaged.append(at)
            at = end
            if op == Opcode.FOOTER:
                found.finished = data[at:] == MCAP0_MAGIC
                if found.finished:
                    break
        else:
            found.damaged.append(at)
            found.bad_chunks += op == Opcode.CHUNK
            at = _next_chunk(data, at)
    # damage in the last chunk may hide the footer from the walk; a torn file cannot end with the closing mark
    found.finished |= size > len(MCAP0_MAGIC) and data.endswith(MCAP0_MAGIC)
    return found


def _next_chunk(data: bytes, at: int) -> int:
    """Start of the next thing that looks like a chunk, not before `at`; the end if there is none."""
    mark = _MARK.search(data, at + _MARK_AT)
    return mark.start() - _MARK_AT if mark else len(data)


def _take_chunk(data: bytes, at: int, found: Scan) -> int:
    """Unpack the chunk at `at` and return where to go on.

    Its length is written twice, in the record and inside the chunk. If they differ one is damaged, and the shorter is
    tried first: too short fails the CRC, too long does not (the decompressor ignores what follows a frame) and would
    swallow the chunks behind it.
    """
    after = len(data)
    if at + _HEAD <= len(data):
        t_start, t_end, size, crc, _, packed = _CHUNK.unpack_from(data, at + _RECORD.size)
        _, length = _RECORD.unpack_from(data, at)
        for taken in sorted({packed, length - _CHUNK.size}):
            end = at + _HEAD + taken
            if taken <= 0 or end > len(data) or size > _MAX_CHUNK:
                continue
            after = min(after, end)
            chunk = Chunk("zstd", data[at + _HEAD : end], t_end, t_start, crc, size)
            try:
                records = breakup_chunk(chunk, validate_crc=True)
            except Exception:  # whatever decompressor or parser say of damaged bytes: this is not the chunk
                continue
            found.messages += [r for r in records if isinstance(r, Message)]
            found.channels += [r for r in records if isinstance(r, Channel)]
            if packed != length - _CHUNK.size:
                found.damaged.append(at)
            return end
    found.damaged.append(at)
    found.bad_chunks += 1
    return min(after, _next_chunk(data, at + 1))


def _take_record(data: bytes, at: int, op: int, end: int, found: Scan) -> bool:
    """Keep metadata and channel records; False if the record cannot be read."""
    kinds = {int(Opcode.METADATA): (Metadata, found.metadata), int(Opcode.CHANNEL): (Channel, found.channels)}
    if op not in kinds:
        return True
    kind, keep = kinds[op]
    try:
        from_bytes = ReadDataStream(BytesIO(data[at + _RECORD.size : end]))
        keep.append(kind.read(from_bytes))
    except Exception:  # damaged text or lengths inside the record
        return False
    return True
