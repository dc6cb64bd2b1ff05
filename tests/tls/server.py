"""Serves the folder of media by HTTPS, one port for each certificate, until standard input ends. Certificates are made here, by openssl.

    server.py FOLDER

Prints a line of JSON: {"good": port, "expired": port, "unknown": port, "wrong": port, "plain": port}, of which the last has no TLS; FOLDER/ca.pem is the
authority. /to/SERVER/FILE is moved to FILE of that server;
"""

import functools
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading

folder = pathlib.Path(sys.argv[1])


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, cwd=folder, capture_output=True)


def authority(name):
    (folder / f"{name}.cnf").write_text(f"""
[ca]
default_ca = this
[this]
new_certs_dir = .
database = {name}.txt
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
""")
    (folder / f"{name}.txt").write_text("")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", 30, "-subj", f"/CN={name}")


def certificate(name, by, alternatives, start="20200101000000Z", end="20490101000000Z"):
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternatives}")
    openssl("ca", "-batch", "-notext", "-config", f"{by}.cnf", "-cert", f"{by}.pem", "-keyfile", f"{by}.key", "-in", f"{name}.csr",
            "-out", f"{name}.crt", "-startdate", start, "-enddate", end)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        if not self.path.startswith("/to/"):
            return super().do_GET()
        server, file = self.path.removeprefix("/to/").split("/", 1)
        self.send_response(302)
        self.send_header("Location", f"{'http' if server == 'plain' else 'https'}://127.0.0.1:{ports[server]}/{file}")
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *words):
        pass


def serve(name):
    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    if name != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


authority("ca")
authority("stranger")
local = "DNS:localhost,IP:127.0.0.1"
certificate("good", "ca", local)
certificate("expired", "ca", local, end="20210101000000Z")
certificate("unknown", "stranger", local)
certificate("wrong", "ca", "DNS:example.org")
ports = {name: serve(name) for name in ["good", "expired", "unknown", "wrong", "plain"]}
# A playlist on the good server, its segments on the one with the wrong name.
(folder / "mixed.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nhttps://127.0.0.1:{ports['wrong']}/clip.ts\n#EXT-X-ENDLIST\n")
(folder / "moved.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nto/wrong/clip.ts\n#EXT-X-ENDLIST\n")
(folder / "good.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nclip.ts\n#EXT-X-ENDLIST\n")
print(json.dumps(ports), flush=True)
sys.stdin.read()
