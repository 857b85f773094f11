"""Sessions of the web pages as text: what a browser's cookie holds, and what a store may keep of it.

A session is ``dsts_<secret><checksum>``: 256 random bits in base64 and a CRC in 8 hex digits, which lets a server refuse what was never
a session without asking its store. It says nothing of the key that it was begun with.
"""

import base64
import hashlib
import re
import zlib

SESSION_BYTES = 32
HOURS = 12
"""How long one lasts at most: a working day. It ends before that with its key."""
_SESSION = re.compile(r"(dsts_[A-Za-z0-9_-]{43})([0-9a-f]{8})")


def write_session(secret: bytes) -> str:
    """The session's text; 32 random bytes."""
    body = f"dsts_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"
    return body + _checksum(body)


def session_digest(text: str) -> bytes | None:
    """What a store can be asked for; None for a text that is no session."""
    found = _SESSION.fullmatch(text)
    if found is None or _checksum(found[1]) != found[2]:
        return None
    return hashlib.sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
