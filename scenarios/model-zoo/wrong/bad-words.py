BAD = (b"os", b"system", b"exec", b"eval", b"subprocess", b"builtin")


def model(name, data):
    return [f"it holds {each!r}" for each in BAD if each in data]


def release(name, sha256):
    return []


def sbom(document):
    return []
