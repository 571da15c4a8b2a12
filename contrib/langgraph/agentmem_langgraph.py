"""LangGraph's BaseStore on a store of agentmem.

An item is a memory: its value is `attributes`, the text that is searched is `content`, and it is valid since it was last put. So what
LangGraph keeps can be recalled, joined and looked back at in SQL, and a value that was overwritten or deleted is in its history.

What a batch asks of the database is one generator, `_Batch.run`, which yields statements and is sent their rows. A synchronous and an
asynchronous class drive it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, Literal

import psycopg
from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    ensure_embeddings,
    get_text_at_path,
    validate_op_namespace,
)
from psycopg import AsyncConnection, Connection, sql
from psycopg.errors import DeadlockDetected, DuplicateObject, DuplicateSchema, NoDataFound, SerializationFailure
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

logger = logging.getLogger(__name__)

Statement = tuple[sql.Composed, dict[str, Any]]
Rows = list[dict[str, Any]]
Statements = Generator[Statement, Rows, Any]

ATTEMPTS = 10
# The attribute with an item's time to live, in minutes; no value may have a key of this name.
TTL = "$ttl"
# A read that would move the end of an item's life by less than this share of it writes nothing.
TTL_SLACK = 0.05
# The content of an item that has no text to search.
NO_TEXT = "-"
# agentmem.recall finds at most so many.
MOST = 10000

METRICS = {"cosine": "cosine", "l2": "l2", "inner_product": "ip"}
# Metric: the operator of distances, and the score of a distance.
DISTANCES = {"cosine": ("<=>", lambda d: 1 - d), "l2": ("<->", lambda d: -d), "ip": ("<#>", lambda d: -d)}
COMPARISONS = {"$eq": "=", "$ne": "<>", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


# Another session was faster: the batch is run anew.
RETRIED = (SerializationFailure, DeadlockDetected, NoDataFound, DuplicateSchema, DuplicateObject)


def namespace_to_text(namespace: tuple[str, ...]) -> str:
    """A path of labels as agentmem's namespace: parted by slashes, with %XX for what a label cannot have there."""
    return "/".join("".join(f"%{ord(c):02X}" if c in "%/" or ord(c) < 32 or ord(c) == 127 else c for c in label) for label in namespace)


def text_to_namespace(text: str) -> tuple[str, ...]:
    return tuple(_unescape(label) for label in text.split("/"))


def _unescape(label: str) -> str:
    head, *rest = label.split("%")
    return head + "".join(chr(int(part[:2], 16)) + part[2:] for part in rest)


def _vector(values: list[float]) -> str:
    return "[" + ",".join(repr(float(v)) for v in values) + "]"


class _Base(BaseStore):
    """What the synchronous and the asynchronous class share: the configuration, and the statements."""

    supports_ttl = True

    def __init__(
        self,
        *,
        store: str = "langgraph",
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        kind: str = "item",
        search_by: Literal["meaning", "words", "both"] = "meaning",
    ) -> None:
        super().__init__()
        if search_by not in ("meaning", "words", "both"):
            raise ValueError(f"search_by must be meaning, words or both, not {search_by!r}")
        self.store = store
        self.kind = kind
        self.search_by = search_by
        self.ttl_config = ttl
        self.index_config = index
        self.embeddings = ensure_embeddings(index["embed"]) if index else None
        fields = (index or {}).get("fields") or ["$"]
        self.fields = [fields] if isinstance(fields, str) else list(fields)
        self.metric = METRICS[(index or {}).get("distance_type", "cosine")]

    def _sql(self, text: str, **parts: sql.Composable) -> sql.Composed:
        names = {name: sql.Identifier(self.store, name) for name in ("memory", "memory_history", "namespace")}
        return sql.SQL(text).format(**names, **parts)

    def _batch(self, ops: Iterable[Op]) -> _Batch:
        return _Batch(self, list(ops))

    def _setup(self) -> Statements:
        index = self.index_config or {}
        yield sql.SQL("CREATE EXTENSION IF NOT EXISTS agentmem").format(), {}
        stores = yield sql.SQL("SELECT dimensions, metric FROM agentmem.stores WHERE store = %(store)s").format(), {"store": self.store}
        if not stores:
            yield (
                sql.SQL("SELECT agentmem.create_store(%(store)s, dimensions => %(dimensions)s, metric => %(metric)s)").format(),
                {"store": self.store, "dimensions": index.get("dims"), "metric": self.metric},
            )
        elif index and (stores[0]["dimensions"], stores[0]["metric"]) != (index["dims"], self.metric):
            raise ValueError(f"store {self.store} is of {stores[0]['dimensions']} dimensions and metric {stores[0]['metric']}")
        kinds = yield sql.SQL("SELECT 1 FROM {} WHERE name = %(kind)s").format(sql.Identifier(self.store, "kind")), {"kind": self.kind}
        if not kinds:
            # No half-life: an item is there until it expires or is deleted.  Equal values under two keys are two items.
            yield (
                sql.SQL(
                    "SELECT agentmem.add_kind(%(store)s, %(kind)s, 'semantic', 'An item that a LangGraph program keeps', "
                    "repeat => 'keep', validity => 'occurrence')"
                ).format(),
                {"store": self.store, "kind": self.kind},
            )

    def _sweep(self) -> Statements:
        rows = yield (
            self._sql(
                "SELECT count(*) FILTER (WHERE agentmem.forget(%(store)s, namespace, id, 'expired')) AS swept FROM "
                "(SELECT namespace, id FROM {memory} WHERE kind = %(kind)s AND key IS NOT NULL AND expires_at <= now() ORDER BY 1, 2) m"
            ),
            {"store": self.store, "kind": self.kind},
        )
        return rows[0]["swept"]


class _Batch:
    """Operations, the texts in them that want vectors, and the statements that do them: reads first, then the last put of each key."""

    def __init__(self, store: _Base, ops: list[Op]) -> None:
        self.store = store
        self.ops = ops
        self.puts: dict[tuple[str, str], PutOp] = {}
        for op in ops:
            validate_op_namespace(op)
            if isinstance(op, PutOp):
                if op.value is not None and TTL in op.value:
                    raise ValueError(f"a value cannot have the key {TTL!r}")
                self.puts[namespace_to_text(op.namespace), op.key] = op
        # By name, so that two batches meet in the same order.
        self.written = sorted(self.puts)
        self.contents = {place: self.content(self.puts[place]) for place in self.written}
        embeds = store.embeddings is not None
        self.documents = sorted({c for c in self.contents.values() if c != NO_TEXT}) if embeds else []
        self.queries = sorted({op.query for op in ops if isinstance(op, SearchOp) and op.query}) if embeds and store.search_by != "words" else []
        self.document_vectors: dict[str, str] = {}
        self.query_vectors: dict[str, str] = {}

    def content(self, op: PutOp) -> str:
        if op.value is None or op.index is False:
            return NO_TEXT
        value = dict(op.value)
        texts = [text for path in (self.store.fields if op.index is None else op.index) for text in get_text_at_path(value, path)]
        return "\n".join(text for text in texts if text.strip()) or NO_TEXT

    def run(self) -> Statements:
        results: list[Result] = [None] * len(self.ops)
        yield from self.get(results)
        for i, op in enumerate(self.ops):
            if isinstance(op, SearchOp):
                results[i] = yield from self.search(op)
            elif isinstance(op, ListNamespacesOp):
                results[i] = yield from self.list_namespaces(op)
            elif not isinstance(op, (GetOp, PutOp)):
                raise ValueError(f"unknown operation {type(op).__name__}")
        if self.written:
            yield from self.put()
        return results

    # What an item is made of, and which memories are items.
    COLUMNS = "m.namespace, m.id, m.key, m.attributes, m.expires_at, lower(m.valid_period) AS updated, lower(m.system_period) AS held"
    IS_ITEM = "m.kind = %(kind)s AND m.key IS NOT NULL AND (m.expires_at IS NULL OR m.expires_at > now())"
    CREATED = (
        "least(f.held, (SELECT min(lower(h.system_period)) FROM {memory_history} h WHERE h.namespace = f.namespace AND h.id = f.id)) AS created, "
        "clock_timestamp() AS now"
    )

    def get(self, results: list[Result]) -> Statements:
        asked = [(namespace_to_text(op.namespace), op.key, op.refresh_ttl, i) for i, op in enumerate(self.ops) if isinstance(op, GetOp)]
        if not asked:
            return
        places = sorted({(namespace, key) for namespace, key, _, _ in asked})
        rows = yield (
            self.store._sql(
                "SELECT f.*, " + self.CREATED + " FROM (SELECT " + self.COLUMNS + " FROM unnest(%(namespaces)s::text[], %(keys)s::text[]) "
                "AS p (namespace, key) JOIN {memory} m ON m.namespace = p.namespace AND m.key = p.key WHERE " + self.IS_ITEM + ") f"
            ),
            {"namespaces": [p[0] for p in places], "keys": [p[1] for p in places], "kind": self.store.kind},
        )
        found = {(row["namespace"], row["key"]): row for row in rows}
        for namespace, key, _, i in asked:
            row = found.get((namespace, key))
            results[i] = None if row is None else Item(**self.item(row))
        yield from self.refresh([found[namespace, key] for namespace, key, refresh, _ in asked if refresh and (namespace, key) in found])

    def search(self, op: SearchOp) -> Statements:
        store = self.store
        given: dict[str, Any] = {"kind": store.kind, "limit": op.limit, "offset": op.offset}
        namespaces = "SELECT n.namespace FROM {namespace} n"
        where = [self.IS_ITEM]
        within = []
        if op.namespace_prefix:
            given["prefix"] = namespace_to_text(op.namespace_prefix)
            # Everything that begins with the prefix and a slash; 0 follows the slash.
            namespaces += " WHERE n.namespace = %(prefix)s OR (n.namespace > %(prefix)s || '/' AND n.namespace < %(prefix)s || '0')"
            within = [f"m.namespace = ANY (ARRAY({namespaces}))"]
        conditions = list(self.filters(op.filter or {}, given))
        where += conditions
        select = "SELECT f.*, " + self.CREATED + " FROM ("
        page = " LIMIT %(limit)s OFFSET %(offset)s) f ORDER BY "
        if op.query and (store.search_by != "meaning"):
            rows = yield from self.recall(op, given, where, select, page, bool(conditions))
        elif op.query and store.embeddings is not None:
            given["vector"] = self.query_vectors[op.query]
            operator, score = DISTANCES[store.metric]
            distance = f"m.embedding OPERATOR(agentmem.{operator}) %(vector)s::agentmem.vector"
            rows = yield (
                store._sql(
                    f"{select} SELECT {self.COLUMNS}, {distance} AS distance FROM {{memory}} m WHERE m.embedding IS NOT NULL AND "
                    f"{' AND '.join(where + within)} ORDER BY {distance} {page} f.distance, f.id"
                ),
                given,
            )
            for row in rows:
                row["score"] = score(row["distance"])
        else:
            # The newest of each namespace by an index, whatever there is beside them.
            order = "ORDER BY lower(m.valid_period) DESC NULLS LAST, m.id DESC"
            given["most"] = op.limit + op.offset
            rows = yield (
                store._sql(
                    f"{select} SELECT {self.COLUMNS} FROM ({namespaces}) n CROSS JOIN LATERAL (SELECT * FROM {{memory}} m "
                    f"WHERE m.namespace = n.namespace AND {' AND '.join(where)} {order} LIMIT %(most)s) m {order} {page} f.updated DESC, f.id DESC"
                ),
                given,
            )
        if op.refresh_ttl:
            yield from self.refresh(rows)
        return [SearchItem(**self.item(row), score=row.get("score")) for row in rows]

    def recall(self, op: SearchOp, given: dict[str, Any], where: list[str], select: str, page: str, filtered: bool) -> Statements:
        """Rows that agentmem.recall finds by words, or by words and meaning; filters are applied to what it finds."""
        store = self.store
        if not op.namespace_prefix:
            everywhere = yield store._sql("SELECT namespace FROM {namespace} ORDER BY namespace"), {}
            if not everywhere:
                return []
            given["prefix"], *given["shared"] = (row["namespace"] for row in everywhere)
        else:
            given["shared"] = None
        given["store"] = store.store
        given["query"] = op.query
        given["vector"] = self.query_vectors.get(op.query)
        given["k"] = MOST if filtered else min(MOST, op.limit + op.offset)
        return (
            yield (
                store._sql(
                    f"{select} SELECT {self.COLUMNS}, r.score FROM agentmem.recall(%(store)s, %(prefix)s, %(query)s, "
                    "%(vector)s::agentmem.vector, k => %(k)s, kinds => ARRAY[%(kind)s::text], shared => %(shared)s::text[], prefix => true) r "
                    f"JOIN {{memory}} m ON m.namespace = r.namespace AND m.id = r.id WHERE {' AND '.join(where)} "
                    f"ORDER BY r.score DESC, m.id {page} f.score DESC, f.id"
                ),
                given,
            )
        )

    def filters(self, filters: dict[str, Any], given: dict[str, Any]) -> Iterator[str]:
        for key, wanted in filters.items():
            for name, value in wanted.items() if isinstance(wanted, dict) else (("$eq", wanted),):
                if name not in COMPARISONS:
                    raise ValueError(f"Unsupported operator: {name}")
                n = len(given)
                given[f"key{n}"], given[f"value{n}"] = key, json.dumps(value)
                held, asked = f"m.attributes -> %(key{n})s", f"%(value{n})s::jsonb"
                yield f"({held}) {COMPARISONS[name]} {asked}"
                if name not in ("$eq", "$ne"):
                    # Numbers are compared with numbers, texts with texts.
                    yield f"jsonb_typeof({held}) = jsonb_typeof({asked})"

    def list_namespaces(self, op: ListNamespacesOp) -> Statements:
        given: dict[str, Any] = {"kind": self.store.kind, "depth": op.max_depth, "limit": op.limit, "offset": op.offset}
        # OFFSET keeps it one look for each namespace: the planner would join with all items.
        where = ["EXISTS (SELECT FROM {memory} m WHERE m.namespace = n.namespace AND " + self.IS_ITEM + " OFFSET 0)"]
        for condition in op.match_conditions or ():
            if not condition.path:
                continue
            labels = ["[^/]+" if label == "*" else _literal(namespace_to_text((label,))) for label in condition.path]
            n = len(given)
            given[f"pattern{n}"] = "(^|/)" + "/".join(labels) + "$" if condition.match_type == "suffix" else "^" + "/".join(labels) + "(/|$)"
            where.append(f"n.namespace ~ %(pattern{n})s")
        rows = yield (
            self.store._sql(
                "SELECT DISTINCT coalesce(array_to_string((string_to_array(n.namespace, '/'))[1:%(depth)s::int], '/'), n.namespace) "
                f"COLLATE \"C\" AS path FROM {{namespace}} n WHERE {' AND '.join(where)} ORDER BY path LIMIT %(limit)s OFFSET %(offset)s"
            ),
            given,
        )
        return [text_to_namespace(row["path"]) for row in rows]

    def put(self) -> Statements:
        store = self.store
        gone = [place for place in self.written if self.puts[place].value is None]
        if gone:
            yield (
                store._sql(
                    "SELECT agentmem.forget(%(store)s, m.namespace, m.id, 'deleted') FROM unnest(%(namespaces)s::text[], %(keys)s::text[]) "
                    "AS p (namespace, key) JOIN {memory} m ON m.namespace = p.namespace AND m.key = p.key WHERE m.kind = %(kind)s"
                ),
                {"store": store.store, "kind": store.kind, "namespaces": [p[0] for p in gone], "keys": [p[1] for p in gone]},
            )
        kept = [place for place in self.written if self.puts[place].value is not None]
        if not kept:
            return
        rows = yield store._sql("SELECT clock_timestamp() AS now"), {}
        fields = {place: self.columns(place, rows[0]["now"]) for place in kept}
        held = []
        for namespace in sorted({place[0] for place in kept}):
            held += yield from self.remember([place for place in kept if place[0] == namespace], fields)
        yield from self.overwrite(held, fields)

    def columns(self, place: tuple[str, str], now: Any) -> dict[str, Any]:
        op = self.puts[place]
        content = self.contents[place]
        attributes = dict(op.value)
        if op.ttl is not None:
            attributes[TTL] = float(op.ttl)
        return {
            "kind": self.store.kind,
            "key": op.key,
            "content": content,
            "attributes": attributes,
            "expires_at": None if op.ttl is None else (now + timedelta(minutes=op.ttl)).isoformat(),
            "vector": self.document_vectors.get(content),
        }

    def remember(self, places: list[tuple[str, str]], fields: dict[tuple[str, str], dict[str, Any]]) -> Statements:
        """Writes items of one namespace; returns those that were there, each with its id.

        remember takes the locks of all keys, so that other writers wait. But what it makes of a key that is there is
        its own: the same value again changes nothing. So these are to be overwritten.
        """
        vectors = [fields[place]["vector"] for place in places]
        rows = yield (
            self.store._sql(
                "SELECT ordinal, id, action FROM agentmem.remember_many(%(store)s, %(namespace)s, %(memories)s::jsonb, "
                "%(vectors)s::text[]::agentmem.vector[])"
            ),
            {
                "store": self.store.store,
                "namespace": places[0][0],
                "memories": json.dumps([{name: value for name, value in fields[place].items() if name != "vector"} for place in places]),
                "vectors": vectors if any(v is not None for v in vectors) else None,
            },
        )
        return [(row["id"], places[row["ordinal"] - 1]) for row in rows if row["action"] != "inserted"]

    def overwrite(self, places: list[tuple[int, tuple[str, str]]], fields: dict[tuple[str, str], dict[str, Any]]) -> Statements:
        if not places:
            return
        chosen = [fields[place] for _, place in places]
        yield (
            self.store._sql(
                "SELECT agentmem.revise(%(store)s, p.namespace, p.id, content => p.content, embedding => p.vector::agentmem.vector, "
                "valid_from => clock_timestamp(), attributes => p.attributes::jsonb, provenance => 'stated', "
                "expires_at => coalesce(p.expires_at::timestamptz, 'infinity')) FROM unnest(%(namespaces)s::text[], %(ids)s::bigint[], "
                "%(contents)s::text[], %(vectors)s::text[], %(attributes)s::text[], %(expires)s::text[]) "
                "AS p (namespace, id, content, vector, attributes, expires_at)"
            ),
            {
                "store": self.store.store,
                "namespaces": [place[0] for _, place in places],
                "ids": [number for number, _ in places],
                "contents": [field["content"] for field in chosen],
                "vectors": [field["vector"] for field in chosen],
                "attributes": [json.dumps(field["attributes"]) for field in chosen],
                "expires": [field["expires_at"] for field in chosen],
            },
        )

    def refresh(self, rows: Rows) -> Statements:
        due = {}
        for row in rows:
            ttl = (row["attributes"] or {}).get(TTL)
            if ttl is not None and row["expires_at"] - row["now"] < timedelta(minutes=ttl * (1 - TTL_SLACK)):
                due[row["namespace"], row["id"]] = ttl
        if due:
            places = sorted(due)
            yield (
                self.store._sql(
                    "SELECT agentmem.revise(%(store)s, p.namespace, p.id, expires_at => clock_timestamp() + p.ttl * interval '1 minute', "
                    "provenance => 'stated') FROM unnest(%(namespaces)s::text[], %(ids)s::bigint[], %(ttls)s::float8[]) AS p (namespace, id, ttl)"
                ),
                {
                    "store": self.store.store,
                    "namespaces": [place[0] for place in places],
                    "ids": [place[1] for place in places],
                    "ttls": [due[place] for place in places],
                },
            )

    @staticmethod
    def item(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "namespace": text_to_namespace(row["namespace"]),
            "key": row["key"],
            "value": {name: value for name, value in (row["attributes"] or {}).items() if name != TTL},
            "created_at": min(row["created"], row["updated"]),
            "updated_at": row["updated"],
        }


def _literal(text: str) -> str:
    """The text as a pattern of PostgreSQL's that it alone matches."""
    return "".join(c if c.isalnum() or c in "_-/% " or ord(c) > 127 else "\\" + c for c in text)


class AgentmemStore(_Base):
    """A store over psycopg's connection or pool. Its asynchronous methods run in a thread; AsyncAgentmemStore needs none.

    Call `setup()` once: it makes the store, if there is none, and the kind of memory that items are.
    """

    def __init__(self, conn: Connection | ConnectionPool, **options: Any) -> None:
        super().__init__(**options)
        self.conn = conn
        self.lock = threading.Lock()
        self._sweeper: threading.Thread | None = None
        self._stop = threading.Event()

    @classmethod
    @contextmanager
    def from_conn_string(cls, conn_string: str, *, pool_config: dict[str, Any] | None = None, **options: Any) -> Iterator[AgentmemStore]:
        if pool_config is None:
            with Connection.connect(conn_string, autocommit=True) as conn:
                yield cls(conn, **options)
        else:
            with ConnectionPool(conn_string, kwargs={"autocommit": True}, **pool_config) as pool:
                yield cls(pool, **options)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        batch = self._batch(ops)
        # No transaction is open while a model is asked.
        if batch.documents:
            vectors = self.embeddings.embed_documents(batch.documents)
            batch.document_vectors = {text: _vector(v) for text, v in zip(batch.documents, vectors, strict=True)}
        for query in batch.queries:
            batch.query_vectors[query] = _vector(self.embeddings.embed_query(query))
        return self._do(batch.run)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.get_running_loop().run_in_executor(None, self.batch, list(ops))

    def setup(self) -> None:
        self._do(self._setup)

    def sweep_ttl(self) -> int:
        """Forgets what has expired, and says how many items. `agentmem.maintain` does so too."""
        return self._do(self._sweep)

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> None:
        """Calls sweep_ttl from time to time in a thread."""
        interval = sweep_interval_minutes or (self.ttl_config or {}).get("sweep_interval_minutes") or 5
        if self._sweeper is not None and self._sweeper.is_alive():
            return

        def sweep() -> None:
            while not self._stop.wait(interval * 60):
                try:
                    self.sweep_ttl()
                except psycopg.Error:
                    logger.exception("sweeping failed, the next round tries again")

        self._stop.clear()
        self._sweeper = threading.Thread(target=sweep, daemon=True, name="agentmem-sweeper")
        self._sweeper.start()

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        self._stop.set()
        if self._sweeper is not None:
            self._sweeper.join(timeout)
        return self._sweeper is None or not self._sweeper.is_alive()

    def _do(self, statements: Any) -> Any:
        pool = isinstance(self.conn, ConnectionPool)
        # One transaction at a time on a connection that threads share.
        with nullcontext() if pool else self.lock, self.conn.connection() if pool else nullcontext(self.conn) as conn:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
                        running, rows = statements(), None
                        while True:
                            try:
                                query, values = running.send(rows)
                            except StopIteration as end:
                                return end.value
                            cursor.execute(query, values)
                            rows = cursor.fetchall() if cursor.description else []
                except RETRIED:
                    if attempt == ATTEMPTS:
                        raise
        raise AssertionError


class AsyncAgentmemStore(_Base):
    """The same over psycopg's asynchronous connection or pool. Its synchronous methods may be called from other threads than its loop's."""

    def __init__(self, conn: AsyncConnection | AsyncConnectionPool, **options: Any) -> None:
        super().__init__(**options)
        self.conn = conn
        self.lock = asyncio.Lock()
        self.loop = asyncio.get_running_loop()
        self._sweeper: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def from_conn_string(
        cls, conn_string: str, *, pool_config: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[AsyncAgentmemStore]:
        if pool_config is None:
            async with await AsyncConnection.connect(conn_string, autocommit=True) as conn:
                yield cls(conn, **options)
        else:
            async with AsyncConnectionPool(conn_string, kwargs={"autocommit": True}, open=False, **pool_config) as pool:
                yield cls(pool, **options)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        batch = self._batch(ops)
        if batch.documents:
            vectors = await self.embeddings.aembed_documents(batch.documents)
            batch.document_vectors = {text: _vector(v) for text, v in zip(batch.documents, vectors, strict=True)}
        for query in batch.queries:
            batch.query_vectors[query] = _vector(await self.embeddings.aembed_query(query))
        return await self._do(batch.run)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        try:
            if asyncio.get_running_loop() is self.loop:
                raise asyncio.InvalidStateError("a synchronous call in the store's own event loop would wait for itself: await the method with an a")
        except RuntimeError:
            pass
        return asyncio.run_coroutine_threadsafe(self.abatch(ops), self.loop).result()

    async def setup(self) -> None:
        await self._do(self._setup)

    async def sweep_ttl(self) -> int:
        """Forgets what has expired, and says how many items. `agentmem.maintain` does so too."""
        return await self._do(self._sweep)

    async def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> asyncio.Task[None]:
        """Calls sweep_ttl from time to time in a task."""
        interval = sweep_interval_minutes or (self.ttl_config or {}).get("sweep_interval_minutes") or 5

        async def sweep() -> None:
            while True:
                await asyncio.sleep(interval * 60)
                try:
                    await self.sweep_ttl()
                except psycopg.Error:
                    logger.exception("sweeping failed, the next round tries again")

        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(sweep())
        return self._sweeper

    async def stop_ttl_sweeper(self) -> bool:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        return True

    async def _do(self, statements: Any) -> Any:
        pool = isinstance(self.conn, AsyncConnectionPool)
        async with nullcontext() if pool else self.lock, self.conn.connection() if pool else nullcontext(self.conn) as conn:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    async with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
                        running, rows = statements(), None
                        while True:
                            try:
                                query, values = running.send(rows)
                            except StopIteration as end:
                                return end.value
                            await cursor.execute(query, values)
                            rows = await cursor.fetchall() if cursor.description else []
                except RETRIED:
                    if attempt == ATTEMPTS:
                        raise
        raise AssertionError
