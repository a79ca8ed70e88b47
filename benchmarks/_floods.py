"""What a hostile trainee floods a machine with, as root and without end."""

# Programs for a machine's Python. Each goes on until its machine is stopped.
FORKS = """
import os
while True:
    try:
        if os.fork() == 0:
            continue
    except OSError:
        pass
"""

MEMORY = """
import os
while True:
    if os.fork() == 0:
        open("/proc/self/oom_score_adj", "w").write("1000")
        hoard = []
        while True:
            hoard.append(bytearray(b"x" * (1 << 20)))
    os.wait()
"""

PROCESSOR = """
import os
for _ in range(3 * os.cpu_count()):
    if os.fork() == 0:
        while True:
            pass
os.wait()
"""

# The same room again and again, so that it is the disk's time that is taken; each round is
# made to reach the disk itself.
DISK = """
import os
data = os.urandom(1 << 20)
while True:
    with open("/srv/flood", "wb", 0) as file:
        for _ in range(48):
            file.write(data)
        os.fsync(file.fileno())
"""

FILES = """
import os
while True:
    os.makedirs("/srv/many")
    for number in range(5000):
        os.close(os.open("/srv/many/%d" % number, os.O_CREAT | os.O_WRONLY))
    for number in range(5000):
        os.unlink("/srv/many/%d" % number)
    os.rmdir("/srv/many")
"""

# Into what its engine reads of a machine, and to a log that nobody keeps.
LOG = """
import os
data = b"flood " * 10000
if os.fork() == 0:
    while True:
        try:
            os.write(os.open("/dev/kmsg", os.O_WRONLY), b"flood")
        except OSError:
            break
out = os.open("/proc/1/fd/1", os.O_WRONLY)
while True:
    os.write(out, data)
"""

DESCRIPTORS = """
import os, pty, time
held = []
for _ in range(40):
    if os.fork() == 0:
        try:
            while True:
                held.extend(pty.openpty())
        except OSError:
            pass
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        time.sleep(3600)
while True:
    try:
        held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        time.sleep(0.01)
"""

# Small frames to everybody on the machine's own network, as fast as they go.
FRAMES = """
import socket
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("eth0", 0))
frame = b"\\xff" * 6 + out.getsockname()[4] + b"\\x08\\x00" + bytes(50)
while True:
    try:
        out.send(frame)
    except OSError:
        pass
"""

# Forks come last: they leave no room for another program.
FLOODS = {
    "memory": MEMORY,
    "processor": PROCESSOR,
    "disk": DISK,
    "files": FILES,
    "log": LOG,
    "descriptors": DESCRIPTORS,
    "frames": FRAMES,
    "forks": FORKS,
}


def begun(program: str) -> list[str]:
    """Return the command that begins a flood and leaves it running."""
    return ["sh", "-c", 'setsid python3 -c "$0" </dev/null >/dev/null 2>&1 &', program]
