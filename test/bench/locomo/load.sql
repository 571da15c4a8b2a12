-- Loads the conversations: one namespace a conversation, kind episode, valid from the
-- session's time. Expects the psql variables data: the directory of the data set, and turns and
-- questions: commands that print their embeddings; by default those of the data set.
\set ON_ERROR_STOP on
\if :{?turns}
\else
\set turns 'gzip -dc "' :data '/locomo/turns.mix384.copy.gz"'
\set questions 'gzip -dc "' :data '/locomo/questions.mix384.copy.gz"'
\endif
CREATE EXTENSION IF NOT EXISTS agentmem;
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS bench CASCADE;
SELECT agentmem.drop_store('locomo', cascade => true) FROM agentmem.stores WHERE store = 'locomo';
CREATE SCHEMA bench;
SET search_path = bench;

CREATE TABLE turn (turn_id bigint PRIMARY KEY, conversation_id text, session_no int, session_datetime timestamp, dia_id text,
                   turn_no int, speaker text, text text, image_caption text);
CREATE TABLE turn_embedding (turn_id bigint PRIMARY KEY, embedding agentmem.vector(384));
CREATE TABLE question (question_id bigint PRIMARY KEY, conversation_id text, question text, answer text, category int,
                       evidence text[], evidence_turn_ids bigint[], adversarial_answer text);
CREATE TABLE question_embedding (question_id bigint PRIMARY KEY, embedding agentmem.vector(384));
\set command '\\copy turn FROM ''' :data '/locomo/turns.tsv'''
:command
\set command '\\copy question FROM ''' :data '/locomo/questions.tsv'''
:command
\set command '\\copy turn_embedding FROM PROGRAM ''' :turns ''''
:command
\set command '\\copy question_embedding FROM PROGRAM ''' :questions ''''
:command

SELECT agentmem.create_store('locomo', dimensions => 384);
SELECT count(*) AS remembered
FROM (SELECT t.conversation_id,
             jsonb_agg(jsonb_build_object('content', t.speaker || ': ' || t.text, 'kind', 'episode', 'key', t.turn_id::text,
                                          'session', t.session_no::text, 'actor', t.speaker,
                                          'valid_from', t.session_datetime) ORDER BY t.turn_id) AS memories,
             array_agg(e.embedding ORDER BY t.turn_id) AS embeddings
      FROM turn t JOIN turn_embedding e USING (turn_id) GROUP BY 1) c,
     agentmem.remember_many('locomo', c.conversation_id, c.memories, c.embeddings);
VACUUM ANALYZE locomo.memory, locomo.edge;
