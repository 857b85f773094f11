"""A program: writes numbered records to one store until it is gone, printing each number once acknowledged.

usage: write_until_killed.py STORE WRITER, with the store's URL in the environment variable URL
"""

import os
import sys
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

Write = Callable[[int], None]


def postgres(writer: str) -> Write:
    import psycopg

    connection = psycopg.connect(os.environ["URL"])

    def write(number: int) -> None:
        connection.execute("INSERT INTO written (writer, number) VALUES (%s, %s)", (writer, number))
        connection.commit()

    return write


def arcadedb(writer: str) -> Write:
    import neo4j

    url = urlsplit(os.environ["URL"])
    driver = neo4j.GraphDatabase.driver(f"bolt://{url.hostname}:{url.port}", auth=(url.username, url.password))
    session = driver.session()

    def write(number: int) -> None:
        try:
            with session.begin_transaction() as transaction:
                transaction.run("CREATE (:Written {writer: $writer, number: $number})", writer=writer, number=number)
                transaction.commit()
        except neo4j.exceptions.TransientError:
            # Another writer changed the same page; the driver's own way would wait a second first.
            write(number)

    return write


def qdrant(writer: str) -> Write:
    from qdrant_client import QdrantClient, models

    url = urlsplit(os.environ["URL"])
    client = QdrantClient(url=f"http://{url.hostname}:{url.port}", api_key=url.password, check_compatibility=False)

    def write(number: int) -> None:
        point = models.PointStruct(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{writer} {number}")),
            vector=[1.0, float(number)],
            payload={"writer": writer, "number": number},
        )
        client.upsert("written", [point], wait=True)

    return write


if __name__ == "__main__":
    store, name = sys.argv[1:]
    write = {"postgres": postgres, "arcadedb": arcadedb, "qdrant": qdrant}[store](name)
    for count in range(1_000_000):
        write(count)
        print(count, flush=True)
