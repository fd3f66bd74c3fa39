"""A repository whose app is twenty lines: what hosting builds when the app is no matter."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

APP = """
import json, os, socket, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RELEASE = "{release}"

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        if self.path == "/die":
            os._exit(1)
        names = ("VERCEL_GIT_COMMIT_SHA", "VERCEL_DEPLOYMENT_ID", "GREETING", "VERCEL_ENV")
        said = {{"release": RELEASE, "pid": os.getpid()}}
        said["address"] = self.headers.get("x-forwarded-for")
        self.answer(json.dumps(said | {{name: os.environ.get(name) for name in names}}).encode())
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["content-length"])))
    def answer(self, body):
        self.send_response_only(201 if self.command == "POST" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if "tied" in sys.argv:
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while (wait := os.environ.get("WAIT_FOR")) and not os.path.exists(wait):
    time.sleep(0.02)
listening = socket.socket(fileno=int(sys.argv[1]))
server = ThreadingHTTPServer(listening.getsockname(), Handler, bind_and_activate=False)
server.daemon_threads = True
server.socket = listening
server.serve_forever()
"""
SETTINGS = {
    "buildCommand": "python -m compileall -q booking",
    "crons": [{"path": "/api/cron/reminders", "schedule": "0 8 * * *"}],
}


def make_repository(path: Path) -> None:
    """Make a bare repository without any commit."""
    _git(path.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(path))


def commit(repository: Path, branch: str, release: str, files: Mapping[str, str] = {}) -> str:
    """Put a commit of a release on a branch and return its name; `files` are added or replaced."""
    contents = {
        "booking/__init__.py": "",
        "booking/__main__.py": APP.format(release=release),
        "vercel.json": json.dumps(SETTINGS),
    } | dict(files)
    parent = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", branch],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    lines = [f"commit refs/heads/{branch}", "committer Ana <ana@example.com> 1790000000 +0000"]
    lines += [_data(f"Release {release}")]
    lines += [f"from {parent}"] if parent else []
    for name, text in contents.items():
        lines += [f"M 100644 inline {name}", _data(text)]
    subprocess.run(
        ["git", "-C", str(repository), "fast-import", "--quiet"],
        input="\n".join(lines) + "\n",
        text=True,
        check=True,
    )
    return _git(repository, "rev-parse", branch).strip()


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout
