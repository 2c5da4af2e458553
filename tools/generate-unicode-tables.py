#!/usr/bin/env python3
"""Writes the Unicode tables that SASLprep needs, from Python's own stringprep and unicodedata modules.

Output: src/ShardProxy.Protocol/Authentication/Unicode/unicode.bin, a sequence of unsigned LEB128 numbers:
five sets of ranges (count, then start and end of each, as distances from the last number): non-ASCII spaces, mapped to
nothing, prohibited or unassigned in Unicode 3.2, RandALCat, LCat; combining classes (count, then start, end, class);
compatibility decompositions (count, then code point, length, code points); compositions (count, then first, second,
result). .NET's own normalization does nothing in invariant globalization mode.
"""
import pathlib
import stringprep
import unicodedata

LIMIT = 0x110000
HANGUL = range(0xAC00, 0xD7A4)
out = bytearray()


def number(value):
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def is_scalar(code):
    return not 0xD800 <= code <= 0xDFFF


def runs(value_of):
    """Maximal runs (start, end, value) of code points with the same true value."""
    result = []
    for code in range(LIMIT):
        value = value_of(chr(code)) if is_scalar(code) else 0
        if not value:
            continue
        if result and result[-1][1] == code - 1 and result[-1][2] == value:
            result[-1][1] = code
        else:
            result.append([code, code, value])
    return result


def ranges(predicate):
    found = runs(lambda char: 1 if predicate(char) else 0)
    number(len(found))
    last = 0
    for start, end, _ in found:
        number(start - last)
        number(end - start)
        last = end


def prohibited(char):
    return (stringprep.in_table_c12(char) or stringprep.in_table_c21_c22(char) or stringprep.in_table_c3(char)
            or stringprep.in_table_c4(char) or stringprep.in_table_c6(char) or stringprep.in_table_c7(char)
            or stringprep.in_table_c8(char) or stringprep.in_table_c9(char) or stringprep.in_table_a1(char))


ranges(stringprep.in_table_c12)
ranges(stringprep.in_table_b1)
ranges(prohibited)
ranges(stringprep.in_table_d1)
ranges(stringprep.in_table_d2)

classes = runs(unicodedata.combining)
number(len(classes))
for start, end, value in classes:
    number(start)
    number(end)
    number(value)

decompositions = []
compositions = []
for code in range(LIMIT):
    if not is_scalar(code) or code in HANGUL:
        continue
    char = chr(code)
    full = unicodedata.normalize("NFKD", char)
    if full != char:
        decompositions.append((code, full))
    canonical = unicodedata.decomposition(char)
    if canonical and not canonical.startswith("<"):
        parts = [chr(int(part, 16)) for part in canonical.split()]
        if len(parts) == 2 and unicodedata.normalize("NFC", "".join(parts)) == char:
            compositions.append((ord(parts[0]), ord(parts[1]), code))

number(len(decompositions))
for code, full in decompositions:
    number(code)
    number(len(full))
    for part in full:
        number(ord(part))
number(len(compositions))
for composition in compositions:
    for part in composition:
        number(part)

target = pathlib.Path(__file__).parent.parent / "src/ShardProxy.Protocol/Authentication/Unicode/unicode.bin"
target.write_bytes(out)
print(f"{target}: {len(out)} bytes, Unicode {unicodedata.unidata_version}")
