"""What a hostile trainee runs inside a machine: programs for its Python, as text."""

# Tries every connection at once and says of each how it went: `connected`, `sent`, `timed out`,
# or the kernel's refusal. Arguments: seconds, then JSON [[word, tcp or udp, address, port], ...].
REACH = """
import errno, json, select, socket, sys, time
said, waiting = {}, {}
for word, how, address, port in json.loads(sys.argv[2]):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if how == "tcp" else socket.SOCK_DGRAM
    try:
        target = socket.getaddrinfo(address, port, family, kind)[0][4]
        s = socket.socket(family, kind)
        s.setblocking(False)
        if how == "udp":
            for _ in range(3):
                s.sendto(word.encode(), target)
            said[word] = "sent"
            continue
        code = s.connect_ex(target)
    except OSError as error:
        code = error.errno
    if code in (0, errno.EINPROGRESS):
        waiting[s.fileno()] = word, s
    else:
        said[word] = errno.errorcode.get(code, str(code))
end = time.monotonic() + float(sys.argv[1])
while waiting and time.monotonic() < end:
    ready = select.select([], list(waiting), [], max(end - time.monotonic(), 0))[1]
    for number in ready:
        word, s = waiting.pop(number)
        code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        said[word] = errno.errorcode.get(code, str(code)) if code else "connected"
        if not code:
            s.send(word.encode())
            s.close()
said.update((word, "timed out") for word, _ in waiting.values())
print(json.dumps(said))
"""

# Sends each word in a UDP datagram as a raw frame to a card of the attacker's choice, past any
# routing. Arguments: own address, then JSON [[word, card, address, port], ...].
RAW_FRAMES = """
import json, socket, struct, sys
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
said = {}
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind(("eth0", 0))
    for word, card, target, port in json.loads(sys.argv[2]):
        payload = word.encode()
        udp = struct.pack("!HHHH", 40000, int(port), 8 + len(payload), 0) + payload
        if ":" in target:
            ends = [socket.inet_pton(socket.AF_INET6, each) for each in ("fe80::2", target)]
            pseudo = b"".join(ends) + struct.pack("!IHBB", len(udp), 0, 0, 17) + udp
            sum_ = checksum(pseudo + bytes(len(pseudo) % 2))
            udp = udp[:6] + struct.pack("!H", sum_ or 0xffff) + udp[8:]
            frame = (0x86dd).to_bytes(2) + struct.pack("!IHBB", 6 << 28, len(udp), 17, 64)
            frame += b"".join(ends) + udp
            for _ in range(3):
                s.send(bytes.fromhex(card.replace(":", "")) + s.getsockname()[4] + frame)
            said[word] = "sent"
            continue
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                           socket.inet_aton(sys.argv[1]), socket.inet_aton(target))
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        ends = bytes.fromhex(card.replace(":", "")) + s.getsockname()[4]
        for _ in range(3):
            s.send(ends + b"\\x08\\x00" + head + udp)
        said[word] = "sent"
print(json.dumps(said))
"""

# Asks for every name at once. Argument: JSON [name, ...]. Says the addresses each one has.
NAMES = """
import json, socket, sys, threading
said = {}
def ask(name):
    try:
        said[name] = sorted({found[4][0] for found in socket.getaddrinfo(name, None)})
    except OSError:
        said[name] = []
threads = [threading.Thread(target=ask, args=[name]) for name in json.loads(sys.argv[1])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(said))
"""

# Serves TCP and UDP in the background and keeps all that arrives. Argument: the file for it.
# Says its port and the hardware address of its card once it listens.
LISTENER = """
import json, os, select, socket, sys
streams = socket.socket()
streams.bind(("0.0.0.0", 0))
port = streams.getsockname()[1]
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("0.0.0.0", port))
streams.listen()
heard = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
card = open("/sys/class/net/eth0/address").read().strip()
print(json.dumps({"port": port, "card": card}), flush=True)
if os.fork():
    os._exit(0)
os.setsid()
silence = os.open("/dev/null", os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(silence, number)
open_ = [streams, datagrams]
while True:
    for s in select.select(open_, [], [])[0]:
        if s is streams:
            open_.append(s.accept()[0])
            continue
        try:
            data = s.recv(200)
        except OSError:
            data = b""
        os.write(heard, data + b"\\n")
        if s is not datagrams and not data:
            open_.remove(s)
            s.close()
"""

# Tries what would reach out of a container and says of each the kernel's error number, 0 where it
# did it, and minus the signal where one ended the attempt. Nothing is changed where one succeeds:
# the time is not set, nothing is written. `fifo` and `inet` are what a machine may do. Arguments:
# the number of a process of the host, and when it began, in the kernel's ticks.
DEEDS = """
import ctypes, errno, glob, json, os, platform, signal, socket, stat, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def done(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
def call(number, *words):
    done(libc.syscall(number, *(ctypes.c_long(word) for word in words)))
def mounted(kind, options=None):
    done(libc.mount(b"none", b"/mnt", kind, 0, options))
def ptrace(pid):
    # PTRACE_SEIZE: unlike PTRACE_ATTACH it does not stop what it gets hold of.
    done(libc.ptrace(0x4206, ctypes.c_long(pid), None, None))
def another():
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        time.sleep(5)
        os._exit(0)
    time.sleep(0.1)
    try:
        ptrace(child)
    finally:
        os.kill(child, signal.SIGKILL)
def host():
    try:
        began = open("/proc/%s/stat" % sys.argv[1]).read().rpartition(")")[2].split()[19]
    except OSError:
        began = sys.argv[2]
    if began != sys.argv[2]:
        raise OSError(errno.ESRCH, "a process of this machine has the number")
    ptrace(int(sys.argv[1]))
def release_agent():
    for kind, options in ((b"cgroup", b"memory"), (b"cgroup", b"rdma"), (b"cgroup2", None)):
        try:
            return mounted(kind, options)
        except OSError:
            pass
    for path in glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True):
        return os.close(os.open(path, os.O_WRONLY))
    raise OSError(errno.EPERM, "nothing to write to")
def node(kind):
    os.mknod("/srv/.probe", 0o600 | kind, os.makedev(254, 0) if kind != stat.S_IFIFO else 0)
    os.unlink("/srv/.probe")
# Newer machines all follow the generic numbers. Source: asm-generic/unistd.h, asm/unistd_64.h.
bpf, settimeofday = (321, 164) if platform.machine() == "x86_64" else (280, 170)
deeds = {
    "fifo": lambda: node(stat.S_IFIFO),
    "inet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
    "mount": lambda: mounted(b"tmpfs"),
    "unshare-user": lambda: done(libc.unshare(0x10000000)),
    "unshare-mount": lambda: done(libc.unshare(0x00020000)),
    "ptrace-another": another,
    "ptrace-host": host,
    "mknod-block": lambda: node(stat.S_IFBLK),
    "mknod-character": lambda: node(stat.S_IFCHR),
    "release-agent": release_agent,
    "io-uring": lambda: call(425, 1, 0),
    "vsock": lambda: socket.socket(40, socket.SOCK_STREAM).close(),
    "bpf": lambda: call(bpf, 0, 0, 0),
    "settime": lambda: call(settimeofday, 0, 0),
}
said = {}
for name, deed in deeds.items():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            deed()
        except OSError as error:
            code = error.errno
        os.write(write, b"%d" % code)
        os._exit(0)
    os.close(write)
    code, status = os.read(read, 20), os.waitpid(child, 0)[1]
    os.close(read)
    if code or os.WIFSIGNALED(status):
        said[name] = int(code) if code else -os.WTERMSIG(status)
print(json.dumps(said))
"""

# Makes empty files in folders that lie in memory, and opens terminals, until there are no more.
# Arguments: the most files, the most terminals, then the folders.
COUNTS = """
import json, os, pty, sys
most, terminals, *folders = sys.argv[1:]
said = {}
for folder in folders:
    made = 0
    try:
        while made < int(most):
            os.close(os.open("%s/.flood-%d" % (folder, made), os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError:
        pass
    said[folder] = made
    for number in range(made):
        os.unlink("%s/.flood-%d" % (folder, number))
held = []
try:
    while len(held) < int(terminals):
        held.append(pty.openpty())
except OSError:
    pass
print(json.dumps({**said, "terminals": len(held)}))
"""

# Writes to the machine's disk and deletes the file, which stays open for a while in the
# background. Arguments: MiB, seconds. Says `written`.
HIDDEN_FILE = """
import os, sys, time
held = os.open("/srv/.flood", os.O_CREAT | os.O_RDWR)
os.unlink("/srv/.flood")
for _ in range(int(sys.argv[1])):
    os.write(held, bytes(1 << 20))
print("written", flush=True)
if os.fork() == 0:
    os.setsid()
    silence = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    time.sleep(float(sys.argv[2]))
"""

FORK_BOMB = """
import os, time
children = 0
try:
    while children < 5000:
        if os.fork() == 0:
            time.sleep(4)
            os._exit(0)
        children += 1
except OSError:
    pass
print(children, flush=True)
"""

# Takes 1 GiB in a child and says what became of it: `killed`, or `survived`.
MEMORY_HOG = """
import os, signal
if os.fork() == 0:
    hoard = []
    for _ in range(64):
        hoard.append(bytearray(16 << 20))
    os._exit(0)
status = os.wait()[1]
if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
    print("killed")
elif status == 0:
    print("survived")
"""

# Fills folders until no more fits. Arguments: the most MiB to write, then the folders.
FLOOD = """
import json, os, sys
said = {}
for folder in sys.argv[2:]:
    path, said[folder] = folder + "/.flood", 0
    with open(path, "wb", 0) as file:
        try:
            while said[folder] < int(sys.argv[1]) and file.write(bytes(1 << 20)) == 1 << 20:
                said[folder] += 1
        except OSError:
            pass
    os.unlink(path)
print(json.dumps(said))
"""
