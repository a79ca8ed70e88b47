#!/bin/bash
# Runs the controller, anew whenever it is told that its plant has changed.
trap 'kill -9 $controller; python3 /srv/plc.py & controller=$!' HUP
python3 /srv/plc.py &
controller=$!
while :; do sleep 0.5; done
