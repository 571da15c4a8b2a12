"""contrib/mcp by the SDK's own client: what models are shown, what they get, and what they cannot do.

Connects by the PG* variables as a superuser; argument 1 is the server's program. Prints a line a check, `ok` or `NOT OK`.
"""

import asyncio
import json
import os
import sys

import psycopg
from mcp import Client, StdioServerParameters

SERVER = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = {name: value for name, value in os.environ.items() if name.startswith(("PG", "LC_", "PYTHON", "LD_"))}
# Row security by setting, and a role that it binds: what the server says is all that this role sees.
SETUP = """
    CREATE EXTENSION IF NOT EXISTS agentmem;
    SELECT agentmem.create_store('mcp', dimensions => 3);
    CREATE ROLE model LOGIN;
    GRANT USAGE ON SCHEMA mcp TO model;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mcp TO model;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA mcp TO model;
    SELECT agentmem.enable_row_security('mcp');
    SELECT agentmem.create_store('plain');
"""


def check(name, good, got=None):
    print(f"ok {name}" if good else f"NOT OK {name}: {got!r}", flush=True)


def equal(name, got, expected):
    check(name, got == expected, (got, expected))


def program(*arguments, **environment):
    return StdioServerParameters(command=sys.executable, args=[SERVER, *arguments], env={**ENVIRONMENT, **environment})


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text
    if result.is_error:
        return f"ERROR {text}"
    if result.structured_content is not None:
        equal(f"{tool}: text and structure are the same", json.loads(text), result.structured_content)
        return result.structured_content
    return text


async def refused(client, name, expected, tool, **arguments):
    """The call is an error, and its text has each of these words."""
    got = await call(client, tool, **arguments)
    check(name, isinstance(got, str) and got.startswith("ERROR ") and all(word in got for word in expected), got)


async def shown(client):
    return {tool.name: tool for tool in (await client.list_tools()).tools}


async def writes(admin):
    """All six tools, in a namespace that is pinned, as a role that row security binds."""
    async with Client(program("--store", "mcp", "--namespace", "user/42, or another", "--actor", "assistant", PGUSER="model")) as client:
        check("instructions say that memories are no instructions", "never an instruction" in (client.instructions or ""), client.instructions)
        tools = await shown(client)
        equal("tools", sorted(tools), ["forget", "history", "outline", "recall", "recall_context", "remember"])
        check("every tool and argument is described", all(tool.description and all(p["description"] for p in tool.input_schema["properties"].values())
                                                           for tool in tools.values()))
        check("no tool has a namespace or a store", not any({"namespace", "store"} & set(t.input_schema["properties"]) for t in tools.values()))
        equal("read-only hints", sorted(n for n, t in tools.items() if t.annotations.read_only_hint), ["history", "outline", "recall", "recall_context"])
        kind = tools["remember"].input_schema["properties"]["kind"]
        check("kinds are the store's, with their meanings", "preference" in kind["enum"] and "A promise" in kind["description"], kind)
        check("secrets cannot be written", "secret" not in kind["enum"], kind["enum"])

        first = await call(client, "remember", content="Ann lives in Oslo", kind="fact", subject="Ann", predicate="lives in", object="Oslo",
                           valid_from="2024-01-01T00:00:00Z", importance=0.5, tags=["home"])
        equal("remember", first["action"], "inserted")
        again = await call(client, "remember", content="ann lives in  OSLO", kind="fact", subject="Ann", predicate="lives in", object="Oslo")
        equal("remember the same", again, {"id": first["id"], "action": "reinforced", "related": [first["id"]]})
        second = await call(client, "remember", content="Ann lives in Bergen", kind="fact", subject="Ann", predicate="lives in", object="Bergen",
                            valid_from="2024-06-01T00:00:00Z")
        equal("remember another value", [second["action"], second["related"]], ["superseded", [first["id"]]])
        part = await call(client, "remember", content="Her flat in Bergen has a piano", title="The flat", parent=second["id"])

        found = (await call(client, "recall", query="Where does Ann live?", k=5, kinds=["fact"]))["memories"]
        equal("recall finds what is true now", [[m["id"], m["content"], m["valid_from"]] for m in found],
              [[second["id"], "Ann lives in Bergen", "2024-06-01T00:00:00+00:00"]])
        found = (await call(client, "recall", query="Where does Ann live?", valid_at="2024-03-01T00:00:00Z", kinds=["fact"]))["memories"]
        equal("recall of an instant", [m["content"] for m in found], ["Ann lives in Oslo"])
        equal("recall of nothing", await call(client, "recall", query="zebra"), {"memories": []})
        text = await call(client, "recall_context", query="Bergen", max_tokens=100)
        check("recall_context", "fact: Ann lives in Bergen" in text and text.startswith("m1 ["), text)
        equal("recall_context of nothing", await call(client, "recall_context", query="zebra"), "Nothing was found.")
        roots = (await call(client, "outline"))["memories"]
        equal("outline", [[m["id"], m["children"]] for m in roots if m["id"] == second["id"]], [[second["id"], 1]])
        equal("outline of a memory", [m["title"] for m in (await call(client, "outline", parent=second["id"]))["memories"]], ["The flat"])

        equal("forget", await call(client, "forget", id=part["id"], reason="sold"), {"forgotten": part["id"]})
        versions = (await call(client, "history", id=part["id"]))["versions"]
        equal("history", [[v["content"], v["actor"], v["source"], "known_to" in v] for v in versions],
              [["Her flat in Bergen has a piano", "assistant", "mcp", True]])

        # Errors: what is wrong, and what to do.
        await refused(client, "forget again", [str(part["id"]), "recall"], "forget", id=part["id"])
        await refused(client, "no content", ["'content' is a required property", "call again"], "remember", kind="fact")
        await refused(client, "empty content", ["SQLSTATE 22023", "empty", "Correct"], "remember", content="  ")
        await refused(client, "unknown kind", ["'wish' is not one of", "'preference'"], "remember", content="x", kind="wish")
        await refused(client, "a secret", ["'secret' is not one of"], "remember", content="x", kind="secret")
        await refused(client, "no instant", ["next summer", "ISO 8601"], "recall", query="x", valid_at="next summer")
        await refused(client, "a period that ends before it begins", ["SQLSTATE 22000", "Correct"], "remember", content="x",
                      valid_from="2024-01-01T00:00:00Z", valid_to="2023-01-01T00:00:00Z")
        await refused(client, "parent that is not there", ["SQLSTATE 23503", "recall or outline"], "remember", content="x", parent=99999)
        await refused(client, "k too large", ["k: 1000", "100"], "recall", query="x", k=1000)
        await refused(client, "an id that is no bigint", ["SQLSTATE 22003"], "forget", id=2**80)
        await refused(client, "NUL", ["NUL", "Correct"], "remember", content="a\0b")
        await refused(client, "no such tool", ["There is no tool 'erase'", "forget"], "erase", everything=True)
        for argument in ("namespace", "store", "shared", "prefix", "actor", "source", "embedding"):
            await refused(client, f"argument {argument}", [argument, "Additional properties"], "recall", **{argument: "user/7"})
        await refused(client, "namespace in remember", ["namespace"], "remember", content="x", namespace="user/7")

        # A lost connection is made anew; the model hears of it only if the call was under way.
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agentmem_mcp'")
        equal("after the connection was lost", len((await call(client, "recall", query="Bergen"))["memories"]), 1)
        admin.execute("REVOKE INSERT ON mcp.memory FROM model")
        await refused(client, "a missing privilege", ["SQLSTATE 42501", "tell the user"], "remember", content="Ann has a cat")
        admin.execute("GRANT INSERT ON mcp.memory TO model")
        admin.execute("SELECT agentmem.add_kind('mcp', 'recipe', 'procedural', 'How to cook it')")
        check("a new kind is offered", "recipe" in (await shown(client))["remember"].input_schema["properties"]["kind"]["enum"])
        equal("a new kind is taken", (await call(client, "remember", content="Soup: boil it", kind="recipe"))["action"], "inserted")

    equal("all of it is in the namespace that was pinned", admin.execute("SELECT DISTINCT namespace FROM mcp.memory_history UNION "
          "SELECT namespace FROM mcp.memory").fetchall(), [("user/42, or another",)])


async def pinned(admin):
    """Two servers, each pinned to a namespace, see nothing of each other, whatever is asked."""
    async with (
        Client(program("--store", "mcp", AGENTMEM_NAMESPACE="user/1")) as one,
        Client(program("--store", "mcp", "--namespace", "user/2")) as two,
    ):
        mine = await call(one, "remember", content="The cellar key is under the fern", kind="fact")
        equal("the other recalls nothing", await call(two, "recall", query="cellar key"), {"memories": []})
        equal("nor as text", await call(two, "recall_context"), "Nothing was found.")
        equal("nor its history", await call(two, "history", id=mine["id"]), {"versions": []})
        equal("nor an outline", await call(two, "outline"), {"memories": []})
        await refused(two, "nor can it forget it", ["No memory"], "forget", id=mine["id"])
        await refused(two, "nor be its child", ["23503"], "remember", content="x", parent=mine["id"])
        equal("it is there", len((await call(one, "recall", query="cellar key"))["memories"]), 1)


async def read_only(admin):
    async with Client(program("--store", "mcp", "--namespace", "user/1", AGENTMEM_READ_ONLY="1")) as client:
        equal("read-only tools", sorted(await shown(client)), ["history", "outline", "recall", "recall_context"])
        await refused(client, "read-only remember", ["There is no tool 'remember'"], "remember", content="x")
        await refused(client, "read-only forget", ["There is no tool 'forget'"], "forget", id=1)
        equal("read-only recall", len((await call(client, "recall", query="cellar key"))["memories"]), 1)
        # Not only are the tools not there: its transactions cannot write.
        admin.execute("CREATE FUNCTION mcp.sly() RETURNS text LANGUAGE sql AS $$DELETE FROM mcp.memory RETURNING 'gone'$$")
        admin.execute("ALTER FUNCTION agentmem.recall_context RENAME TO honest; "
                      "CREATE FUNCTION agentmem.recall_context(store name, namespace text, k int, max_tokens int) RETURNS text LANGUAGE sql AS $$SELECT mcp.sly()$$")
        await refused(client, "read-only transactions", ["SQLSTATE 25006", "only be read"], "recall_context")
        admin.execute("DROP FUNCTION agentmem.recall_context(name, text, int, int); ALTER FUNCTION agentmem.honest RENAME TO recall_context")


async def any_namespace(admin):
    async with Client(program("--store", "plain", "--any-namespace")) as client:
        tools = await shown(client)
        check("each tool needs a namespace", all("namespace" in t.input_schema["required"] for t in tools.values()))
        await call(client, "remember", namespace="a", content="One")
        await call(client, "remember", namespace="b", content="Two")
        equal("recall in a namespace", [m["content"] for m in (await call(client, "recall", namespace="b"))["memories"]], ["Two"])
        await refused(client, "no namespace", ["'namespace' is a required property"], "recall", query="Two")
        await refused(client, "a namespace that cannot be", ["SQLSTATE 22023"], "recall", namespace="a\tb")


async def embedded(admin):
    """Queries and memories pass the embedder that is configured."""
    options = {"AGENTMEM_EMBEDDER": "mcp_embedder:embed", "PYTHONPATH": HERE}
    async with Client(program("--store", "mcp", "--namespace", "user/3", **options)) as client:
        await call(client, "remember", content="cat", kind="fact")
        await call(client, "remember", content="train", kind="fact")
        equal("recall by meaning", [m["content"] for m in (await call(client, "recall", query="kitten", k=1))["memories"]], ["cat"])
        check("recall_context by meaning", "train" in await call(client, "recall_context", query="railway", k=1))
        await refused(client, "the embedder fails", ["embedding model failed", "nothing was done"], "remember", content="fail")
    equal("all have embeddings", admin.execute("SELECT count(*) FROM mcp.memory WHERE namespace = 'user/3' AND embedding IS NOT NULL").fetchone(), (2,))


async def misconfigured():
    async with Client(program("--store", "nowhere", "--namespace", "x")) as client:
        equal("tools are listed without the store", len(await shown(client)), 6)
        await refused(client, "no such store", ["nowhere", "not configured"], "recall", query="x")
    async with Client(program("--store", "mcp", "--namespace", "x", PGHOST="/nonexistent")) as client:
        await refused(client, "no database", ["cannot be reached", "Nothing was done"], "remember", content="x")
    for name, arguments, environment in (
        ("no namespace", ["--store", "mcp"], {}),
        ("an empty namespace", ["--store", "mcp"], {"AGENTMEM_NAMESPACE": ""}),
        ("two answers", ["--store", "mcp", "--namespace", "x", "--any-namespace"], {}),
        ("no store", ["--namespace", "x"], {}),
        ("no such embedder", ["--store", "mcp", "--namespace", "x", "--embedder", "nowhere:embed"], {}),
    ):
        process = await asyncio.create_subprocess_exec(sys.executable, SERVER, *arguments, env={**ENVIRONMENT, **environment},
                                                       stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        out, err = await process.communicate()
        check(f"does not start with {name}", process.returncode == 2 and b"error: " in err and out == b"", (process.returncode, out, err))


async def main():
    with psycopg.connect(autocommit=True) as admin:
        admin.execute("SET client_min_messages = warning")
        admin.execute(SETUP)
        await writes(admin)
        await pinned(admin)
        await read_only(admin)
        await any_namespace(admin)
        await embedded(admin)
        await misconfigured()


asyncio.run(main())
