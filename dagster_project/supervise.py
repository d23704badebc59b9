"""`tew up`: the dashboard, Dagster's web server and daemon, and the one code server that both share.

Belongs here: starting these processes, waiting until they answer, restarting what dies, stopping all of it.
Does not belong here: what the processes do. Dagster is not imported here, so that the supervisor stays small.

One code server for web server and daemon saves 290 MB and starts a run in a third of the time (measured.md).
"""

from __future__ import annotations

import http.client
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path

from dagster_project.commands.texts import CommandError
from dagster_project.settings import PROJECT_ROOT, Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CODE_LOCATION = "tew"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.2
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 30.0
# After this long without a crash a process counts as sound again.
SOUND_AFTER_S = 60.0
# AF_UNIX paths end at 108 bytes on Linux and 104 on macOS.
SOCKET_PATH_MAX = 100
LOG_BYTES = 5_000_000

Say = Callable[..., None]


@dataclass
class Child:
    """One supervised process. `is_healthy` asks it from outside and must return within a second."""

    name: str
    arguments: Sequence[str]
    is_healthy: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restarts: int = 0
    next_start: float = 0.0
    log: logging.Logger | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def backoff_seconds(restarts: int) -> float:
    """Seconds to wait before restart number `restarts` (1, 2, 3 …): doubling from one to thirty."""
    return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(max(0, restarts - 1), 10))


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host:port` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int, path: str, statuses: Sequence[int] = (200,)) -> bool:
    """Whether a GET on `path` gives one of `statuses` within a second."""
    connection = http.client.HTTPConnection(host, port, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status in statuses
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def accepts(address: str | tuple[str, int]) -> bool:
    """Whether something listens on a socket's path, or on a host and port."""
    is_path = isinstance(address, str)
    family = socket.AF_UNIX if is_path else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_call(host: str, ports: Sequence[int], *, has_accounts: bool = False) -> None:
    """Refuse an address that others could reach where there are no accounts, and ports that are taken (CommandError)."""
    if host not in LOOPBACK and not has_accounts:
        raise CommandError("cli.up_not_loopback", host=host)
    if len(set(ports)) != len(ports):
        raise CommandError("cli.up_same_port", port=ports[0])
    for port in ports:
        if not port_is_free(host, port):
            raise CommandError("cli.up_port_taken", host=host, port=port)


def accounts_exist(settings: Settings) -> bool:
    """Whether anybody has to sign in here."""
    from dashboard.access.accounts import Accounts

    return Accounts(settings).exist()


def workspace_text(address: str | tuple[str, int]) -> str:
    """The workspace.yaml that points web server and daemon to the shared code server."""
    if isinstance(address, str):
        where = f"      socket: '{address}'\n      host: localhost\n"
    else:
        where = f"      host: {address[0]}\n      port: {address[1]}\n"
    return f"load_from:\n  - grpc_server:\n{where}      location_name: {CODE_LOCATION}\n"


def child_environment(settings: Settings) -> dict[str, str]:
    """What every child sees: the deployment, Dagster's home, and no telemetry."""
    environment = dict(os.environ)
    environment.update(
        TEW_HOME=str(settings.home),
        TEW_SEEDS=str(settings.seeds),
        DAGSTER_HOME=str(settings.dagster_home),
        DAGSTER_DISABLE_TELEMETRY="yes",
        DO_NOT_TRACK="1",
        PYTHONUNBUFFERED="1",
        PYTHONIOENCODING="utf-8",
    )
    return environment


def _logger(settings: Settings, name: str) -> logging.Logger:
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger(f"tew.up.{name}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = RotatingFileHandler(folder / f"{name}.log", maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    return logger


def _pump(process: subprocess.Popen[bytes], logger: logging.Logger) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        logger.info(line.decode("utf-8", "replace").rstrip("\n"))


def _start(child: Child, settings: Settings) -> None:
    """Start one child in a group of its own, so that it and its own children can be stopped together."""
    if child.log is None:
        child.log = _logger(settings, child.name)
    command = list(child.arguments)
    if os.name != "nt":
        wrapper = Path(__file__).with_name("supervised.py")
        command = [sys.executable, "-S", "-E", str(wrapper), str(os.getpid()), *command]
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    child.log.info(f"--- {child.name} starts at {time.strftime('%Y-%m-%d %H:%M:%S')}")
    child.process = subprocess.Popen(
        command,
        cwd=PROJECT_ROOT,
        env=child_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=os.name != "nt",
        creationflags=flags,
    )
    child.started_at = time.monotonic()
    threading.Thread(target=_pump, args=(child.process, child.log), daemon=True).start()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        if os.name == "nt":
            process.terminate() if number == signal.SIGTERM else process.kill()
        else:
            os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def stop_all(children: Sequence[Child]) -> None:
    """End every child and its children: asked first, killed after STOP_TIMEOUT_S."""
    processes = [child.process for child in children if child.process is not None]
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        # What is left of the group (a run that a code server had started) goes too: a killed run blocks nothing.
        _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def tail(settings: Settings, name: str, lines: int = 15) -> str:
    """The last lines of a child's log."""
    path = settings.home / "logs" / f"{name}.log"
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _wait_healthy(child: Child, settings: Settings, stopping: threading.Event) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not stopping.is_set():
        if child.is_healthy():
            return
        if not child.is_running or time.monotonic() > deadline:
            log = str(Path("logs") / f"{child.name}.log")
            raise CommandError("cli.up_child_failed", name=child.name, log=log, tail=tail(settings, child.name))
        stopping.wait(POLL_S)


def supervise_once(children: Sequence[Child], settings: Settings, now: float, say: Say) -> None:
    """One look at every child: what has died is started again, later each time it dies soon after."""
    for child in children:
        if child.is_running:
            if child.restarts and now - child.started_at > SOUND_AFTER_S:
                child.restarts = 0
            continue
        if child.process is not None and child.next_start == 0.0:
            child.restarts += 1
            wait = backoff_seconds(child.restarts)
            child.next_start = now + wait
            # Whatever the dead process left behind in its group must not hold its port.
            _signal_group(child.process, getattr(signal, "SIGKILL", signal.SIGTERM))
            say("cli.up_restart", name=child.name, code=child.process.returncode, seconds=f"{wait:g}")
        elif now >= child.next_start:
            child.next_start = 0.0
            _start(child, settings)


def _near(host: str) -> str:
    """Where this machine itself reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _children(
    settings: Settings,
    host: str,
    port: int,
    dagster_port: int,
    code_address: str | tuple[str, int],
    workspace: Path,
    *,
    has_accounts: bool = False,
) -> list[Child]:
    python = sys.executable
    code_where = (
        ["--socket", code_address]
        if isinstance(code_address, str)
        else ["--host", code_address[0], "--port", str(code_address[1])]
    )
    code = Child(
        "code-server",
        [
            *(python, "-m", "dagster", "api", "grpc", "--module-name", "dagster_project.definitions"),
            *("--location-name", CODE_LOCATION, "--inject-env-vars-from-instance", *code_where),
        ],
        lambda: accepts(code_address),
    )
    dashboard = Child(
        "dashboard",
        [python, "-m", "dashboard.serve", "--host", host, "--port", str(port)],
        # 503: it is up, and nothing is published yet.
        lambda: answers(_near(host), port, "/healthz", (200, 503)),
    )
    # Dagster's web server knows no login: with accounts it stays on this machine, behind the door.
    web_host, web_port = ("127.0.0.1", free_port()) if has_accounts else (host, dagster_port)
    web = Child(
        "dagster-webserver",
        [
            *(python, "-m", "dagster_webserver", "--host", web_host, "--port", str(web_port)),
            *("--workspace", str(workspace)),
        ],
        lambda: answers(web_host, web_port, "/server_info"),
    )
    daemon = Child(
        "dagster-daemon", [python, "-m", "dagster._daemon", "run", "--workspace", str(workspace)], lambda: True
    )
    daemon.is_healthy = lambda: daemon.is_running
    if not has_accounts:
        return [dashboard, code, web, daemon]
    door = Child(
        "door",
        [
            *(python, "-m", "dashboard.access.door", "--host", host, "--port", str(dagster_port)),
            *("--upstream-port", str(web_port), "--login-port", str(port)),
        ],
        # 302: it sends whoever is not signed in to the sign-in.
        lambda: answers(_near(host), dagster_port, "/", (302,)),
    )
    return [dashboard, code, web, daemon, door]


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Refuse a second `tew up` on the same home: two daemons would launch every schedule twice."""
    from dagster_project.warehouse.errors import LockHeld
    from dagster_project.warehouse.lock import file_lock

    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(settings.work / "up.lock"))
        except LockHeld as taken:
            raise CommandError("cli.up_running", home=settings.home) from taken
        yield


def _prepare(settings: Settings) -> None:
    """Dagster's home, dead runs and dbt's manifest, in a process of its own: it needs 250 MB that are then freed."""
    command = [sys.executable, "-m", "dagster_project.orchestration.prepare"]
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=child_environment(settings), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CommandError("cli.up_prepare_failed", tail=(done.stderr or done.stdout)[-2000:])


def up(settings: Settings, host: str, port: int, dagster_port: int, say: Say) -> None:
    """Run everything until SIGINT or SIGTERM; returns after all children have ended.

    `say(key, **fields)` tells progress. Raises CommandError where an address is not allowed or taken,
    or a process does not come up.
    """
    has_accounts = accounts_exist(settings)
    check_call(host, [port, dagster_port], has_accounts=has_accounts)
    stopping = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if os.name != "nt" else ()))
    }
    scratch = Path(tempfile.mkdtemp(prefix="tew-"))
    children: list[Child] = []
    try:
        with _only_one(settings):
            code_address: str | tuple[str, int] = str(scratch / "code.sock")
            if os.name == "nt" or len(str(code_address)) > SOCKET_PATH_MAX:
                code_address = ("127.0.0.1", free_port())
            workspace = scratch / "workspace.yaml"
            workspace.write_text(workspace_text(code_address), encoding="utf-8")
            children = _children(settings, host, port, dagster_port, code_address, workspace, has_accounts=has_accounts)
            dashboard, *others = children
            say("cli.up_starting", home=settings.home)
            _start(dashboard, settings)
            _prepare(settings)
            for child in others:
                if stopping.is_set():
                    return
                _start(child, settings)
                _wait_healthy(child, settings, stopping)
            _wait_healthy(dashboard, settings, stopping)
            if stopping.is_set():
                return
            say("cli.up_ready", dashboard=f"http://{host}:{port}/", dagster=f"http://{host}:{dagster_port}/")
            if not has_accounts:
                say("cli.up_local")
            while not stopping.wait(POLL_S):
                supervise_once(children, settings, time.monotonic(), say)
    finally:
        if children:
            say("cli.up_stopping")
        stop_all(children)
        shutil.rmtree(scratch, ignore_errors=True)
        for number, handler in previous.items():
            signal.signal(number, handler)
