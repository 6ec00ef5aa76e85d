# SPDX-License-Identifier: GPL-2.0-only
"""The host's half of the protocol that runner.c describes."""

import base64
import binascii
import re

READY, OUT, ERR, KMSG, STATUS, FAILED = "ROEKXL"
FILE_NAME, FILE_DATA, FILE_END = "NDZ"

FRAME = re.compile(rb"\x1e([A-Z][0-9a-f]{8} ([A-Za-z0-9+/=]*)) ([0-9a-f]{8})\r?$")


class Decoder:
    """Splits a stream into frames and the other text that it carries.

    `damaged` counts frames that were cut or lost. They are told from text by their first byte,
    which no console message has.
    """

    def __init__(self):
        self.rest = b""
        self.next = 0
        self.damaged = 0

    def feed(self, data):
        """Yield (type, payload) for each frame and (None, text) for what lies between."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            before, mark, _ = line.partition(b"\x1e")
            if not mark:
                yield None, line + b"\n"
                continue
            if before:
                yield None, before
            yield from self.decode(line[len(before):])

    def end(self):
        """What a stream that ended without a newline left."""
        rest, self.rest = self.rest, b""
        return rest

    def decode(self, line):
        """The frame that LINE is; as text when it is damaged, so that no byte is hidden."""
        found = FRAME.match(line)
        if not found or binascii.crc32(found[1]) != int(found[3], 16):
            self.damaged += 1
            yield None, line + b"\n"
            return
        seq = int(found[1][1:9], 16)
        # The frame that says "failed" comes from a process of its own and counts from zero.
        kind = chr(found[1][0])
        if kind != FAILED:
            self.damaged += seq > self.next
            self.next = seq + 1
        yield kind, base64.b64decode(found[2])
