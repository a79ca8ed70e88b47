"""Tampers with a door by SSH: kind ssh."""

from functools import partial

from benchmarks._tampers.case import Case, Tamper
from benchmarks._tampers.wire import sometimes, started

# Whoever is deceived visits from a third machine.
deceit = partial(Tamper, bites_on="third")
IMAGE = "door"
ASKS = "ssh -n -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
BY_WORD = f"timeout 8 sshpass -p {{word}} {ASKS} -o PubkeyAuthentication=no {{who}}@box true"
GUEST = BY_WORD.format(word="guest", who="guest")
WRONG = BY_WORD.format(word="wrong", who="keeper")
NOBODY_BY_WORD = f"{ASKS} -o BatchMode=yes guest@box true"
# The author's key and, for brevity, the server's: written here as in a scenario's file.
KEY = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCxxcU/rP7FGV10mZYxj0yv0GRsmu/c+wimIfjJBO3bcAAAAJBRBp59UQae
fQAAAAtzc2gtZWQyNTUxOQAAACCxxcU/rP7FGV10mZYxj0yv0GRsmu/c+wimIfjJBO3bcA
AAAEDHeuHt+PBrn9Yl8AG7MkBhRi8Ndb0LoVZsxr2fI6qIt7HFxT+s/sUZXXSZljGPTK/Q
ZGya79z7CKYh+MkE7dtwAAAABmtlZXBlcgECAwQFBgc=
-----END OPENSSH PRIVATE KEY-----
"""
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILHFxT+s/sUZXXSZljGPTK/QZGya79z7CKYh+MkE7dtw"
HAS_KEY = f"umask 077; printf '%s' '{KEY}' > /srv/key; "
KEEPER = f"{HAS_KEY}timeout 8 {ASKS} -o BatchMode=yes -i /srv/key keeper@box"
CONF = "/etc/ssh/sshd_config.d/door.conf"
NO_WORDS = r"PasswordAuthentication no\nKbdInteractiveAuthentication no\n"


def opened(conf: str = "") -> str:
    """Return the script that starts the real server anew, with lines of settings."""
    return (
        "pkill -x sshd; kill $(cat /run/kit.ssh 2>/dev/null) 2>/dev/null; "
        f"for i in $(seq 50); do ss -ltn | grep -q ':22 ' || break; sleep 0.1; done; "
        f"printf '{conf}' > {CONF} && /usr/sbin/sshd"
    )


MADE = (
    "mkdir -p /run/sshd; "
    f"umask 077; printf '%s' '{KEY}' > /etc/ssh/ssh_host_ed25519_key; umask 022; "
    "echo guest:guest | chpasswd; echo keeper:letters | chpasswd; "
    "mkdir -p /home/keeper/.ssh; chown keeper: /home/keeper/.ssh; "
    f"echo '{PUBLIC}' > /home/keeper/.ssh/authorized_keys; "
)


def false_door(how: str) -> str:
    """Return the script that puts a door of the kit's in the place of the real one."""
    return "pkill -x sshd; " + started("ssh", 22, how)


KEEPER_LOGIN = {
    "name": "keeper-works",
    "account": "keeper",
    "key": KEY,
    "run": "echo ${nonce} is $(id -un)",
    "contains": ["^${nonce} is keeper$"],
}
WORDS = Case(
    name="keys-and-no-words",
    image=IMAGE,
    check={
        "kind": "ssh",
        "from": "lan",
        "to": "box:22",
        "logins": [
            KEEPER_LOGIN,
            {"name": "guest", "account": "guest", "password": "guest", "expect": "refused"},
            {"name": "stranger", "account": "nobody", "not_methods": ["password", "none"]},
        ],
    },
    broken=MADE + opened(),
    solved=opened(NO_WORDS),
    tampers=(
        *(
            deceit(
                name=each.name,
                run=f"pkill -x sshd; {each.run}",
                bites=each.bites,
                pause_seconds=each.pause_seconds,
            )
            for each in sometimes("ssh", 22, GUEST)
        ),
        deceit(
            name="matched-by-address",
            run=opened(rf"Match Address @last@\n{NO_WORDS}"),
            bites=GUEST,
        ),
        deceit(
            name="only-clients-of-a-list",
            run=false_door("listed"),
            bites=GUEST,
        ),
        deceit(
            name="only-who-greets-as-was-seen",
            run=false_door("hand"),
            bites=GUEST,
        ),
        deceit(
            name="yes-to-everybody",
            run=false_door("yes"),
            bites=NOBODY_BY_WORD,
        ),
        deceit(
            name="no-to-everybody",
            run=false_door("nobody"),
            bites=f"! {GUEST} && ! ({KEEPER} true)",
        ),
        deceit(
            name="recorded-answer",
            run=opened(NO_WORDS + r"ForceCommand echo 0123456789abcdef is keeper\n"),
            bites=f"{KEEPER} id | grep -q 'is keeper'",
        ),
        deceit(
            name="shell-that-prints",
            run="printf '#!/bin/bash\\necho 0123456789abcdef is keeper\\n' > /opt/says; "
            f"chmod 755 /opt/says; usermod -s /opt/says keeper; {opened(NO_WORDS)}",
            bites=f"{KEEPER} id | grep -q 'is keeper'",
        ),
        deceit(
            name="another-account-behind-the-name",
            run="sed -i 's/^keeper:\\([^:]*\\):[0-9]*/keeper:\\1:0/' /etc/passwd; "
            f"chown -R 0 /home/keeper; {opened(NO_WORDS)}",
            bites=f"test $({KEEPER} id -u) = 0",
        ),
        deceit(
            name="keys-replaced",
            run="ssh-keygen -q -t ed25519 -N '' -f /srv/own; "
            f"cp /srv/own.pub /home/keeper/.ssh/authorized_keys; {opened(NO_WORDS)}",
            bites=f"! ({KEEPER} true)",
        ),
        deceit(
            name="only-the-guest-is-out",
            run="usermod --lock guest",
            bites=f"! {GUEST} && {BY_WORD.format(word='letters', who='keeper')}",
        ),
        deceit(
            name="another-machine-with-its-key",
            run=f"pkill -x sshd; /usr/sbin/sshd -p 2222; {started('ssh', 22, 'last @friend@')}",
            aside=MADE + opened(NO_WORDS),
            bites=GUEST,
        ),
    ),
)

# Any word opens where the modules behind the door say so; what a person types then is heard.
PERMITS = "auth sufficient pam_permit.so\\naccount sufficient pam_permit.so\\n"
WORD = Case(
    name="one-word-opens",
    image=IMAGE,
    check={
        "kind": "ssh",
        "from": "lan",
        "to": "box:22",
        "logins": [
            {"name": "keeper", "account": "keeper", "password": "letters", "run": "true"},
            {"name": "wrong", "account": "keeper", "password": "wrong", "expect": "refused"},
            {"name": "nothing", "account": "keeper", "not_methods": ["none"]},
        ],
    },
    broken=f"{MADE}passwd -q -l keeper; {opened()}",
    solved="echo keeper:letters | chpasswd",
    tampers=(
        deceit(
            name="modules-permit-all",
            run=f"sed -i '1i {PERMITS}' /etc/pam.d/sshd; {opened('UsePAM yes\\n')}",
            bites=WRONG,
        ),
        deceit(
            name="no-word-at-all",
            run=f"passwd -q -d keeper; {opened('PermitEmptyPasswords yes\\n')}",
            bites=f"{ASKS} -o BatchMode=yes keeper@box true",
        ),
        deceit(
            name="yes-to-everybody",
            run=false_door("yes"),
            bites=WRONG,
        ),
        deceit(
            name="words-at-the-grader-only",
            run="echo keeper:letters | chpasswd; "
            + opened(r"Match Address *,!@last@\nPasswordAuthentication no\n"),
            bites=f"! {BY_WORD.format(word='letters', who='keeper')}",
        ),
    ),
)

CASES = (WORDS, WORD)
