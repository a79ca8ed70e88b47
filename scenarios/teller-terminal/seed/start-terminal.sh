#!/bin/sh
# The teller terminal: its page for the counter, and SSH for whoever runs it.
umask 077
python3 -W ignore /srv/teller/fill.py && rm /srv/teller/fill.py
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
mkdir -p /run/sshd
/usr/sbin/sshd -o UsePAM=no -o PermitRootLogin=no -o PrintMotd=no
cd /srv/teller || exit 1
exec setpriv --reuid teller --regid teller --clear-groups python3 app.py
