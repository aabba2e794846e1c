"""A server that speaks as much of S3 as the storage needs, for tests: one bucket, in memory."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class Bucket(BaseHTTPRequestHandler):
    """Objects under /bucket/; what was signed is not checked, that something was is."""

    objects: dict[str, bytes]
    uploads: dict[str, dict[int, bytes]]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_line: object) -> None:
        """Say nothing."""

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/bucket").lstrip("/")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        if "AWS4-HMAC-SHA256" not in self.headers.get("Authorization", ""):
            status, body = 403, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def sent(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self) -> None:
        content = self.sent()
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        if "uploadId" in self.query:
            self.uploads[self.query["uploadId"][0]][int(self.query["partNumber"][0])] = content
        else:
            self.objects[self.key] = content
        self.answer(200, ETag=tag)

    def do_POST(self) -> None:
        sent = self.sent().decode()
        if "delete" in self.query:
            keys = re.findall("<Key>(.*?)</Key>", sent)
            for key in keys:
                self.objects.pop(key, None)
            deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            body = f'<DeleteResult xmlns="{NAMESPACE}">{deleted}</DeleteResult>'
        elif "uploads" in self.query:
            self.uploads["one"] = {}
            started = "InitiateMultipartUploadResult"
            body = f'<{started} xmlns="{NAMESPACE}"><UploadId>one</UploadId></{started}>'
        else:
            parts = self.uploads.pop(self.query["uploadId"][0])
            self.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
            body = (
                f'<CompleteMultipartUploadResult xmlns="{NAMESPACE}"><ETag>"x"</ETag></CompleteMultipartUploadResult>'
            )
        self.answer(200, body.encode())

    def do_DELETE(self) -> None:
        self.objects.pop(self.key, None)
        self.answer(204)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if "list-type" in self.query:
            self.answer(200, self.listed().encode())
            return
        content = self.objects.get(self.key)
        if content is None:
            self.answer(404)
            return
        headers = {"ETag": '"x"', "Last_Modified": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            start, end = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
            self.answer(206, content[start : end + 1], Content_Range=f"bytes {start}-{end}/{len(content)}", **headers)
        elif self.command == "HEAD":
            self.send_response(200)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
        else:
            self.answer(200, content, **headers)

    def listed(self) -> str:
        prefix = self.query.get("prefix", [""])[0]
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        contents = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{moment}</LastModified><Size>{len(content)}</Size></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return f'<ListBucketResult xmlns="{NAMESPACE}"><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>'


@contextmanager
def served_bucket() -> Iterator[tuple[str, type[Bucket]]]:
    """The address of the server, and its handler with what lies in the bucket."""
    handler = type("OneBucket", (Bucket,), {"objects": {}, "uploads": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
