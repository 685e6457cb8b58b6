"""A local S3 server (moto) with a bucket."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

NAME = "bucket"
KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def held_port() -> Iterator[int]:
    """Reserve a port, so that a server can be stopped and started again on it.

    A server can bind the port with ``SO_REUSEADDR``, which servers in Python set.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """Start a server, and yield the query part of its bucket's URIs.

    Clients need the environment variables in ``KEYS``. The content of the bucket outlives the
    server until this process ends.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106
    ).create_bucket(Bucket=NAME)
    try:
        yield f"endpoint_override={host}:{port}&scheme=http"
    finally:
        server.stop()
