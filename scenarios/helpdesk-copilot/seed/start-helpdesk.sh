#!/bin/sh
# The helpdesk in production, and the person on duty.
umask 077
chown -R mate:mate /srv/mate /var/log/mate
export PYTHONDONTWRITEBYTECODE=1
setpriv --reuid mate --regid mate --clear-groups python3 /srv/duty.py >/dev/null 2>&1 &
cd /srv/mate
exec setpriv --reuid mate --regid mate --clear-groups \
    flask --app app run --host 0.0.0.0 --port 8080 >>/var/log/mate/mate.log 2>&1
