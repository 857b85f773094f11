"""API keys as text: how one is written, told from a slip of the keyboard, and reduced to what may be stored.

A key is ``dsty_<id>_<secret><checksum>``: 16 hex digits, 256 random bits in base64, a CRC of both in 8 hex digits. The checksum keeps
nobody out; it lets a server refuse what was never a key without asking its store.
"""

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass

SECRET_BYTES = 32
ID_BYTES = 8
_KEY = re.compile(r"(dsty_([0-9a-f]{16})_[A-Za-z0-9_-]{43})([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class KeyPrint:
    """What is kept of a key: its id, and the SHA-256 of the whole.

    Slow hashes with a salt protect secrets that can be guessed. Nobody guesses 256 random bits, so one SHA-256 loses nothing, and a
    request costs a microsecond instead of a tenth of a second.
    """

    id: str
    digest: bytes


def write_key(id_bytes: bytes, secret: bytes) -> str:
    """The key's text; 8 and 32 random bytes."""
    body = f"dsty_{id_bytes.hex()}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"
    return body + _checksum(body)


def key_print(text: str) -> KeyPrint | None:
    """What a store can be asked for; None for a text that is no key."""
    found = _KEY.fullmatch(text)
    if found is None or _checksum(found[1]) != found[3]:
        return None
    return KeyPrint(found[2], hashlib.sha256(text.encode()).digest())


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
