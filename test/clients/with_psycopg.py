"""A program written for pgvector, with its Python library and psycopg 3.

Knows nothing of agentmem: which of the two is behind `vector` is the database's search_path.
Prints what it got, one line a step; test/clients/expected has what is right, which is what it
prints over pgvector.
"""

import asyncio

import numpy as np
import psycopg
from pgvector import Bit, HalfVector, Vector
from pgvector.psycopg import register_vector, register_vector_async

SQL_OF_TABLE = """
    DROP TABLE IF EXISTS item;
    CREATE TABLE item (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3),
                       code bit(5), many vector[])
"""


def show(step, value):
    print(f"{step}: {plain(value)}", flush=True)


def plain(value):
    """Older versions of the library give numpy's arrays, newer ones its own classes."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, (Vector, HalfVector)):
        return [plain(float(v)) for v in value.to_list()]
    if isinstance(value, Bit):
        return value.to_text()
    if isinstance(value, float):
        return float(f"{value:.5g}")
    return value


def bits(value):
    return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value, dtype=np.float32).tobytes()


def error(step, conn, query, parameters, **options):
    try:
        with conn.transaction():
            conn.execute(query, parameters, **options)
        show(step, "no error")
    except psycopg.Error as e:
        show(step, [e.sqlstate, e.diag.message_primary])


def vectors(conn):
    array = np.array([1.5, -2, 3e-5], dtype=np.float32)
    insert = "INSERT INTO item (embedding) VALUES (%s) RETURNING embedding"
    for binary in (False, True):
        mode = "binary" if binary else "text"
        cursor = conn.cursor(binary=binary)
        parameter = "%b" if binary else "%t"
        for name, value in (("array", array), ("float64", np.array([1.5, -2, 3e-5])), ("Vector", Vector([1.5, -2, 3e-5])), ("None", None)):
            row = cursor.execute(insert.replace("%s", parameter), (value,)).fetchone()
            show(f"{mode} {name}", row[0])
        show(f"{mode} selected", cursor.execute("SELECT embedding FROM item ORDER BY id").fetchall())
        show(f"{mode} prepared", [cursor.execute(f"SELECT {parameter}", (array * i,), prepare=True).fetchone() for i in range(1, 8)])
        show(f"{mode} array", cursor.execute(f"SELECT {parameter}::vector[]", ([Vector([1, 2]), Vector([3])],)).fetchone())
        show(f"{mode} nearest", cursor.execute(f"SELECT embedding <-> {parameter} FROM item WHERE embedding IS NOT NULL LIMIT 1",
                                               (np.array([1.5, -2, 1]),)).fetchone())

        random = np.random.default_rng(7)
        wide = [(random.standard_normal(1536) * 10.0 ** (i - 20)).astype(np.float32) for i in range(40)]
        wide.append(np.array([-0.0, 1e-45, -1.1754944e-38, 3.4028235e38], dtype=np.float32))
        same = [bits(cursor.execute(f"SELECT {parameter}", (v,)).fetchone()[0]) == bits(v) for v in wide]
        show(f"{mode} the same bits", [len(same), all(same)])

        widest = np.arange(16000, dtype=np.float32)
        show(f"{mode} the most dimensions", cursor.execute(f"SELECT vector_dims({parameter})", (widest,)).fetchone())
        error(f"{mode} too many", conn, f"SELECT vector_dims({parameter})", (np.ones(16001, dtype=np.float32),), binary=binary)
        error(f"{mode} none", conn, f"SELECT vector_dims({parameter})", (np.ones(0, dtype=np.float32),), binary=binary)
        error(f"{mode} two of three", conn, insert.replace("%s", parameter), (np.array([1, 2]),), binary=binary)
        error(f"{mode} NaN", conn, insert.replace("%s", parameter), (np.array([1, 2, np.nan]),), binary=binary)
        error(f"{mode} infinite", conn, insert.replace("%s", parameter), (np.array([1, 2, -np.inf]),), binary=binary)
        error(f"{mode} two and three", conn, f"SELECT {parameter} <-> {parameter}", (Vector([1, 2]), Vector([1, 2, 3])), binary=binary)

    # Lists are sent as arrays, and converted by assignment.
    error("list of integers", conn, insert, ([1, 2, 3],))
    show("list of floats", conn.execute(insert, ([0.25, 2.0, 3.0],)).fetchone())
    show("as array", conn.execute("SELECT embedding::real[] FROM item ORDER BY id LIMIT 1").fetchone())
    error("list with a null", conn, insert, ([1.5, None, 3.0],))


def bulk(conn):
    conn.execute("TRUNCATE item RESTART IDENTITY")
    with conn.cursor() as cursor:
        cursor.executemany("INSERT INTO item (embedding) VALUES (%s)", [(np.array([i, 0, 1]),) for i in range(10)])
        show("executemany", cursor.rowcount)
        cursor.executemany("INSERT INTO item (embedding) VALUES (%b) RETURNING id, embedding", [(np.array([i, 1, 1]),) for i in range(3)],
                           returning=True)
        show("executemany returning", cursor.fetchall())

        with cursor.copy("COPY item (embedding, half) FROM STDIN WITH (FORMAT binary)") as copy:
            copy.set_types(["vector", "halfvec"])
            for i in range(1000):
                copy.write_row([np.array([i, -i, 0.5]), HalfVector([i, 0.25, 0])])
        with cursor.copy("COPY item (embedding) FROM STDIN") as copy:
            copy.write_row([np.array([-1, -1, 7])])
            copy.write_row([None])
        show("COPY", conn.execute("SELECT count(*), count(embedding), sum(vector_dims(embedding)) FROM item").fetchone())
        with cursor.copy("COPY (SELECT embedding, half FROM item WHERE half IS NOT NULL ORDER BY id) TO STDOUT WITH (FORMAT binary)") as copy:
            copy.set_types(["vector", "halfvec"])
            rows = list(copy.rows())
        show("COPY TO", [len(rows), rows[0], rows[999]])

        # A short message, and one that says another dimension than it has.
        for name, message in (("short", b"\x00\x03\x00\x00\x3f\x80\x00\x00"), ("long", b"\x00\x01\x00\x00" + b"\x00" * 8),
                              ("not zero", b"\x00\x01\x00\x01" + b"\x00" * 4), ("empty", b"")):
            try:
                with conn.transaction(), cursor.copy("COPY item (embedding) FROM STDIN WITH (FORMAT binary)") as copy:
                    copy.write(b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8 + b"\x00\x01" + len(message).to_bytes(4, "big") + message + b"\xff\xff")
                show(f"COPY {name}", "no error")
            except psycopg.Error as e:
                show(f"COPY {name}", e.sqlstate)


def searches(conn):
    query = np.array([3.2, 0, 1])
    for binary in (False, True):
        for operator in ("<->", "<#>", "<=>", "<+>"):
            rows = conn.execute(f"SELECT id, embedding {operator} %s FROM item WHERE id <= 13 ORDER BY 2, 1 LIMIT 3", (query,), binary=binary).fetchall()
            show(f"{operator} {'binary' if binary else 'text'}", rows)
    show("ORDER BY", conn.execute("SELECT id FROM item ORDER BY embedding <-> %s LIMIT 2", (query,)).fetchall())
    show("WHERE", conn.execute("SELECT count(*) FROM item WHERE id <= 13 AND embedding <-> %s < 2", (query,)).fetchone())
    show("similarity", conn.execute("SELECT 1 - (embedding <=> %s) FROM item WHERE id = 4", (query,)).fetchone())
    show("avg, sum", conn.execute("SELECT avg(embedding), sum(embedding) FROM item WHERE id <= 4").fetchone())
    show("avg of none", conn.execute("SELECT avg(embedding), sum(embedding) FROM item WHERE id < 0").fetchone())
    show("in binary", conn.execute("SELECT avg(embedding) FROM item WHERE id <= 4", binary=True).fetchone())
    show("arithmetic", conn.execute("SELECT embedding + %(q)s, embedding - %(q)s, embedding * %(q)s, embedding || %(q)s FROM item WHERE id = 4",
                                    {"q": query}).fetchone())
    show("equal", conn.execute("SELECT count(*), count(DISTINCT embedding) FROM item WHERE embedding = %s", (np.array([4, 0, 1]),)).fetchone())
    show("functions", conn.execute("SELECT l2_distance(embedding, %(q)s), inner_product(embedding, %(q)s), cosine_distance(embedding, %(q)s), "
                                   "l1_distance(embedding, %(q)s), vector_norm(embedding), l2_normalize(embedding), "
                                   "subvector(embedding, 1, 2), binary_quantize(embedding)::text FROM item WHERE id = 4", {"q": query}).fetchone())


def halves(conn):
    conn.execute("TRUNCATE item RESTART IDENTITY")
    for binary in (False, True):
        mode = "binary" if binary else "text"
        parameter = "%b" if binary else "%t"
        show(f"half {mode}", conn.execute(f"INSERT INTO item (half) VALUES ({parameter}) RETURNING half", (HalfVector([1.5, -2, 0.1]),), binary=binary).fetchone())
        error(f"half {mode} two of three", conn, f"INSERT INTO item (half) VALUES ({parameter})", (HalfVector([1, 2]),), binary=binary)
        for operator in ("<->", "<#>", "<=>", "<+>"):
            show(f"half {mode} {operator}", conn.execute(f"SELECT half {operator} {parameter} FROM item LIMIT 1", (HalfVector([1, 2, 0.5]),), binary=binary).fetchone())
    show("half avg", conn.execute("SELECT avg(half), sum(half) FROM item").fetchone())
    show("half cast", conn.execute("SELECT half::vector, half::vector::halfvec, half::real[] FROM item LIMIT 1").fetchone())
    error("half too large", conn, "SELECT '[1e6]'::halfvec", ())


def codes(conn):
    for binary in (False, True):
        mode = "binary" if binary else "text"
        parameter = "%b" if binary else "%t"
        code = Bit([True, False, True, False, True])
        conn.execute(f"INSERT INTO item (code) VALUES ({parameter})", (code,))
        show(f"bit {mode}", conn.execute(f"SELECT code::text, code <~> {parameter}, code <%%> {parameter} FROM item WHERE code IS NOT NULL LIMIT 1",
                                         (Bit("10011"), Bit("10011"))).fetchone())


async def asynchronous():
    async with await psycopg.AsyncConnection.connect(autocommit=True) as conn:
        await register_vector_async(conn)
        cursor = await conn.execute("SELECT %s, '[1,2]'::vector", (np.array([1.5, 2]),), binary=True)
        show("asynchronous", await cursor.fetchone())


def main():
    with psycopg.connect(autocommit=True) as conn:
        conn.execute("SET client_min_messages = warning")
        conn.execute(SQL_OF_TABLE)
        register_vector(conn)
        vectors(conn)
        bulk(conn)
        searches(conn)
        halves(conn)
        codes(conn)
    asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
