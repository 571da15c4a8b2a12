#!/usr/bin/env python3
"""Remembers and recalls with psycopg 3, in the database that PGDATABASE and the like name.

The same as ../node/memory.js and ../psql/memory.sql. Run it again: nothing is there twice.
"""

import psycopg


def embed(text):
    """Stands for your model: here letters are counted, which is enough to see what is near."""
    return str([text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"])


FACTS = [
    ("Alice lives in Lisbon", "Alice", "lives in", "Lisbon", "2024-01-01T00:00Z"),
    # Another value of the same subject and predicate: the first ends where this one begins.
    ("Alice lives in Porto", "Alice", "lives in", "Porto", "2025-01-01T00:00Z"),
    ("Bob plays the cello", "Bob", "plays", "the cello", "2024-03-01T00:00Z"),
]

with psycopg.connect(options="-c client_min_messages=warning") as db:
    db.execute("CREATE EXTENSION IF NOT EXISTS agentmem")
    db.execute("SELECT agentmem.create_store('example', dimensions => 26) WHERE to_regnamespace('example') IS NULL")
    for content, subject, predicate, object_, valid_from in FACTS:
        db.execute(
            "SELECT agentmem.remember('example', 'user/42', %s, 'fact', %s::text::agentmem.vector, "
            "subject => %s, predicate => %s, object => %s, valid_from => %s)",
            (content, embed(content), subject, predicate, object_, valid_from),
        )

    # By words and by meaning, as it is now; by words, as it was then; and as text for a prompt.
    question = "Where does Alice live?"
    recall = "SELECT content FROM agentmem.recall('example', 'user/42', %s, %s::text::agentmem.vector, valid_at => %s, k => 1)"
    print(db.execute(recall, (question, embed(question), None)).fetchone()[0])
    print(db.execute(recall, (question, None, "2024-06-01T00:00Z")).fetchone()[0])
    question = "Who plays the cello?"
    context = "SELECT agentmem.recall_context('example', 'user/42', %s, %s::text::agentmem.vector, k => 1, max_tokens => 200)"
    print(db.execute(context, (question, embed(question))).fetchone()[0], end="")
