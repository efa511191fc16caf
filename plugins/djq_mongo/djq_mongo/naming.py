"""From the name of a queue to that of its collection."""

from __future__ import annotations

import hashlib
from typing import Final

PREFIX: Final = "djq_"
#: The unreadable packages of a queue lie beside it; the name of no queue ends so, for its underscore is written twice.
DEAD: Final = "_unreadable"
#: A name of a collection has at most 255 bytes together with that of the database, and had 120 before MongoDB 4.4.
_LONGEST: Final = 50


def collection_of(list_key: str) -> str:
    """Return the name of the collection of a queue: letters and digits as they are, the others told apart.

    An underscore is written twice, any other character as an underscore and two hexadecimal digits for each of its
    bytes; what is longer than a server takes ends in a digest.
    """
    name = "".join(map(_written, list_key))
    if len(name) > _LONGEST:
        digest = hashlib.sha256(list_key.encode()).hexdigest()
        name = f"{name[: _LONGEST - 18]}_x{digest[:16]}"
    return f"{PREFIX}{name}"


def _written(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    if character == "_":
        return "__"
    return "".join(f"_{byte:02x}" for byte in character.encode())
