"""The client reads the same replies over TLS."""

import asyncio
import datetime
import ssl

import pytest
import redis
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from feature_repo.feast_repo.repository import connection_string
from feature_repo.library_internals import redis_client as feast_client
from feature_repo.online.feast.store import AisleOnlineStoreConfig
from feature_repo.online.redis import PipelinedClient, RedisAddress, redis_client
from tests.feature_repo.online.redis.test_pipelined_client import Gets, default_on_connect, ignore
from tests.redis_addresses import behind

LARGE = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate and its key."""
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


async def start_tls_proxy(redis_address, certificate):
    """Start a server that speaks TLS and forwards everything to Redis."""

    async def forward(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        redis_reader, redis_writer = await asyncio.open_connection(
            redis_address.host, redis_address.port
        )
        await asyncio.gather(
            forward(reader, redis_writer), forward(redis_reader, writer), return_exceptions=True
        )

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_large_reply_and_invalidations_arrive_over_tls(redis_address, certificate, run):
    async def read():
        server = await start_tls_proxy(redis_address, certificate)
        port = server.sockets[0].getsockname()[1]
        plain = behind(redis_address, port).url
        url = f"{plain}?ssl_cert_reqs=none&ssl_check_hostname=false"
        address = RedisAddress.parse(url.replace("redis://", "rediss://"))
        client = PipelinedClient(address, 5, default_on_connect, invalidations.append)
        try:
            values = await client.send(Gets(("large", "n")))
            redis_py.set("n", "1")
            await client.send(Gets(("m",), is_tracked=False))
            assert invalidations == [None, [b"n"]]
            return values
        finally:
            client.close()
            server.close()
            await asyncio.sleep(0.05)

    invalidations = []
    with redis_client(redis_address) as redis_py:
        redis_py.set("large", LARGE)
        try:
            assert run(read()) == [LARGE, None]
        finally:
            redis_py.delete("large", "n")


def test_untrusted_certificate_is_refused(redis_address, certificate):
    async def read():
        server = await start_tls_proxy(redis_address, certificate)
        port = server.sockets[0].getsockname()[1]
        client = PipelinedClient(
            RedisAddress.parse(f"rediss://127.0.0.1:{port}/0"), 5, default_on_connect, ignore
        )
        try:
            return await client.send(Gets(("n",), is_tracked=False))
        finally:
            client.close()
            server.close()
            await asyncio.sleep(0.05)

    with pytest.raises(redis.ConnectionError):
        asyncio.run(read())


def test_feast_trusts_the_certificate_that_the_url_names(redis_address, certificate):
    async def ping():
        server = await start_tls_proxy(redis_address, certificate)
        port = server.sockets[0].getsockname()[1]
        url = behind(redis_address, port).url.replace("redis://", "rediss://")
        address = RedisAddress.parse(f"{url}?ssl_check_hostname=false&ssl_ca_certs={certificate}")
        config = AisleOnlineStoreConfig(connection_string=connection_string(address))
        with feast_client(config) as client:
            answered = await asyncio.to_thread(client.ping)
        await asyncio.sleep(0.05)
        server.close()
        return answered

    assert asyncio.run(ping())
