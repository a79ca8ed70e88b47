#!/bin/sh
# The desk: the portal's next version, run by its maintainer, and a stand-in for the export.
umask 022
echo '127.0.0.1 records' >>/etc/hosts
chown -R trainee:trainee /srv/portal /var/lib/portal /var/log/portal /home/trainee
cp -r /srv/portal /usr/share/portal-1.4
setpriv --reuid nobody --regid nogroup --clear-groups \
    python3 /srv/export/export.py 127.0.0.1 9100 9101 >/dev/null 2>&1 &
export HOME=/home/trainee
setpriv --reuid trainee --regid trainee --init-groups portal begin
exec sleep infinity
