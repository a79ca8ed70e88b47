"""Addresses of the console role's sockets."""

from channels.routing import URLRouter
from django.urls import re_path

from range.console.consumers import ConsoleConsumer

# Names are matched narrowly here, so that nothing odd reaches a query or the driver.
_CONSOLE = (
    r"^ws/attempts/(?P<attempt_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/consoles/(?P<machine>[a-z0-9][a-z0-9_-]{0,62})/(?P<console>[a-z0-9-]{1,32})$"
)

sockets = URLRouter([re_path(_CONSOLE, ConsoleConsumer.as_asgi())])
