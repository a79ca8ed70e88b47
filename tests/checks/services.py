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


class Names(socketserver.BaseRequestHandler):
    """Knows one name over UDP, and refuses whatever is asked over TCP."""

    def handle(self):
        asked, connection = self.request
        labels, at = [], 12
        while asked[at]:
            labels.append(asked[at + 1 : at + 1 + asked[at]].decode().lower())
            at += 1 + asked[at]
        known = ".".join(labels) == "www.city.example"
        record = bytes.fromhex("c00c000100010000003c0004c6336407") if known else b""
        flags, count = (b"\x84\x00", 1) if known else (b"\x84\x03", 0)
        head = asked[:2] + flags + b"\0\1" + count.to_bytes(2, "big") + b"\0\0\0\0"
        connection.sendto(head + asked[12 : at + 5] + record, self.client_address)


class Mail(socketserver.StreamRequestHandler):
    """Takes mail for city.example."""

    def handle(self):
        self.wfile.write(b"220 mail\r\n")
        while line := self.rfile.readline(1000).decode().strip():
            word = line.split(":")[0].split(" ")[0]
            fine = word in ("EHLO", "MAIL") or (word == "RCPT" and "city.example" in line)
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline(1000) != b".\r\n":
                    pass
                fine = True
            self.wfile.write(b"250 fine\r\n" if fine else b"550 no\r\n")


def main():
    import threading

    names = socketserver.ThreadingUDPServer(("0.0.0.0", 5300), Names)
    threading.Thread(target=names.serve_forever).start()

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    for port, handler in ((2500, Mail), (7001, Recorded), (7000, Echo)):
        server = socketserver.ThreadingTCPServer(("0.0.0.0", port), handler)
        threading.Thread(target=server.serve_forever).start()


main()
