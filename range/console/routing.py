"""Addresses of the console role's sockets."""

from channels.routing import URLRouter
from django.urls import re_path

from range.console.consumers import ConsoleConsumer, TrialConsumer
from range.console.look_consumer import LookConsumer
from range.console.wall_consumer import WallConsumer

# Names are matched narrowly here, so that nothing odd reaches a query or the driver.
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CONSOLE = (
    rf"^ws/attempts/(?P<attempt_id>{_UUID})"
    r"/consoles/(?P<machine>[a-z0-9][a-z0-9_-]{0,62})/(?P<console>[a-z0-9-]{1,32})"
)

sockets = URLRouter(
    [
        re_path(rf"{_CONSOLE}$", ConsoleConsumer.as_asgi()),
        re_path(rf"{_CONSOLE}/look$", LookConsumer.as_asgi()),
        re_path(
            rf"^ws/trials/(?P<attempt_id>{_UUID})/consoles/(?P<machine>[a-z0-9][a-z0-9_-]{{0,62}})"
            r"/(?P<console>main)$",
            TrialConsumer.as_asgi(),
        ),
        re_path(rf"^ws/exercises/(?P<exercise_id>{_UUID})/wall$", WallConsumer.as_asgi()),
    ]
)
