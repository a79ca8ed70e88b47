"""The web role's ASGI application: pages and server-sent events; consoles have their own."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "range.settings")

application = get_asgi_application()
