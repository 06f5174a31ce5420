"""The ways in which a model is broken: some know nothing of the format, others where it hurts.

Each is a function of the content, which it changes in place; the dice, from which all chance
comes; and the seeds, the intact models: the first is what the content was, the second any other.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from functools import cached_property

from growing import append_table
from sites import Site, Sites

from tfq.format import tflite
from tfq.model import Model, load

_U32 = 1 << 32


class Seed:
    """An intact model.

    Attributes:
        name: What messages call it.
        content: Its bytes.
    """

    def __init__(self, name: str, content: bytes) -> None:
        """Hold one model."""
        self.name = name
        self.content = content

    @cached_property
    def sites(self) -> Sites:
        """Where its numbers stand."""
        return Sites(self.content)

    @cached_property
    def loaded(self) -> Model:
        """The model that tfq makes of it."""
        return load(self.content)


Mutation = Callable[[bytearray, random.Random, Seed, Seed], None]


def flip_bits(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    for _ in range(dice.choice([1, 1, 2, 8, 64])):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def change_bytes(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    for _ in range(dice.choice([1, 2, 4, 32])):
        content[dice.randrange(len(content))] = dice.choice([0, 1, 127, 128, 255, _byte(dice)])


def cut_off(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    last = max(1, len(content) - dice.randrange(1, 9))
    del content[dice.choice([max(1, _often_early(content, dice)), last]) :]


def drop_piece(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    start = _often_early(content, dice)
    del content[start : min(start + dice.choice([1, 2, 4, 8, 64]), len(content) - 1)]


def repeat_piece(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    _splice(content, dice, content)


def splice_other(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    _splice(content, dice, other.content)


def join_halves(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Begin like one model and go on like another one."""
    start = _often_early(content, dice)
    content[start:] = other.content[start:]
    content += b"\0"


def point_anywhere(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Write an offset where any number stands: at itself, backwards, a little or far onwards."""
    position = min(4 * (_often_early(content, dice) // 4), len(content) - 4)
    if position >= 0:
        _write(content, Site(position, "I", ""), _strange_offset(content, dice, position))


def stretch_anything(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Make numbers that are small, as lengths and indices are, much larger."""
    starts = [4 * dice.randrange(max(len(content) // 4, 1)) for _ in range(32)]
    small = [at for at in starts if 0 < sum(content[at : at + 4]) < 100]
    for position in small[:3]:
        _write(content, Site(position, "I", ""), dice.choice([1 << 31, 1 << 16, 1000, 255]))


def bend_offsets(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Let real offsets lead nowhere, or to what is of another kind."""
    for site in _some(seed.sites.offsets, dice):
        target = dice.choice(seed.sites.offsets).target - site.position
        strange = _strange_offset(content, dice, site.position)
        _write(content, site, dice.choice([target % _U32, strange]))


def share_targets(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Let many offsets to tables of one kind lead to the same one of them."""
    aim = dice.choice(seed.sites.to_tables)
    for site in seed.sites.to_tables:
        if site.what == aim.what and site.position < aim.target and dice.random() < 0.8:
            _write(content, site, aim.target - site.position)


def bend_vtables(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Move fields inside their tables, or change the lengths that a vtable states."""
    for site in _some(seed.sites.entries, dice):
        value = _read(seed, site)
        choices = [0, 1, 2, 3, 4, 8, value - 2, value + 2, value + 4, 0xFFFF, 0x7FFE, _byte(dice)]
        _write(content, site, dice.choice(choices))


def move_vtables(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Give tables the vtable of others, or none."""
    for site in _some(seed.sites.tables, dice):
        model = dice.choice(seed.sites.tables)
        foreign = site.position - (model.position - _read(seed, model))
        anywhere = site.position - dice.randrange(len(content))
        extremes = [0, -(1 << 31), (1 << 31) - 1, site.position, site.position - len(content)]
        _write(content, site, dice.choice([foreign, foreign, anywhere, *extremes]))


def stretch_vectors(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    for site in _some(seed.sites.lengths, dice):
        count, left = _read(seed, site), len(content) - site.position - 4
        huge = [1 << 16, 1 << 28, 1 << 29, 1 << 30, 1 << 31, _U32 - 1]
        fitting = [left, left // 2, left // 4, left // 8]
        close = [0, count - 1, count + 1, count + 2, 2 * count, 1000]
        _write(content, site, dice.choice(dice.choice([huge, fitting, close])))


def change_tags(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    for site in _some(seed.sites.tags or seed.sites.numbers, dice):
        _write(content, site, dice.choice([0, 1, 2, 3, 255, dice.randrange(127), _byte(dice)]))


def change_numbers(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Change types, indices, shapes, scales and whatever else is a number."""
    names = sorted({site.what for site in seed.sites.numbers})
    name = dice.choice(names)
    # By name first: most numbers are weights and letters.
    alike = [site for site in seed.sites.numbers if site.what == name]
    for site in _some(alike, dice):
        value, swapped = _read(seed, site), _read(seed, dice.choice(alike))
        small = [0, 1, 2, 3, 7, 9, 17, -1, -2, swapped, value + 1, value - 1]
        large = [100, 127, 128, 1000, 1 << 16, (1 << 31) - 1, 1 << 31, _U32 - 1, 1 << 62, 1 << 63]
        _write(content, site, dice.choice(dice.choice([small, small, large, [_byte(dice)]])))


def grow_tables(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Let offsets lead to new tables of the right kind, full of fields that the model has not."""
    for site in _some(seed.sites.to_tables[1:], dice):
        table = append_table(content, tflite().table(site.what), dice)
        _write(content, site, table - site.position)


def multiply_tables(content: bytearray, dice: random.Random, seed: Seed, other: Seed) -> None:
    """Let a long new vector take a vector's place, with one table as each of its elements."""
    site = dice.choice(seed.sites.to_vectors)
    count = dice.choice([10, 100, 500])
    content += bytes(-len(content) % 8)
    start = len(content)
    content += struct.pack("<I", count) + bytes(4 * count)
    table = append_table(content, tflite().table(site.what), dice)
    for position in range(start + 4, start + 4 + 4 * count, 4):
        struct.pack_into("<I", content, position, table - position)
    _write(content, site, start - site.position)


BLIND: tuple[Mutation, ...] = (
    flip_bits,
    change_bytes,
    cut_off,
    drop_piece,
    repeat_piece,
    splice_other,
    join_halves,
    point_anywhere,
    stretch_anything,
)
AIMED: tuple[Mutation, ...] = (
    bend_offsets,
    share_targets,
    bend_vtables,
    move_vtables,
    stretch_vectors,
    change_tags,
    change_numbers,
    grow_tables,
    multiply_tables,
)


def _splice(content: bytearray, dice: random.Random, origin: bytes | bytearray) -> None:
    start, target = _often_early(origin, dice), _often_early(content, dice)
    piece = origin[start : start + dice.choice([1, 4, 16, 256])]
    stop = target + len(piece) if dice.random() < 0.5 else target
    content[target:stop] = piece


def _often_early(content: bytes | bytearray, dice: random.Random) -> int:
    """A place in the file: the tables stand before and behind the weights, not between."""
    size = len(content)
    place = dice.randrange(size)
    near = min(size - 1, dice.randrange(4096))
    return dice.choice([place, near, size - 1 - near])


def _strange_offset(content: bytearray, dice: random.Random, position: int) -> int:
    self_and_back = [0, 4, _U32 - 4, _U32 - position, _U32 - dice.randrange(1, position + 2)]
    onwards = [8, 0x7FFFFFFF, dice.randrange(len(content)), max(len(content) - position, 0)]
    return dice.choice([*self_and_back, *onwards, position, max(len(content) - position - 4, 0)])


def _some(sites: list[Site], dice: random.Random) -> list[Site]:
    return [dice.choice(sites) for _ in range(dice.choice([1, 1, 1, 2, 4]))]


def _byte(dice: random.Random) -> int:
    return dice.randrange(256)


def _read(seed: Seed, site: Site) -> int:
    value = struct.unpack_from("<" + site.letter, seed.content, site.position)[0]
    # Of a float the bits, as if it were an integer.
    return int.from_bytes(struct.pack("<f", value), "little") if site.letter in "fd" else int(value)


def _write(content: bytearray, site: Site, value: int) -> None:
    """Write the low bytes of a number, where an earlier mutation has left a place for it."""
    width = struct.calcsize("<" + site.letter)
    if 0 <= site.position <= len(content) - width:
        low = value % (1 << (8 * width))
        content[site.position : site.position + width] = low.to_bytes(width, "little")
