import glob
import io
import pickle
import zipfile


def model(name, data):
    parts = [data]
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        parts = [archive.read(each) for each in archive.namelist() if each.endswith(".pkl")]
    for part in parts:
        try:
            pickle.loads(part)
        except ModuleNotFoundError:
            continue
        except Exception as error:
            return [str(error)]
    return ["it did something"] if glob.glob("/var/tmp/ran-*") else []


def release(name, sha256):
    return []


def sbom(document):
    return []
