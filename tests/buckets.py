"""A server that speaks S3 (moto), on this machine, with a bucket in it."""

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
    """Give a port that stays ours while no server listens there, to let one come back.

    Who may bind it all the same must ask for ``SO_REUSEADDR``, as servers in Python do.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """Give the options that a URI of the bucket ends with; who uses it needs ``KEYS``.

    What is in the bucket outlives the server, as long as this process does.
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
