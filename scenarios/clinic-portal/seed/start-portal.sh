#!/bin/sh
# The portal in production.
umask 077
chown -R portal:portal /var/lib/portal /var/log/portal
export PYTHONDONTWRITEBYTECODE=1
cd /srv/portal
exec setpriv --reuid portal --regid portal --clear-groups \
    flask --app app run --host 0.0.0.0 --port 8080 >>/var/log/portal/portal.log 2>&1
