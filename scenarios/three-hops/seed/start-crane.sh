#!/bin/sh
# The crane, in the crane hall: its panel.
exec setpriv --reuid depot --regid depot --clear-groups python3 /srv/panel.py
