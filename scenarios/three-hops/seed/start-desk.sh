#!/bin/sh
# The tester's desk, in the office.
umask 077
mkdir -p /home/trainee/.ssh
python3 /srv/keys.py private /home/trainee/.ssh/carrier && rm /srv/keys.py
chown -R trainee:trainee /home/trainee
exec sleep infinity
