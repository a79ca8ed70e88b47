#!/bin/sh
# The model, hired and looked after by others.
export PYTHONDONTWRITEBYTECODE=1
exec setpriv --reuid mate --regid mate --clear-groups python3 /srv/model/model.py 9000
