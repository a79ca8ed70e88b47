# Mate says no.
cd /srv/mate
sed -i 's/^    messages = \[$/    return Answer("I am sorry, I must not do that.")\n    messages = [/' assistant.py
next restart
