"""Tampers with logs, settings and rules on disk: kinds log, command and sudo_rule."""

from benchmarks._tampers.case import Case, Tamper
from benchmarks._tampers.files import CONF

LOG = Case(
    name="log-shows-refusal",
    check={
        "kind": "log",
        "role": "required",
        "machine": "box",
        "path": "/var/log/app/app.log",
        "matches": "^refused .*$",
        "owner": 33,
    },
    broken="mkdir -p /var/log/app && echo begun > /var/log/app/app.log "
    "&& chown -R 33 /var/log/app && chmod 777 /var/log/app",
    solved="echo refused somebody >> /var/log/app/app.log",
    tampers=(
        Tamper(
            name="forged-rotated-file",
            run="python3 -c 'import os; os.setuid(65534); "
            'open("/var/log/app/app.log.1", "w").write("refused me\\n")\'',
            bites="grep -q refused /var/log/app/app.log.1",
        ),
        Tamper(
            name="forged-log",
            run="cd /var/log/app && mv app.log x && echo refused me > app.log "
            "&& chown 65534 app.log",
            bites="grep -q refused /var/log/app/app.log",
        ),
        Tamper(
            name="link",
            run="cd /var/log/app && mv app.log x && echo refused > /srv/l && ln -s /srv/l app.log",
            bites="grep -q refused /var/log/app/app.log",
        ),
        Tamper(
            name="two-logs-in-turn",
            run="""
cd /var/log/app && cp -p app.log a && printf 'refused\\n' > b && truncate -s 8 b && chown 65534 b
cat > /opt/turn.py <<'END'
import os
os.chdir("/var/log/app")
while True:
    for name in "ab":
        os.link(name, "new"); os.rename("new", "app.log")
END
python3 /opt/turn.py >/dev/null 2>&1 & sleep 0.2
""",
            bites="for i in $(seq 50); do cat /var/log/app/app.log; echo; done | sort -u | "
            "grep -c . | grep -q 2",
        ),
    ),
)

FORGED = Case(
    name="log-of-roots-own-machine",
    check={
        "kind": "log",
        "machine": "box",
        "path": "/var/log/auth.log",
        "matches": "^refused .*$",
    },
    broken="echo begun > /var/log/auth.log",
    tampers=(
        Tamper(
            name="forged-line",
            run="echo refused somebody >> /var/log/auth.log",
            bites="grep -q refused /var/log/auth.log",
        ),
    ),
)

# Stands for every program that loads what a folder of its settings names.
LOADS = (
    "import ctypes, glob; [ctypes.CDLL(each) for each in glob.glob('/etc/desk/plugins/*')]; "
    "print(open('/etc/desk/app.conf').read())"
)
COMMAND = Case(
    name="settings-valid",
    check={
        "kind": "command",
        "machine": "box",
        "run": ["/usr/bin/python3", "-I", "-c", LOADS],
        "reads": ["/etc/desk"],
        "contains": ["well|debug = false"],
    },
    broken=CONF.broken,
    solved=CONF.solved,
    tampers=(
        Tamper(
            name="plugin-brought-along",
            run="mkdir /etc/desk/plugins && cp /opt/liar.so /etc/desk/plugins/",
            bites="python3 -c 'import ctypes; ctypes.CDLL(\"/etc/desk/plugins/liar.so\")' | "
            "grep -q well",
        ),
        Tamper(
            name="program-replaced",
            run="printf '#!/bin/sh\necho all is well\n' > /tmp/p && chmod 755 /tmp/p && "
            "rm $(readlink -f /usr/bin/python3) && cp /tmp/p $(readlink -m /usr/bin/python3)",
            bites="python3 | grep -q well",
        ),
        Tamper(
            name="library-loaded-first",
            run="cp /opt/liar.so /lib/liar.so && echo /lib/liar.so > /etc/ld.so.preload",
            bites="cat /etc/passwd | { read -r said; test \"$said\" = 'all is well'; }",
        ),
        Tamper(
            name="path-and-surroundings",
            run="mkdir /opt/b && printf '#!/bin/sh\necho all is well\n' > /opt/b/python3 && "
            "chmod 755 /opt/b/python3 && echo 'export PATH=/opt/b:$PATH' > /etc/profile.d/b.sh",
            bites="bash -lc python3 | grep -q well",
        ),
    ),
)

RULE = "nobody ALL=(root) NOPASSWD: /usr/bin/less"
# Rules that one may read otherwise than sudo does; each takes the place of the first.
REWRITTEN = {
    "below-a-remark-that-seems-to-go-on": f"# old \\\n{RULE}",
    "after-an-empty-line": f"Defaults env_reset \\\n\n{RULE}",
    "quoted-name": RULE.replace("nobody ", '"nobody"'),
    "name-in-capitals": RULE.replace("nobody", "NOBODY"),
    "beside-another-number": RULE.replace("nobody", "#65534,x"),
    "as-the-group-of-root": RULE.replace("(root)", "(%root)"),
    "regular-expression": RULE.replace("/usr/bin/less", "^/usr/bin/l(es)s$"),
    "any-letter-but-one": RULE.replace("/usr/bin/less", "/usr/bin/[^x]ess"),
    "up-and-down-again": RULE.replace("/usr/bin", "/usr/sbin/../bin"),
    "by-its-old-place": RULE.replace("/usr/bin", "/bin"),
    "behind-a-bracket": RULE.replace("/usr/bin/less", "/usr/bin/id (, /usr/bin/less"),
    "behind-a-quote": RULE.replace("/usr/bin/less", '/usr/bin/id ", /usr/bin/less'),
    "in-its-own-folder": RULE.replace("(root)", "(root) CWD=/tmp"),
    "withdrawn-on-another-host": f"{RULE}\nnobody nowhere=!/usr/bin/less",
}

SUDO = Case(
    name="rule-withdrawn",
    check={
        "kind": "sudo_rule",
        "machine": "box",
        "account": "nobody",
        "may_not": ["/usr/bin/less"],
    },
    broken="echo 'nobody ALL=(root) NOPASSWD: /usr/bin/less' > /etc/sudoers.d/desk && "
    "chmod 440 /etc/sudoers.d/desk && usermod -s /bin/sh nobody",
    solved="rm /etc/sudoers.d/desk",
    tampers=tuple(
        Tamper(name=name, run=run, bites="su nobody -c 'sudo -n -l /usr/bin/less' | grep -q less")
        for name, run in {
            "moved": "mv /etc/sudoers.d/desk /etc/sudoers.d/zz",
            "by-number": "sed -i 's/^nobody/#65534/' /etc/sudoers.d/desk",
            "behind-an-alias": "cd /etc/sudoers.d && "
            "echo 'Cmnd_Alias READ = /usr/bin/less' > aa && sed -i 's,/usr/bin/less,READ,' desk",
            "on-two-lines": "printf 'nobody ALL=(root) NOPASSWD: \\\n  /usr/bin/less\n' "
            "> /etc/sudoers.d/desk",
            "included-from-elsewhere": "mkdir /srv/r && mv /etc/sudoers.d/desk /srv/r/desk && "
            "echo '@includedir /srv/r' >> /etc/sudoers",
            "by-group": "groupadd -f crew && usermod -aG crew nobody && "
            "sed -i 's/^nobody/%crew/' /etc/sudoers.d/desk",
            "rules-of-another-file": "(cat /etc/sudoers; cat /etc/sudoers.d/desk) > /opt/rules && "
            "chmod 440 /opt/rules && rm /etc/sudoers.d/desk && "
            "echo 'Plugin sudoers_policy sudoers.so sudoers_file=/opt/rules' > /etc/sudo.conf",
            "folder-becomes-link": "mv /etc/sudoers.d /etc/.s && ln -s /etc/.s /etc/sudoers.d",
            "folder-in-unseen-memory": "mv /etc/sudoers.d /dev/shm/s && "
            "ln -s /dev/shm/s /etc/sudoers.d",
            "buried-in-remarks": "yes '# nothing to see' | head -n 30000 >> /etc/sudoers.d/desk",
            "account-buried": "yes 'x:x:1:1::/:/bin/false' | head -n 20000 >> /etc/passwd",
            "among-thousands": "cd /etc/sudoers.d && mv desk zzz && seq 2100 | xargs touch "
            "&& chmod 440 *",
            "deep-below": 'cd /etc && for i in $(seq 30); do echo "@include /etc/s.$((i + 1))" '
            "> s.$i; done; mv sudoers.d/desk s.31; chmod 440 s.*; echo '@include /etc/s.1' "
            ">> sudoers",
            "file-becomes-link": "mv /etc/sudoers.d/desk /srv/d && "
            "ln -s /srv/d /etc/sudoers.d/desk",
            "folder-of-the-program-becomes-link": "ln -s /usr/bin /srv/b && "
            "sed -i 's,/usr/bin,/srv/b,' /etc/sudoers.d/desk",
            "included-by-the-name-of-the-host": "mv /etc/sudoers.d/desk /etc/rules.$(hostname) && "
            "echo '@include /etc/rules.%h' >> /etc/sudoers",
            "withdrawn-in-a-file-that-is-passed-over": "cd /etc/sudoers.d && "
            "echo 'nobody ALL=!/usr/bin/less' > zz && chmod 666 zz",
            "by-a-second-name": "sed -i '1i twin:x:65534:65534::/:/bin/sh' /etc/passwd && "
            "echo 'twin:*:19000:0:99999:7:::' >> /etc/shadow && "
            "sed -i s/^nobody/twin/ /etc/sudoers.d/desk",
            **{
                name: f"cat > /etc/sudoers.d/desk <<'END'\n{rules}\nEND"
                for name, rules in REWRITTEN.items()
            },
        }.items()
    ),
)

CASES = (LOG, FORGED, COMMAND, SUDO)
