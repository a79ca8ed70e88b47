"""Small services that a test machine runs: honest ones, and stand-ins that play a recording."""

import socketserver


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline(1000):
            self.wfile.write(b"OK " + line.partition(b" ")[2])


class Recorded(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline(1000)
        self.wfile.write(b"OK 0123456789abcdef\n")


def main():
    import threading

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    for port, handler in ((7001, Recorded), (7000, Echo)):
        server = socketserver.ThreadingTCPServer(("0.0.0.0", port), handler)
        threading.Thread(target=server.serve_forever).start()


main()
