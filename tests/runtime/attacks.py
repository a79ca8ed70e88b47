"""Attacks that only tests make; those that the product makes itself are in `containment`."""

# Calls the kernel directly; prints the error number, 0 for success.
SYSTEM_CALL = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
number, *rest = (int(word, 0) for word in sys.argv[1:])
done = libc.syscall(number, *(ctypes.c_long(word) for word in rest))
print(0 if done >= 0 else ctypes.get_errno())
"""

SOCKET_FAMILY = """
import socket, sys
try:
    socket.socket(int(sys.argv[1]), int(sys.argv[2])).close()
    print(0)
except OSError as error:
    print(error.errno)
"""
