"""Archives that an enemy would send, each written from nothing."""

import io
import json
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

GOOD = {"scenario.yaml": b"schema: 1\n", "brief.md": b"# Brief\n"}
CLONE = Path(__file__).resolve().parents[2]


def zipped(entries, *, method=zipfile.ZIP_DEFLATED):
    """Return a zip of names, or entries, with their contents."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return packed.getvalue()


def entry(name, mode, *, flags=0):
    """Return a zip's entry of a Unix type."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    info.flag_bits |= flags
    return info


def tarred(*members, compress="gz", form=tarfile.GNU_FORMAT):
    """Return a tar of members: a name with content, or a ready header with content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{compress}", format=form) as archive:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            if content is not None:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return packed.getvalue()


def told(text):
    """Return an archive whose scenario is sound but for what a trainee would read."""
    skeleton = CLONE / "range" / "authoring" / "skeletons" / "attack"
    spec = (skeleton / "scenario.yaml").read_text()
    title = 'title: "Find the flag"'
    assert title in spec
    spec = spec.replace(title, f"{title}\n    description: {json.dumps(text)}")
    files = {path: path.read_text() for path in skeleton.rglob("*") if path.is_file()}
    entries = [(str(path.relative_to(skeleton)), data) for path, data in files.items()]
    return zipped([(name, spec if name == "scenario.yaml" else data) for name, data in entries])


def told_spec():
    with zipfile.ZipFile(io.BytesIO(told("x"))) as archive:
        return archive.read("scenario.yaml")


def special(name, kind, target=""):
    """Return a tar's header of another type than a file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def with_yaml(text):
    """Return an archive whose scenario file is hostile."""
    data = text if isinstance(text, bytes) else text.encode()
    return zipped([("scenario.yaml", data), ("brief.md", b"# Brief\n")])


def patched(data, old, new, *, count=-1):
    """Return an archive with bytes replaced, such as a name its library would not write."""
    assert old in data
    return data.replace(old, new, count)


def many(count):
    """Return a zip of many entries, written by hand because a library takes its time."""
    local, central = bytearray(), bytearray()
    for number in range(count):
        name = b"f%06d" % number
        offset = len(local)
        local += struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
        central += struct.pack(
            "<4s4B4H3L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0,
            len(name), 0, 0, 0, 0, 0, offset,
        ) + name  # fmt: skip
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, len(central), len(local), 0
    )
    return bytes(local + central + end)


def large_header():
    """Return a tar whose extra header claims and brings 60 MB."""
    value = b"x" * (60 << 20)
    return tarred((special("./PaxHeaders/x", tarfile.XHDTYPE), value), ("a", b""))


def alias_bomb():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return with_yaml("\n".join(lines))


def nested_bomb():
    inner = zipped([(f"{n}.bin", b"\0" * (15 << 20)) for n in range(4)])
    for _ in range(3):
        inner = zipped([(f"{n}.zip", inner) for n in range(16)])
    return zipped([*GOOD.items(), ("files/inner.zip", inner)])


def truthless():
    """Return a zip whose directory says that 15 MB are 10 bytes."""
    data = zipped([*GOOD.items(), ("big", b"\0" * (15 << 20))])
    return patched(data, struct.pack("<L", 15 << 20), struct.pack("<L", 10))


def overlapping():
    """Return a zip whose hundred entries all lead to the same compressed bytes."""
    data = zipped([("a00", b"\0" * (15 << 20))])
    place = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    one = data[place:end]
    central = b"".join(one.replace(b"a00", b"a%02d" % n) for n in range(100))
    record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 100, 100, len(central), place, 0)
    return data[:place] + central + record


def sparse():
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    return tarred((info, b"1\n0\n"), form=tarfile.PAX_FORMAT)


LINK, DEVICE, FIFO = stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o666, stat.S_IFIFO | 0o666
# What is sent, and a part of what must be answered.
ATTACKS = {
    "zip-traversal": (lambda: zipped([*GOOD.items(), ("../evil", b"x")]), "without . and .."),
    "zip-traversal-inside": (lambda: zipped([("a/../../evil", b"x")]), "without . and .."),
    "zip-absolute": (lambda: zipped([("/etc/cron.d/evil", b"x")]), "begins inside"),
    "zip-drive": (lambda: zipped([("C:evil", b"x")]), "begins inside"),
    "zip-backslash": (lambda: zipped([("..\\evil", b"x")]), "visible characters"),
    "zip-empty-part": (lambda: zipped([("a//b", b"x")]), "without . and .."),
    "zip-link": (lambda: zipped([(entry("link", LINK), b"/etc/shadow")]), "a link or a device"),
    "zip-device": (lambda: zipped([(entry("null", DEVICE), b"")]), "a link or a device"),
    "zip-fifo": (lambda: zipped([(entry("pipe", FIFO), b"")]), "a link or a device"),
    "zip-case": (lambda: zipped([("a/Same", b"1"), ("a/same", b"2")]), "case only"),
    "zip-case-folder": (lambda: zipped([("A/one", b"1"), ("a/two", b"2")]), "case only"),
    "zip-twice": (
        lambda: patched(zipped([("same1", b"1"), ("same2", b"2")]), b"same2", b"same1"),
        "two things called",
    ),
    "zip-file-and-folder": (lambda: zipped([("a", b"1"), ("a/b", b"2")]), "two things called"),
    "zip-looks-alike": (lambda: zipped([("ﬁle", b"1"), ("file", b"2")]), "two things called"),
    "zip-not-normal": (lambda: zipped([("e\u0301", b"1")]), "usual way"),
    "zip-right-to-left": (lambda: zipped([("a\u202egpj.exe", b"1")]), "visible characters"),
    "zip-nul": (lambda: patched(zipped([("aXb", b"1")]), b"aXb", b"a\0b"), "visible characters"),
    "zip-newline": (lambda: zipped([("a\nb", b"1")]), "visible characters"),
    "zip-not-utf8": (
        lambda: patched(zipped([("aé", b"1")]), "é".encode(), b"\xff\xfe"),
        "damaged",
    ),
    "zip-old-letters": (
        lambda: patched(zipped([("aXX", b"1")]), b"aXX", b"a\x82\x83"),
        "not UTF-8",
    ),
    "zip-long-name": (lambda: zipped([("n" * 60_000, b"1")]), "at most 120"),
    "zip-deep-folders": (lambda: zipped([("/".join("d" * 200), b"1")]), "12 folders"),
    "zip-100000-entries": (lambda: many(100_000), "more than 4000 entries"),
    "zip-entries-hidden": (
        lambda: patched(many(100_000), struct.pack("<2H", 34464, 34464), struct.pack("<2H", 1, 1)),
        "more than 4000 entries",
    ),
    "zip-bomb": (
        lambda: zipped([(f"{n}", b"\0" * (15 << 20)) for n in range(20)]),
        "more than 67108864 bytes",
    ),
    "zip-large-file": (lambda: zipped([("big", b"\0" * (100 << 20))]), "a file of more"),
    "zip-nested-bomb": (nested_bomb, "expected"),
    "zip-untrue-size": (truthless, "damaged"),
    "zip-overlapping": (overlapping, "damaged"),
    "zip-bzip2": (
        lambda: zipped([("big", b"\0" * (200 << 20))], method=zipfile.ZIP_BZIP2),
        "unusual way",
    ),
    "zip-lzma": (lambda: zipped([("a", b"x")], method=zipfile.ZIP_LZMA), "unusual way"),
    "zip-encrypted": (
        lambda: patched(
            zipped([("a", b"x")]), b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"
        ),
        "encrypted",
    ),
    "zip-wrong-sum": (
        lambda: patched(zipped([("a", b"12345")], method=zipfile.ZIP_STORED), b"12345", b"54321"),
        "damaged",
    ),
    "zip-cut": (lambda: zipped(list(GOOD.items()))[:-30], "damaged"),
    "zip-empty": (lambda: zipped([]), "no file"),
    "tar-traversal": (lambda: tarred(("../evil", b"x")), "without . and .."),
    "tar-absolute": (lambda: tarred(("/etc/evil", b"x")), "begins inside"),
    "tar-link": (
        lambda: tarred((special("a", tarfile.SYMTYPE, "/etc"), None), ("a/evil", b"x")),
        "a link or a device",
    ),
    "tar-hard-link": (
        lambda: tarred((special("a", tarfile.LNKTYPE, "/etc/shadow"), None)),
        "a link or a device",
    ),
    "tar-device": (lambda: tarred((special("a", tarfile.CHRTYPE), None)), "a link or a device"),
    "tar-block-device": (lambda: tarred((special("a", tarfile.BLKTYPE), None)), "link or a device"),
    "tar-fifo": (lambda: tarred((special("a", tarfile.FIFOTYPE), None)), "a link or a device"),
    "tar-sparse": (sparse, "unusual kind"),
    "tar-old-sparse": (
        lambda: tarred((special("a", tarfile.GNUTYPE_SPARSE), None)),
        "a link or a device",
    ),
    "tar-case": (lambda: tarred(("Same", b"1"), ("same", b"2")), "case only"),
    "tar-long-name": (lambda: tarred(("n" * 5000, b"1")), "at most 120"),
    "tar-long-name-pax": (lambda: tarred(("n" * 5000, b"1"), form=tarfile.PAX_FORMAT), "most 120"),
    "tar-large-header": (large_header, "larger than any name"),
    "tar-not-utf8": (lambda: tarred(("a\udcff", b"1")), "not UTF-8"),
    "tar-100000-entries": (
        lambda: tarred(*((f"f{n}", b"") for n in range(100_000))),
        "more than 2000 files",
    ),
    "tar-100000-folders": (
        lambda: tarred(*((special(f"f{n}", tarfile.DIRTYPE), None) for n in range(100_000))),
        "more than 4000 entries",
    ),
    "tar-bomb": (
        lambda: tarred(*((f"f{n}", b"\0" * (15 << 20)) for n in range(20))),
        "more than 67108864 bytes",
    ),
    "tar-large-file": (lambda: tarred(("big", b"\0" * (300 << 20))), "bytes"),
    "tar-negative-size": (
        lambda: patched(tarred(("a", b""), compress=""), b"00000000000\0", b"-0000000001\0"),
        "damaged",
    ),
    "tar-cut": (lambda: tarred(("a", b"x" * 5000), compress="")[:2048], "ends in the middle"),
    "tar-cut-gzip": (lambda: tarred(("a", bytes(range(256)) * 200))[:-200], "damaged"),
    "gzip-of-nothing": (lambda: b"\x1f\x8b" + b"\0" * 100, "damaged"),
    "nothing": (lambda: b"", "Expected a zip or a tar.gz"),
    "something-else": (lambda: b"#!/bin/sh\nreboot\n" * 100, "Expected a zip or a tar.gz"),
    "yaml-aliases": (alias_bomb, "anchor or alias"),
    "yaml-tag": (
        lambda: with_yaml("a: !!python/object/apply:os.system ['touch /tmp/evil']\n"),
        "the tag",
    ),
    "yaml-deep": (lambda: with_yaml("- " * 5000 + "x"), "levels"),
    "yaml-brackets": (lambda: with_yaml("[" * 100_000), "brackets"),
    "yaml-parts": (lambda: with_yaml("a: [" + "1," * 200_000 + "]"), "parts"),
    "yaml-twice": (lambda: with_yaml("schema: 1\nschema: 1\n"), "a second time"),
    "yaml-huge-number": (lambda: with_yaml("schema: " + "9" * 400_000), "expected"),
    "yaml-nul": (lambda: with_yaml(b"schema: 1\0\n"), "expected YAML"),
    "yaml-large": (lambda: with_yaml("a: " + "x" * (10 << 20)), "at most 524288 bytes"),
    "yaml-one-scalar": (lambda: with_yaml("title: " + "x" * 520_000), "expected"),
    "yaml-escapes": (lambda: with_yaml('title: "' + "\\u0041" * 87_000 + '"'), "expected"),
    "yaml-half-pairs": (lambda: with_yaml('title: "' + "\\ud83d" * 87_000 + '"'), "expected"),
    "yaml-folded": (lambda: with_yaml("title: >\n" + "  x\n" * 39_000), "expected"),
    "yaml-lines-of-one-value": (lambda: with_yaml("title:\n" + "  x\n" * 39_000), "expected"),
    "yaml-quoted-lines": (lambda: with_yaml('title: "' + "\n\n  x" * 19_000 + '"'), "expected"),
    "yaml-long-key": (lambda: with_yaml("? " + "k" * 520_000 + "\n: 1\n"), "expected"),
    "yaml-remarks": (lambda: with_yaml("#x\n" * 39_000), "expected"),
    "yaml-blanks": (lambda: with_yaml("a:" + " " * 520_000 + "1"), "expected"),
    "yaml-merge": (lambda: with_yaml("<<: {schema: 1}\n"), "<<"),
    "text-loops": (
        lambda: told("{% for a in s %}".replace("s", repr("x" * 5000)) * 3 + "{% endfor %}" * 3),
        "loops turn more than",
    ),
    "text-quotes": (lambda: told('{{ "x\'" ' + "| quote " * 60 + "}}"), "grows beyond"),
    "text-deep": (lambda: told("{{ " + "(" * 9_000 + ")" * 9_000 + " }}"), "can be filled in"),
    "brief-of-many-parts": (
        lambda: zipped([("scenario.yaml", told_spec()), ("brief.md", "{{ drawer }}" * 600_000)]),
        "template is longer",
    ),
    "no-scenario": (lambda: zipped([("readme.md", b"x")]), "the file scenario.yaml"),
}
