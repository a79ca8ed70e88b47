#!/bin/sh
# The county's services and its patch depot.
umask 022
export PYTHONDONTWRITEBYTECODE=1
chown county /srv/county/settings.json
exec setpriv --reuid county --regid county --clear-groups python3 /srv/county/depot.py
