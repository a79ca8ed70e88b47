#!/bin/sh
# A partner practice; it gives up root once it listens.
exec python3 /srv/practice.py
