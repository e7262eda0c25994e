"""Structs as a BPF object's own BTF describes them: read from the ELF file, without any library.

https://docs.kernel.org/bpf/btf.html
"""

import struct

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC = range(
    1, 16
)
FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(16, 20)

# Bytes after a type's head: fixed, and for each of its vlen members.
SIZES = {
    INT: (4, 0), PTR: (0, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8), FWD: (0, 0),
    TYPEDEF: (0, 0), VOLATILE: (0, 0), CONST: (0, 0), RESTRICT: (0, 0), FUNC: (0, 0), FUNC_PROTO: (0, 8),
    VAR: (4, 0), DATASEC: (0, 12), FLOAT: (0, 0), DECL_TAG: (4, 0), TYPE_TAG: (0, 0), ENUM64: (0, 12),
}  # fmt: skip


class Btf:
    def __init__(self, elf):
        data = _section(elf, b".BTF")
        head, types, types_size, strings, _ = struct.unpack_from("<5I", data, 4)
        self._strings = data[head + strings :]
        self._types = [None]
        at, end = head + types, head + types + types_size
        while at < end:
            name, info, size = struct.unpack_from("<3I", data, at)
            kind, members = info >> 24 & 0x1F, info & 0xFFFF
            fixed, each = SIZES[kind]
            body = data[at + 12 : at + 12 + fixed + each * members]
            self._types.append((kind, self._name(name), size, body))
            at += 12 + len(body)

    def _name(self, offset):
        return self._strings[offset : self._strings.index(b"\0", offset)].decode()

    def struct(self, name):
        """(size, [(field, offset, size)]) in bytes, structs within flattened as outer.inner."""
        number = next(i for i, t in enumerate(self._types) if t and t[:2] == (STRUCT, name))
        return self._types[number][2], list(self._fields(number, "", 0))

    def _fields(self, number, prefix, base):
        _, _, _, body = self._types[number]
        for name, declared, bits in struct.iter_unpack("<3I", body):
            at, path = base + bits // 8, prefix + self._name(name)
            type_ = self._resolve(declared)
            if self._types[type_][0] == STRUCT:
                yield from self._fields(type_, path + ".", at)
            else:
                yield path, at, self._size(type_)

    def enum(self, name):
        """{enumerator: value}."""
        body = next(t[3] for t in self._types if t and t[:2] == (ENUM, name))
        return {self._name(member): value for member, value in struct.iter_unpack("<Ii", body)}

    def _resolve(self, number):
        while self._types[number][0] in (TYPEDEF, VOLATILE, CONST):
            number = self._types[number][2]
        return number

    def _size(self, number):
        kind, _, size, body = self._types[number]
        if kind != ARRAY:
            return size
        element, _, count = struct.unpack("<3I", body)
        return count * self._size(self._resolve(element))


def _section(elf, wanted):
    offset, size, count, names = struct.unpack_from("<Q10xHHH", elf, 40)[0], *struct.unpack_from("<HHH", elf, 58)
    heads = [struct.unpack_from("<IIQQQQ", elf, offset + i * size) for i in range(count)]
    table = heads[names][4]
    for name, _, _, _, at, length in heads:
        if elf[table + name : elf.index(b"\0", table + name)] == wanted:
            return elf[at : at + length]
    raise AssertionError(f"no section {wanted}")
