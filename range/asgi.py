"""The web role's ASGI application: pages and server-sent events; consoles have their own."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "range.settings")

_pages = get_asgi_application()

# Its modules may only be imported once Django is set up.
from range.workspace.static_files import StaticFiles  # noqa: E402

application = StaticFiles(_pages)
