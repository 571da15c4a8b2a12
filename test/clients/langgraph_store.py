"""contrib/langgraph beside LangGraph's own PostgresStore: the same behaviours, the same answers to operations at random.

Connects by the PG* variables as a superuser; argument 1 is the folder of contrib/langgraph. PostgresStore runs over pgvector, or over
agentmem's type where the server has none. Prints a line a check, `ok` or `NOT OK`.
"""

import asyncio
import os
import random
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TypedDict

import psycopg
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph.store.postgres import AsyncPostgresStore, PostgresStore

sys.path.insert(0, sys.argv[1])
from agentmem_langgraph import AgentmemStore, AsyncAgentmemStore, namespace_to_text, text_to_namespace  # noqa: E402

DIMS = 16
WORDS = ["tea", "coffee", "train", "bus", "Oslo", "Bergen", "piano", "flute", "cat", "dog"]


def embed(texts):
    """Counts of words, never negative: near if they share words."""
    vectors = []
    for text in texts:
        vector = [0.05] * DIMS
        for word in text.lower().replace('"', " ").split():
            vector[sum(map(ord, word)) % DIMS] += 1
        vectors.append(vector)
    return vectors


INDEX = {"dims": DIMS, "embed": embed, "fields": ["text"]}
TTL = {"refresh_on_read": True, "omit_expired": True}


def check(name, good, got=None):
    print(f"ok {name}" if good else f"NOT OK {name}: {got!r}", flush=True)


def equal(name, got, expected):
    check(name, got == expected, (got, expected))


def raises(name, error, function, *arguments, **options):
    try:
        check(name, False, function(*arguments, **options))
    except error:
        check(name, True)
    except Exception as other:  # noqa: BLE001
        check(name, False, other)


class Awaited(BaseStore):
    """An asynchronous store, called from a thread that is not its loop's by each of its asynchronous methods."""

    supports_ttl = True

    def __init__(self, store, loop):
        self.store, self.loop, self.ttl_config = store, loop, store.ttl_config

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def batch(self, ops):
        return self.wait(self.store.abatch(ops))

    async def abatch(self, ops):
        return await self.store.abatch(ops)

    def get(self, *a, **k):
        return self.wait(self.store.aget(*a, **k))

    def put(self, *a, **k):
        return self.wait(self.store.aput(*a, **k))

    def delete(self, *a, **k):
        return self.wait(self.store.adelete(*a, **k))

    def search(self, *a, **k):
        return self.wait(self.store.asearch(*a, **k))

    def list_namespaces(self, **k):
        return self.wait(self.store.alist_namespaces(**k))

    def sweep_ttl(self):
        return self.wait(self.store.sweep_ttl())


def keys(items):
    return [item.key for item in items]


def behaviours(which, store, age):
    """What a BaseStore does; `age` lets that many minutes pass for all that expires."""

    def same(name, got, expected):
        equal(f"{which}: {name}", got, expected)

    # put, get, delete
    ns = ("users", "42")
    same("get of nothing", store.get(ns, "food"), None)
    store.put(ns, "food", {"text": "tea", "n": 1, "deep": {"list": [1, {"a": None}], "é": "ü"}})
    item = store.get(ns, "food")
    same("get", (item.namespace, item.key, item.value), (ns, "food", {"text": "tea", "n": 1, "deep": {"list": [1, {"a": None}], "é": "ü"}}))
    check(f"{which}: times are of now and have a zone", item.created_at <= item.updated_at
          and abs(datetime.now(timezone.utc) - item.updated_at) < timedelta(minutes=5), item)
    store.put(ns, "food", {"text": "tea", "m": 2})
    again = store.get(ns, "food")
    same("put replaces", again.value, {"text": "tea", "m": 2})
    check(f"{which}: created stays, updated moves", again.created_at == item.created_at and again.updated_at > item.updated_at, (item, again))
    store.put(ns, "food", {"text": "TEA", "m": 2})
    same("put of other case replaces", store.get(ns, "food").value, {"text": "TEA", "m": 2})
    store.put(ns, "food", {})
    same("put of an empty value", store.get(ns, "food").value, {})
    same("another namespace has it not", [store.get(("users",), "food"), store.get(("users", "42", "x"), "food")], [None, None])
    store.put(("users", "7"), "food", {"text": "tea"})
    same("nor takes it", store.get(ns, "food").value, {})
    store.delete(ns, "food")
    same("delete", store.get(ns, "food"), None)
    store.delete(ns, "food")
    store.put(ns, "food", {"text": "coffee"})
    check(f"{which}: put after delete is new", store.get(ns, "food").created_at > item.created_at)
    for odd in (("a b", "ü/%2F_x", "c-d"), ("*",), ("a\tb",)):
        store.put(odd, "k/ey %", {"text": "x"})
        found = store.get(odd, "k/ey %")
        same(f"labels {odd}", found and (found.namespace, found.key), (odd, "k/ey %"))
        store.delete(odd, "k/ey %")
    for bad in ((), ("a.b",), ("",), ("langgraph", "x")):
        raises(f"{which}: namespace {bad} is refused", InvalidNamespaceError, store.put, bad, "k", {})
    raises(f"{which}: a batch refuses them too", InvalidNamespaceError, store.batch, [PutOp(("a.b",), "k", {})])
    store.delete(ns, "food")
    store.delete(("users", "7"), "food")

    # search
    docs = [("d1", "tea and coffee", 1, "red"), ("d2", "the train to Oslo", 2, "blue"), ("d3", "the bus to Bergen", 3, "red"),
            ("d4", "a cat and a dog", 9, None)]
    for key, text, n, color in docs:
        store.put(("docs", "a" if n < 3 else "b"), key, {"text": text, "n": n, "color": color, "tags": [color]})
    store.put(("docsother",), "d5", {"text": "tea", "n": 1, "color": "red"})
    same("search, newest first", keys(store.search(("docs",))), ["d4", "d3", "d2", "d1"])
    same("search has no score without query", [i.score for i in store.search(("docs",), limit=1)], [None])
    same("search everywhere", sorted(keys(store.search((), limit=100))), ["d1", "d2", "d3", "d4", "d5"])
    same("search in a namespace", keys(store.search(("docs", "a"))), ["d2", "d1"])
    same("search in none", store.search(("doc",)), [])
    same("limit", keys(store.search(("docs",), limit=2)), ["d4", "d3"])
    same("limit and offset", keys(store.search(("docs",), limit=2, offset=1)), ["d3", "d2"])
    same("offset beyond the end", store.search(("docs",), offset=9), [])
    for name, wanted, expected in (
        ("equal", {"color": "red"}, ["d3", "d1"]),
        ("two", {"color": "red", "n": 3}, ["d3"]),
        ("a list", {"tags": ["blue"]}, ["d2"]),
        ("null", {"color": None}, ["d4"]),
        ("$eq", {"n": {"$eq": 2}}, ["d2"]),
        ("$ne", {"color": {"$ne": "red"}}, ["d4", "d2"]),
        ("$gt", {"n": {"$gt": 2}}, ["d4", "d3"]),
        ("$gte, $lt", {"n": {"$gte": 2, "$lt": 9}}, ["d3", "d2"]),
        ("$lte", {"n": {"$lte": 1}}, ["d1"]),
        ("texts", {"color": {"$lt": "green"}}, ["d2"]),
        ("a key that is nowhere", {"nowhere": 1}, []),
        ("$ne of a key that is nowhere", {"nowhere": {"$ne": 1}}, []),
    ):
        same(f"filter {name}", keys(store.search(("docs",), filter=wanted)), expected)
    raises(f"{which}: an unknown operator is refused", ValueError, store.search, ("docs",), filter={"n": {"$in": [1]}})
    found = store.search(("docs",), query="the train to Oslo", limit=2)
    same("query", keys(found)[0], "d2")
    check(f"{which}: score is the cosine", abs(found[0].score - 1) < 1e-5 and found[0].score > found[1].score, found)
    same("query and filter", keys(store.search(("docs",), query="the train to Oslo", filter={"color": "red"}))[0], "d3")
    same("query, limit and offset", keys(store.search(("docs",), query="the train to Oslo", limit=1, offset=1)), keys(found)[1:])
    store.put(("docs", "a"), "d6", {"text": "the train to Oslo"}, index=False)
    same("index=False is not found by meaning", keys(store.search(("docs",), query="the train to Oslo", limit=10)).count("d6"), 0)
    same("but without a query", keys(store.search(("docs",)))[0], "d6")
    store.put(("docs", "a"), "d7", {"other": "piano flute", "text": "x"}, index=["other"])
    same("index by another field", keys(store.search(("docs",), query="piano flute", limit=1)), ["d7"])
    store.put(("docs", "a"), "d8", {"n": 5})
    same("a value without the field", keys(store.search(("docs",), limit=1)), ["d8"])
    store.put(("docs", "a"), "d1", {"text": "a piano"})
    same("overwritten, it is found by what it says now", keys(store.search(("docs",), query="a piano", limit=1)), ["d1"])
    same("and is the newest", keys(store.search(("docs",), limit=1)), ["d1"])

    # batch
    results = store.batch([
        PutOp(("batch",), "one", {"text": "1"}), GetOp(("batch",), "one"), PutOp(("batch",), "one", {"text": "2"}),
        GetOp(("docs", "b"), "d3"), SearchOp(("docs", "b"), limit=1), ListNamespacesOp(limit=2), PutOp(("docs", "b"), "d4", None)])
    same("batch: puts return nothing, and reads come before them", [results[i] for i in (0, 1, 2, 6)], [None] * 4)
    same("batch: the rest", [results[3].key, keys(results[4]), results[5]], ["d3", ["d4"], [("docs", "a"), ("docs", "b")]])
    same("batch: the last put of a key holds", [store.get(("batch",), "one").value, store.get(("docs", "b"), "d4")], [{"text": "2"}, None])
    same("an empty batch", store.batch([]), [])

    # list_namespaces
    for path in (("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("ab",), ("b", "c")):
        store.put(path, "k", {"text": "x"})
    mine = lambda got: [path for path in got if path[0] in ("a", "ab", "b")]  # noqa: E731
    same("list_namespaces", mine(store.list_namespaces()), [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("ab",), ("b", "c")])
    same("prefix", store.list_namespaces(prefix=("a",)), [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c")])
    same("prefix with *", store.list_namespaces(prefix=("a", "*", "c")), [("a", "b", "c"), ("a", "x", "c")])
    same("suffix", store.list_namespaces(suffix=("c",)), [("a", "b", "c"), ("a", "x", "c"), ("b", "c")])
    same("suffix with *", store.list_namespaces(suffix=("b", "*")), [("a", "b", "c"), ("a", "b", "d"), ("b", "c")])
    same("prefix and suffix", store.list_namespaces(prefix=("a", "b"), suffix=("d",)), [("a", "b", "d")])
    same("depth", store.list_namespaces(prefix=("a",), max_depth=2), [("a", "b"), ("a", "x")])
    same("depth 1", mine(store.list_namespaces(max_depth=1)), [("a",), ("ab",), ("b",)])
    same("limit and offset of namespaces", store.list_namespaces(prefix=("a",), limit=1, offset=1), [("a", "b", "d")])
    store.delete(("ab",), "k")
    same("a namespace without items is none", mine(store.list_namespaces(max_depth=1)), [("a",), ("b",)])
    same("conditions in a batch", store.batch([ListNamespacesOp((MatchCondition("prefix", ("a", "x")),), limit=9)]), [[("a", "x", "c")]])

    # TTL
    ns = ("ttl",)
    store.put(ns, "short", {"text": "tea"}, ttl=10)
    store.put(ns, "long", {"text": "tea"}, ttl=100)
    store.put(ns, "never", {"text": "tea"})
    age(6)
    check(f"{which}: a read lets it live longer", store.get(ns, "short") is not None)
    updated = store.get(ns, "short").updated_at
    age(6)
    check(f"{which}: so it is there", store.get(ns, "short", refresh_ttl=False) is not None)
    same("a read does not update it", store.get(ns, "short", refresh_ttl=False).updated_at, updated)
    age(6)
    same("what has expired is not there", [store.get(ns, "short"), sorted(keys(store.search(ns))), sorted(keys(store.search(ns, query="tea")))],
         [None, ["long", "never"], ["long", "never"]])
    store.put(ns, "short", {"text": "tea"}, ttl=10)
    age(6)
    store.search(ns)
    age(6)
    check(f"{which}: a search lets it live longer", store.get(ns, "short", refresh_ttl=False) is not None)
    age(3)
    store.search(ns, refresh_ttl=False)
    age(3)
    same("unless told not to", store.get(ns, "short"), None)
    same("sweep", [store.sweep_ttl(), store.sweep_ttl()], [1, 0])
    store.put(ns, "long", {"text": "tea"})
    age(1000)
    check(f"{which}: put without ttl lives for ever", store.get(ns, "long") is not None)


PATHS = [("u", "1"), ("u", "2"), ("u", "2", "notes"), ("u_x",), ("w", "1", "notes"), ("w", "%", "ü")]


def at_random(seed, steps, ours, theirs):
    """The same operations on both: the same answers, but for the order of what has the same score or was put in one batch."""
    random.seed(seed)
    put_at, differences, answered = {}, [], 0

    def value():
        words = random.sample(WORDS, random.randint(1, 4))
        return {"text": " ".join(words), "n": random.randint(0, 9), "color": random.choice(["red", "blue", None]), "many": words[:2]}

    def place():
        return random.choice(PATHS), f"k{random.randint(0, 7)}"

    def plain(item):
        return None if item is None else (item.namespace, item.key, repr(sorted(item.value.items(), key=repr)))

    def searched(op, items):
        rows = [(*plain(item), None if item.score is None else round(item.score, 4)) for item in items]
        if op.query:
            order = [row[3] for row in rows]
        else:
            order = [put_at.get((row[0], row[1])) for row in rows]
        return [order, sorted(rows) if op.limit == 1000 else None]

    for step in range(steps):
        ops = []
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            kind = random.random()
            if kind < 0.4:
                ops.append(PutOp(*place(), value()))
            elif kind < 0.5:
                ops.append(PutOp(*place(), None))
            elif kind < 0.65:
                ops.append(GetOp(*place()))
            elif kind < 0.9:
                wanted = random.choice([None, None, {"color": random.choice(["red", None])}, {"n": {"$gte": random.randint(0, 9)}},
                                        {"color": {"$ne": "red"}, "n": {"$lt": 7}}, {"many": ["tea", "cat"]}])
                prefix = random.choice([(), ("u",), ("u", "2"), ("w",), ("u_x",), ("w", "%"), ("nowhere",)])
                limit, offset = random.choice([(1000, 0), (3, 0), (2, 2)])
                query = random.choice([None, " ".join(random.sample(WORDS, 2))])
                ops.append(SearchOp(prefix, wanted, limit, offset, query))
            else:
                conditions = random.choice([None, (MatchCondition("prefix", ("u",)),), (MatchCondition("suffix", ("notes",)),),
                                            (MatchCondition("prefix", ("*", "1")),), (MatchCondition("prefix", ("w",)), MatchCondition("suffix", ("ü",)))])
                ops.append(ListNamespacesOp(conditions, random.choice([None, 1, 2]), random.choice([100, 2]), random.choice([0, 0, 1])))
        both = []
        for store in (ours, theirs):
            answers = []
            for op, result in zip(ops, store.batch(ops), strict=True):
                if isinstance(op, SearchOp):
                    answers.append(searched(op, result))
                else:
                    answers.append(plain(result) if isinstance(op, GetOp) else result)
            both.append(answers)
        for op, one, other in zip(ops, *both, strict=True):
            answered += not isinstance(op, PutOp)
            if one != other:
                differences.append((step, op, one, other))
        for op in ops:
            if isinstance(op, PutOp):
                put_at[op.namespace, op.key] = step
    check(f"seed {seed}: {answered} answers are PostgresStore's", answered > steps / 3 and not differences, differences[:2])


def in_a_graph(store):
    """A graph of LangGraph that is compiled with the store, and whose nodes get it."""

    class State(TypedDict):
        said: str
        known: list

    def remember(state: State, *, store: BaseStore):
        store.put(("users", "graph"), state["said"][:10], {"text": state["said"]})
        return {}

    def recall(state: State, *, store: BaseStore):
        return {"known": [item.value["text"] for item in store.search(("users", "graph"), query=state["said"], limit=2)]}

    builder = StateGraph(State)
    builder.add_node("recall", recall)
    builder.add_node("remember", remember)
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "remember")
    builder.add_edge("remember", END)
    graph = builder.compile(store=store)
    equal("a graph: it knows nothing", graph.invoke({"said": "tea in Oslo", "known": []})["known"], [])
    graph.invoke({"said": "a dog and a cat", "known": []})
    equal("a graph: it recalls what it remembered", graph.invoke({"said": "tea", "known": []})["known"][0], "tea in Oslo")


def ours_alone(conninfo, admin):
    """What PostgresStore has not."""
    with AgentmemStore.from_conn_string(conninfo, store="alone", index=INDEX) as store:
        store.setup()
        store.setup()
        ns = ("users", "42")
        store.put(ns, "food", {"text": "likes tea"})
        between = datetime.now(timezone.utc)
        store.put(ns, "food", {"text": "likes coffee"})
        number = admin.execute("SELECT id FROM alone.memory").fetchone()[0]
        equal("the value that was overwritten is in the history",
              [r[0]["text"] for r in admin.execute("SELECT attributes FROM agentmem.history('alone', 'users/42', %s)", (number,))], ["likes coffee", "likes tea"])
        equal("and was known then", admin.execute("SELECT content FROM agentmem.get('alone', 'users/42', keys => '{food}', known_at => %s)", (between,)).fetchone(),
              ("likes tea",))
        equal("recall in SQL finds items", admin.execute("SELECT content FROM agentmem.recall('alone', 'users', 'coffee', prefix => true)").fetchall(), [("likes coffee",)])
        store.delete(ns, "food")
        admin.execute("SELECT agentmem.restore('alone', 'users/42', %s)", (number,))
        equal("what was deleted can be restored", store.get(ns, "food").value, {"text": "likes coffee"})

        # Memories that are no items are left alone.
        admin.execute("SELECT agentmem.remember('alone', 'users/42', 'Alice plays the flute', 'fact', key => 'hobby')")
        equal("a memory that is no item is not seen", [store.get(ns, "hobby"), keys(store.search(ns, query="flute", limit=9))], [None, ["food"]])
        raises("nor overwritten", psycopg.errors.UniqueViolation, store.put, ns, "hobby", {"text": "x"})
        store.delete(ns, "hobby")
        equal("nor deleted", admin.execute("SELECT agentmem.count('alone', 'users/42', kinds => '{fact}')").fetchone(), (1,))
        raises("a value with $ttl is refused", ValueError, store.put, ns, "x", {"$ttl": 1})
        raises("an empty key is refused", psycopg.errors.InvalidParameterValue, store.put, ns, "", {"text": "x"})
        raises("a failed batch changes nothing", psycopg.errors.InvalidParameterValue, store.batch, [PutOp(ns, "a", {"text": "x"}), PutOp(ns, "", {})])
        equal("so nothing is there", store.get(ns, "a"), None)

        # A read that would hardly move the end writes nothing.
        store.put(ns, "ttl", {"text": "x"}, ttl=100)
        for _ in range(5):
            store.get(ns, "ttl")
        equal("reading does not fill the history", admin.execute("SELECT count(*) FROM alone.memory_history WHERE key = 'ttl'").fetchone(), (0,))

        # Maintenance sweeps too, and lets no item fade.
        admin.execute("UPDATE alone.memory SET expires_at = now() - interval '1 minute' WHERE key = 'ttl'")
        list(admin.execute("SELECT * FROM agentmem.maintain('alone', 'users/42')"))
        equal("maintain forgets what has expired", admin.execute("SELECT count(*) FROM alone.memory WHERE key = 'ttl'").fetchone(), (0,))

    with AgentmemStore.from_conn_string(conninfo, store="alone", index=INDEX, search_by="both", pool_config={"min_size": 1, "max_size": 4}) as store:
        store.put(("n", "1"), "a", {"text": "the 7:42 from platform nine", "n": 1})
        store.put(("n", "2"), "b", {"text": "a piano", "n": 2})
        equal("search by words and meaning", keys(store.search(("n",), query="platform", limit=1)), ["a"])
        equal("with a filter", keys(store.search(("n",), query="platform", filter={"n": {"$gt": 1}})), ["b"])
        equal("and everywhere", keys(store.search((), query="platform", limit=1)), ["a"])
        raises("wrong search_by", ValueError, AgentmemStore, store.conn, search_by="magic")
        raises("other dimensions", ValueError, AgentmemStore(store.conn, store="alone", index={**INDEX, "dims": 3}).setup)

        # Writers of the same keys: one value, and no error.
        def write(worker):
            for i in range(15):
                store.batch([PutOp(("race",), f"k{(worker + i + j) % 3}", {"text": f"{worker} {i}", "w": worker}) for j in range(2)])
                if i % 5 == 4:
                    store.delete(("race",), f"k{i % 3}")

        with ThreadPoolExecutor(4) as threads:
            failures = [f.exception() for f in [threads.submit(write, w) for w in range(4)]]
        equal("writers of the same keys", failures, [None] * 4)
        check("each key has one value", len(keys(store.search(("race",)))) == len(set(keys(store.search(("race",))))) <= 3)

        store.put(("s",), "gone", {"text": "x"}, ttl=0.001)
        store.start_ttl_sweeper(0.002)
        store.start_ttl_sweeper(0.002)
        for _ in range(100):
            if admin.execute("SELECT count(*) FROM alone.memory WHERE key = 'gone'").fetchone() == (0,):
                break
            time.sleep(0.1)
        else:
            check("the sweeper sweeps", False)
        check("the sweeper stops", store.stop_ttl_sweeper(10))

    with AgentmemStore.from_conn_string(conninfo, store="words", search_by="words") as store:
        store.setup()
        store.put(("n",), "a", {"text": "The trains to Vienna", "n": 1})
        store.put(("n",), "b", {"text": "A piano", "n": 1})
        equal("a store without embeddings finds words", keys(store.search(("n",), query="train")), ["a"])
        equal("in an empty store as well", AgentmemStore(store.conn, store="words", search_by="words").search(("nowhere",), query="train"), [])

    for path in (("a/b", "c%"), ("%2F",), ("a", "\n\x7f"), ("ü ", "*")):
        equal(f"namespace {path} there and back", text_to_namespace(namespace_to_text(path)), path)


def readme(conninfo):
    """The program of the README as it stands, but for the connection; what it leaves to the reader is here."""
    with open(os.path.join(sys.argv[1], "README.md"), encoding="utf-8") as file:
        program = re.search(r"```python\n(.*?)```", file.read(), re.S).group(1)

    class State(TypedDict):
        known: list

    def recall(state: State, *, store: BaseStore):
        return {"known": [item.value["text"] for item in store.search(("users",), query="tea", filter={"n": {"$lt": 5}}, limit=3)]}

    builder = StateGraph(State)
    builder.add_node("recall", recall)
    builder.add_edge(START, "recall")
    builder.add_edge("recall", END)
    known = "\n    known = graph.invoke({'known': []})['known']\n"
    names = {"embeddings": lambda texts: [vector + [0.0] * (384 - DIMS) for vector in embed(texts)], "builder": builder}
    exec(program.replace("dbname=app", conninfo).rstrip() + known, names)  # noqa: S102
    equal("the program of the README", names["known"], ["likes green tea"])


async def asynchronous(conninfo):
    async with AsyncAgentmemStore.from_conn_string(conninfo, store="alone", index=INDEX, pool_config={"min_size": 1, "max_size": 3}) as store:
        await asyncio.gather(*(store.aput(("async",), f"k{i % 5}", {"text": f"tea {i}"}) for i in range(40)))
        equal("asynchronous puts at once", sorted(keys(await store.asearch(("async",), query="tea"))), [f"k{i}" for i in range(5)])
        try:
            store.get(("async",), "k1")
            check("a synchronous call in the loop is refused", False)
        except asyncio.InvalidStateError:
            check("a synchronous call in the loop is refused", True)
        await store.aput(("async",), "gone", {"text": "x"}, ttl=0.001)
        await store.start_ttl_sweeper(0.002)
        await asyncio.sleep(1)
        equal("the task sweeps", await store.sweep_ttl(), 0)
        check("the task stops", await store.stop_ttl_sweeper())
    with AgentmemStore.from_conn_string(conninfo, store="alone", index=INDEX) as store:
        item = await store.aget(("async",), "k1")
        equal("asynchronous methods of the synchronous class", item.key, "k1")


def peer(admin):
    """A database for PostgresStore: with pgvector, or with agentmem's type under its name and the step that makes the extension done."""
    admin.execute("CREATE DATABASE peer")
    with psycopg.connect("dbname=peer", autocommit=True) as conn:
        if conn.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'").fetchone() == (1,):
            return
        conn.execute("CREATE EXTENSION agentmem; ALTER DATABASE peer SET search_path = public, agentmem; "
                     "CREATE TABLE vector_migrations (v int PRIMARY KEY); INSERT INTO vector_migrations VALUES (0)")


def ages(conn, table):
    return lambda minutes: conn.execute(f"UPDATE {table} SET expires_at = expires_at - make_interval(mins => %s) WHERE expires_at IS NOT NULL", (minutes,))


def main():
    # A loop for the asynchronous stores, in a thread of its own.
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

    theirs_index = {**INDEX, "ann_index_config": {"kind": "flat"}}
    with psycopg.connect(autocommit=True) as admin:
        admin.execute("SET client_min_messages = warning")
        peer(admin)
        conninfo = "dbname=" + admin.info.dbname
        with psycopg.connect("dbname=peer", autocommit=True) as other:
            with PostgresStore.from_conn_string("dbname=peer", index=theirs_index, ttl=TTL) as theirs:
                theirs.setup()
                behaviours("PostgresStore", theirs, ages(other, "store"))
                with AgentmemStore.from_conn_string(conninfo, store="sync", index=INDEX, ttl=TTL) as ours:
                    ours.setup()
                    behaviours("AgentmemStore", ours, ages(admin, "sync.memory"))
                other.execute("TRUNCATE store CASCADE")
                with AgentmemStore.from_conn_string(conninfo, store="compared", index=INDEX, ttl=TTL) as ours:
                    ours.setup()
                    for seed in range(4):
                        at_random(seed, 150, ours, theirs)
                    in_a_graph(ours)

            opened = AsyncAgentmemStore.from_conn_string(conninfo, store="async", index=INDEX, ttl=TTL)
            store = run(opened.__aenter__())
            run(store.setup())
            behaviours("AsyncAgentmemStore", Awaited(store, loop), ages(admin, "async.memory"))
            equal("a synchronous call from another thread", store.get(("docs", "b"), "d3").key, "d3")
            run(opened.__aexit__(None, None, None))

            other.execute("TRUNCATE store CASCADE")
            opened = AsyncPostgresStore.from_conn_string("dbname=peer", index=theirs_index, ttl=TTL)
            store = run(opened.__aenter__())
            behaviours("AsyncPostgresStore", Awaited(store, loop), ages(other, "store"))
            run(opened.__aexit__(None, None, None))

        ours_alone(conninfo, admin)
        readme(conninfo)
        run(asynchronous(conninfo))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


main()
