"""Over TLS the same bytes come as without it."""

import asyncio
import datetime
import ssl

import pytest
import redis
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hiredis import pack_command

from feature_repo.online.redis import PipelinedClient, RedisAddress, redis_client

LARGE = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of loopback that signs itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    today = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def tls_before(redis_address, certificate):
    """A server that speaks TLS and passes everything on to Redis."""

    async def forward(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        theirs, ours = await asyncio.open_connection(redis_address.host, redis_address.port)
        await asyncio.gather(forward(reader, ours), forward(theirs, writer), return_exceptions=True)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_large_answer_is_whole_over_tls_and_changes_are_told(redis_address, certificate, run):
    async def opened(connection):
        await connection.on_connect()

    async def asked():
        server = await tls_before(redis_address, certificate)
        port = server.sockets[0].getsockname()[1]
        url = f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none&ssl_check_hostname=false"
        stream = PipelinedClient(RedisAddress.parse(url), 5, opened, said.append)
        try:
            told = pack_command(("CLIENT", "CACHING", "YES")), pack_command(("GET", "n"))
            commands = b"".join([pack_command(("GET", "large")), *told])
            large, _, absent = await stream.ask(commands, 3, list)
            client.set("n", "1")
            await stream.ask(pack_command(("GET", "m")), 1, list)
            assert said == [None, [b"n"]]
            return [large, absent]
        finally:
            stream.close()
            server.close()
            await asyncio.sleep(0.05)

    said = []
    with redis_client(redis_address) as client:
        client.set("large", LARGE)
        try:
            assert run(asked()) == [LARGE, None]
        finally:
            client.delete("large", "n")


def test_a_certificate_that_nobody_vouches_for_is_refused(redis_address, certificate):
    async def opened(connection):
        await connection.on_connect()

    async def asked():
        server = await tls_before(redis_address, certificate)
        port = server.sockets[0].getsockname()[1]
        stream = PipelinedClient(
            RedisAddress.parse(f"rediss://127.0.0.1:{port}/0"), 5, opened, lambda keys: None
        )
        try:
            return await stream.ask(pack_command(("GET", "n")), 1, list)
        finally:
            stream.close()
            server.close()
            await asyncio.sleep(0.05)

    with pytest.raises(redis.ConnectionError):
        asyncio.run(asked())
