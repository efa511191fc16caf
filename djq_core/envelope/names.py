"""Identifiers of tasks and their readable form."""

from __future__ import annotations

import re
from hashlib import blake2b
from os import urandom
from typing import Final

_WORDS_IN_A_NAME: Final = 4
_ID: Final = re.compile("[0-9a-fA-F]{32}")
#: The bits that make a random number a random UUID, and where they are (RFC 9562, version 4).
_VERSION_BITS: Final = 0x4 << 76 | 0x2 << 62
_OTHER_BITS: Final = ~(0xF << 76 | 0x3 << 62)

#: One plain word for each value of a byte. Their order is part of what a name is: never change it.
WORDS: Final[tuple[str, ...]] = tuple(
    """
    acorn anchor apple apron arrow badge bagel bamboo banner barley
    barn barrel basin basket beacon beaver bell bench berry birch
    biscuit blanket boat bonnet book bottle boulder bowl branch brass
    bread brick bridge broom brush bucket buckle bundle button cabin
    cable camel camera candle canoe canyon captain caravan carrot castle
    cavern cedar cello chalk chapel cherry chess chimney circle clay
    cliff cloak clock cloud clover coal coast cobble coin collar
    copper coral cork corner cotton cradle crane crater crayon cricket
    crown crystal curtain cushion daisy dance desert diamond dolphin donkey
    door dove dragon drawer drum duck dune eagle easel elbow
    elm ember engine envelope fabric falcon feather fence fern ferry
    fiddle field fig flag flame flint flute foal forest fountain
    fox frost gable garden garlic gate ginger glacier glass glove
    goat goose granite grape gravel guitar hammer harbor harvest hazel
    heron hill hinge honey hook horizon horn house iris iron
    inkwell ivory ivy jacket jar jasmine jewel jungle kayak kettle
    key kite ladder lagoon lantern latch laurel leaf ledger lemur
    lentil letter library lily linen lobster locket loom lotus lunar
    magnet mallet maple marble market marsh mast meadow melon mill
    mint mitten moss moth mule nest nettle nickel nutmeg oak
    oasis oat onion opal orchard otter owl paddle palace panda
    paper parrot path peach pear pebble pelican pencil pepper petal
    piano pigeon pillow pine planet plum pocket pond poppy prairie
    pumpkin puzzle quail quarry quartz quilt rabbit radish raft raven
    reed ribbon ridge ring road rope saddle saffron sail sand
    shell ship silk spoon temple thimble
    """.split()  # noqa: SIM905 - 27 lines to read instead of 256
)


def new_id() -> str:
    """Return a new task id: the 32 hexadecimal digits of a random UUID (manual 1.4.6, ``Task.id``)."""
    number = int.from_bytes(urandom(16), "big")
    return f"{number & _OTHER_BITS | _VERSION_BITS:032x}"


def task_name(task_id: str) -> str:
    """Return the readable form of a task id: four words joined by hyphens, always the same ones for one id.

    ``task_id`` is the 32 hexadecimal digits of :func:`new_id`; raises ValueError for anything else (manual 1.4.6).
    """
    if not _ID.fullmatch(task_id):
        raise ValueError(f"A task id has 32 hexadecimal digits, which {task_id!r} has not.")
    digest = blake2b(bytes.fromhex(task_id), digest_size=_WORDS_IN_A_NAME).digest()
    return "-".join([WORDS[byte] for byte in digest])
