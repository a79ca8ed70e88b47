"""Serves static files from the web role: compressed, and sent again only when changed."""

import gzip
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.exceptions import SuspiciousFileOperation
from django.http import FileResponse, Http404, HttpRequest, HttpResponse

SQUEEZED = frozenset({".css", ".js", ".mjs", ".svg", ".json"})
# Below this, the headers weigh more than what is saved.
LEAST_BYTES = 600
REMEMBERED = 128


class StaticFiles(ASGIStaticFilesHandler):
    """Django's handler with compression, revalidation and the usual protection headers."""

    def serve(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """Return a file; compressed where it is text and the browser takes it so.

        Raises:
            Http404: There is no such file.
        """
        try:
            response = super().serve(request)
        except SuspiciousFileOperation as attempt:
            raise Http404 from attempt
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        found = finders.find(self.file_path(request.path))
        if response.status_code != 200 or not isinstance(found, str):
            return response
        return _squeezed(request, response, Path(found))


def _squeezed(
    request: HttpRequest, response: HttpResponse | FileResponse, path: Path
) -> HttpResponse | FileResponse:
    stat = path.stat()
    if path.suffix not in SQUEEZED or stat.st_size < LEAST_BYTES:
        return response
    response.headers["Vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return response
    kept = {name: response.headers[name] for name in response.headers if name != "Content-Length"}
    response.close()
    return HttpResponse(_gzip(path, stat.st_mtime_ns), headers=kept | {"Content-Encoding": "gzip"})


@lru_cache(maxsize=REMEMBERED)
def _gzip(path: Path, changed_at: int) -> bytes:
    """Return a file compressed; a changed file is another entry."""
    return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)
