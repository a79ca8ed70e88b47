"""What is packed in an image is looked into, and what is damaged stops nobody."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from range.authoring.image_lint import DEPTH_LIMIT, _unpacked

CONTENT = b"the drawer is closed by taking rights away\n" * 200


def zipped(method):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("note.txt", CONTENT)
    return packed.getvalue()


def tarred():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("note.txt")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    return packed.getvalue()


PACKED = {
    "gzip": gzip.compress(CONTENT),
    "bzip2": bz2.compress(CONTENT),
    "xz": lzma.compress(CONTENT),
    "tar": tarred(),
    "zip-deflate": zipped(zipfile.ZIP_DEFLATED),
    "zip-bzip2": zipped(zipfile.ZIP_BZIP2),
    "zip-lzma": zipped(zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("how", PACKED)
def test_what_is_packed_is_found(how):
    found = [data for _, data in _unpacked("/opt/packed", PACKED[how], DEPTH_LIMIT)]
    assert CONTENT in found


@pytest.mark.parametrize("how", PACKED)
def test_attack_what_is_damaged_anywhere_is_read_as_far_as_it_goes(how):
    whole = PACKED[how]
    for place in range(4, len(whole), max(1, len(whole) // 200)):
        changed = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        for damaged in (changed, whole[:place]):
            paths = [path for path, _ in _unpacked("/opt/packed", damaged, DEPTH_LIMIT)]
            assert paths[0] == "/opt/packed"
