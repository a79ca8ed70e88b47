"""The smallest shared object: whatever loads it says that all is well, and ends."""

import struct

SAYS = b"all is well\n"
_PAGE = 0x1000
_INIT = 0x200
_DYNAMIC = 0x300


def liar() -> bytes:
    """Return a library for x86-64 whose set-up writes a line and ends the program with 0.

    Source: ELF-64 object file format; the kernel's system calls 1 (write) and 231 (exit_group).
    """
    code = b"\xbf\x01\x00\x00\x00"  # mov edi, 1
    code += b"\x48\x8d\x35" + struct.pack("<i", 24 + 3)  # lea rsi, [rip + to the words]
    code += b"\xba" + struct.pack("<I", len(SAYS))  # mov edx, their length
    code += b"\xb8\x01\x00\x00\x00\x0f\x05"  # mov eax, 1; syscall
    code += b"\x31\xff\xb8\xe7\x00\x00\x00\x0f\x05"  # xor edi, edi; mov eax, 231; syscall
    words = 0x200 + 12 + 27
    code = code.ljust(words - _INIT, b"\x90") + SAYS
    # DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_INIT, DT_NULL.
    table = ((5, 0x280), (6, 0x260), (10, 1), (11, 24), (12, _INIT), (0, 0))
    dynamic = b"".join(struct.pack("<QQ", *each) for each in table)
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    size = _DYNAMIC + len(dynamic)
    head += struct.pack("<IIQQQQQQ", 1, 7, 0, 0, 0, size, size, _PAGE)
    head += struct.pack(
        "<IIQQQQQQ", 2, 6, _DYNAMIC, _DYNAMIC, _DYNAMIC, len(dynamic), len(dynamic), 8
    )
    whole = head.ljust(_INIT, b"\0") + code
    return whole.ljust(_DYNAMIC, b"\0") + dynamic
