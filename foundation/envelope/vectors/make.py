#!/usr/bin/env python3
"""A second hand for the formats of this crate: writes sea1.txt and blob.txt with nothing but Python's
`cryptography` and `hmac`, from the descriptions at the head of segment.rs and blob.rs. The Rust tests must
reproduce the files byte for byte. Run from anywhere: `python3 foundation/envelope/vectors/make.py`."""

import hashlib
import hmac
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent


def hkdf(ikm, salt, info, length):
    prk = hmac.digest(salt, ikm, "sha256")
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([count]), "sha256")
        out, count = out + block, count + 1
    return out[:length]


def sea1(data_key, blob_uuid, part, salt, plain):
    derived = hkdf(data_key, salt, b"SEA1" + b"\x01" + blob_uuid + struct.pack(">H", part), 71)
    key, prefix, commitment = derived[:32], derived[32:39], derived[39:]
    header = b"SEA1" + b"\x01\x10" + struct.pack(">H", part) + blob_uuid + salt + commitment + bytes(8)
    aad, out = hashlib.sha256(header).digest(), header
    count = max(1, -(-len(plain) // 65536))
    for index in range(count):
        nonce = prefix + struct.pack(">I", index) + bytes([index == count - 1])
        out += AESGCM(key).encrypt(nonce, plain[65536 * index : 65536 * (index + 1)], aad)
    return out


def der(tag, body):
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    width = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + size.to_bytes(width, "big") + body


def blob(backing, material, third, nonce, iv, context, plain):
    fixed = b"sse-sim message key" + b"\0" + nonce + struct.pack(">I", 256)
    key = hmac.digest(backing, struct.pack(">I", 1) + fixed, "sha256")

    def whole(sealed):
        oid = lambda text: der(6, bytes.fromhex(text))
        algorithm = der(0x30, oid("60864801650304012e") + der(0x30, der(4, iv) + der(2, b"\x10")))
        info = der(0x30, oid("2a864886f70d010701") + algorithm + der(0x80, sealed))
        cms = der(0x30, oid("2a864886f70d010706") + der(0xA0, der(0x30, der(2, b"\0") + info)))
        return b"\x01\x02" + bytes([third]) + b"\x00\x78" + material + b"\x01" + nonce + struct.pack(">I", len(cms)) + cms

    inner = bytes([1, third]) + bytes(9) + plain
    size = len(inner) + 16
    canonical = struct.pack(">I", len(context))
    for pair in sorted(context.items()):
        for part in pair:
            canonical += struct.pack(">I", len(part)) + part.encode()
    aad = whole(bytes(size))[:-size] + canonical
    return whole(AESGCM(key).encrypt(iv, inner, aad))


def main():
    key, salt, uuid = bytes(range(32)), bytes(range(0x40, 0x60)), bytes(range(0xA0, 0xB0))
    lines = ["# data key 00…1f, blob uuid a0…af, salt 40…5f; plaintext byte i is (i * 7 + i / 256) mod 256",
             "# part number, plaintext length, header, SHA-256 of the whole sealed body"]
    for part, size in [(0, 0), (0, 1), (7, 65535), (7, 65536), (10000, 65537), (0, 200000)]:
        plain = bytes((i * 7 + i // 256) & 255 for i in range(size))
        sealed = sea1(key, uuid, part, salt, plain)
        lines.append(f"{part} {size} {sealed[:96].hex()} {hashlib.sha256(sealed).hexdigest()}")
    (HERE / "sea1.txt").write_text("\n".join(lines) + "\n")

    lines = ["# backing key 00…1f, material id a0…bf, nonce 40…4f, iv 50…5b; plaintext byte i is i mod 256",
             "# third byte, context as name=value or -, plaintext length, blob"]
    for third, context, size in [(2, {}, 1), (3, {"aws:ebs:id": "vol-1"}, 64), (2, {}, 0)]:
        plain = bytes(i & 255 for i in range(size))
        sealed = blob(key, bytes(range(0xA0, 0xC0)), third, bytes(range(0x40, 0x50)), bytes(range(0x50, 0x5C)), context, plain)
        shown = ",".join(f"{name}={value}" for name, value in context.items()) or "-"
        lines.append(f"{third} {shown} {size} {sealed.hex()}")
    (HERE / "blob.txt").write_text("\n".join(lines) + "\n")


main()
