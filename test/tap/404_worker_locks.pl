# Locks, timeouts and cancels of workers, a worker and maintain_all() at once, and a server that has no process left.
use strict;
use warnings;

use Workers qw(at_work set_settings settled slow_store);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', join("\n", 'agentmem.worker_naptime = 1s', 'agentmem.worker_lock_timeout = 300ms', 'agentmem.worker_log_min_duration = 0',
		'autovacuum = off', 'max_worker_processes = 2', 'max_connections = 20', ''));
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem');
	SELECT agentmem.create_store('beside');
	INSERT INTO mem.setting VALUES ('maintain_interval', '1 s');
	INSERT INTO beside.setting VALUES ('maintain_interval', '1 s');
	SELECT agentmem.remember('mem', 'n', 'a thing to forget', 'fact', expires_at => now() - interval '1 hour');
	SELECT agentmem.remember('beside', 'n', 'a thing to forget', 'fact', expires_at => now() - interval '1 hour');
});

# Someone holds what the worker needs: it is tried twice, then told, and the other store goes on.
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT count(*) FROM (SELECT FROM mem.key_lock FOR UPDATE) l');
$node->safe_psql('postgres', 'SELECT agentmem.start_worker()');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM beside.memory'), 'a store beside one that is locked is maintained');
ok($node->poll_query_until('postgres', q{SELECT last_error LIKE 'namespace "n": canceling statement due to lock timeout (55P03)' FROM agentmem.maintenance_status WHERE store = 'mem'}),
	'a lock that is not to be had is told');
is($node->safe_psql('postgres', 'SELECT count(*) FROM mem.memory'), '1', 'nothing was done');
$holder->query_safe('COMMIT');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM mem.memory'), 'and is done later');

# What takes too long is cancelled, and so is what a DBA cancels: neither ends the worker.
my $pid = $node->safe_psql('postgres', 'SELECT agentmem.worker_pid()');
set_settings($node, 'agentmem.worker_statement_timeout' => "'500ms'");
slow_store($node, 'postgres', 30);
ok($node->poll_query_until('postgres', q{SELECT last_error LIKE 'namespace "n": canceling statement due to statement timeout (57014)' FROM agentmem.maintenance_status WHERE store = 'slow'}), 'a namespace that takes too long is cancelled');
set_settings($node, 'agentmem.worker_statement_timeout' => 0);
$node->safe_psql('postgres', 'UPDATE slow.namespace SET maintained = NULL; UPDATE agentmem.maintenance_run SET last_error = NULL');
ok(at_work($node, 'postgres'), 'it is at it again');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
ok($node->poll_query_until('postgres', q{SELECT last_error LIKE 'namespace "n": canceling statement due to user request (57014)' FROM agentmem.maintenance_status WHERE store = 'slow'}), 'pg_cancel_backend() cancels a namespace');
is($node->safe_psql('postgres', 'SELECT agentmem.worker_pid()'), $pid, 'the worker is the same');
# Its store is dropped while it is at it: who drops waits for the transaction, and the worker for nothing.
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION slow.slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(3); RETURN NULL; END';
	UPDATE slow.namespace SET maintained = NULL});
ok(at_work($node, 'postgres'), 'it is at it once more');
$node->safe_psql('postgres', q{SELECT agentmem.drop_store('slow', true)});
is($node->safe_psql('postgres', 'SELECT agentmem.worker_pid()'), $pid, 'a store that is dropped while it is maintained does not end it');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM agentmem.maintenance_run WHERE store = 'slow'}), 'and is forgotten');

# A deferred trigger of the owner's would run as the worker: the server refuses it.
$node->safe_psql('postgres', q{
	CREATE FUNCTION mem.later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER later AFTER DELETE ON mem.memory DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mem.later();
	SELECT agentmem.remember('mem', 'n', 'one more', 'fact', expires_at => now() - interval '1 hour');
});
ok($node->poll_query_until('postgres', q{SELECT last_error LIKE '%deferred trigger within security-restricted operation (42501)' FROM agentmem.maintenance_status WHERE store = 'mem'}), 'a deferred trigger is refused');
$node->safe_psql('postgres', 'DROP TRIGGER later ON mem.memory');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM mem.memory'), 'without it all goes on');

# Many namespaces that fail: five are tried, then the store waits.
# A round is over after a nap's time, which is to be enough for five on a slow machine.
set_settings($node, 'agentmem.worker_naptime' => "'10s'");
$node->safe_psql('postgres', q{
	SELECT agentmem.create_store('bad');
	CREATE FUNCTION bad.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'none of these'; END$$;
	BEGIN;
	SELECT agentmem.remember('bad', 'n' || i, 'a thing to forget', 'fact', expires_at => now() - interval '1 hour') FROM generate_series(1, 12) i;
	CREATE TRIGGER refuse BEFORE DELETE ON bad.memory FOR EACH ROW EXECUTE FUNCTION bad.refuse();
	COMMIT;
});
ok($node->poll_query_until('postgres', q{SELECT failures = 1 AND next_try > now() FROM agentmem.maintenance_status WHERE store = 'bad'}), 'a store with many errors waits');
is($node->safe_psql('postgres', q{SELECT count(*) FROM bad.namespace WHERE maintained IS NOT NULL}), '5', 'five namespaces were tried');
ok($node->poll_query_until('postgres', q{SELECT failures > 1 FROM agentmem.maintenance_status WHERE store = 'bad'}), 'and others later');
$node->safe_psql('postgres', q{SELECT agentmem.drop_store('bad', true)});
set_settings($node, 'agentmem.worker_naptime' => "'1s'");

# maintain_all() by others and the worker at once, with writers between: all is done, once.
my $script = PostgreSQL::Test::Utils::tempdir() . '/both.sql';
append_to_file($script, <<'END');
\set n random(1, 20)
SELECT agentmem.remember('mem', 'ns' || :n, 'item ' || :client_id || ' ' || random(), 'observation', expires_at => now() - interval '1 hour');
CALL agentmem.maintain_all('mem', '1 s');
END
$node->safe_psql('postgres', q{UPDATE mem.setting SET value = '0' WHERE name = 'maintain_interval'});
$node->command_ok([ 'pgbench', '-n', '-c', 4, '-t', 15, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ], 'maintain_all() beside the worker');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM mem.memory}), 'all is forgotten');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT i) FROM mem.audit a, unnest(a.ids) i WHERE a.action = 'forget' AND a.namespace LIKE 'ns%'}), '60|60', 'each once');
is($node->safe_psql('postgres', 'SELECT agentmem.worker_pid()'), $pid, 'by the worker that was there, too');

# No process left: the replication launcher has one, the worker the other.
$node->safe_psql('postgres', 'CREATE DATABASE second');
my ($ret, $out, $err) = $node->psql('second', "CREATE EXTENSION agentmem; SELECT agentmem.start_worker()");
like($err, qr/could not start a worker\nDETAIL:  The server has no process for it left.\nHINT:  Raise max_worker_processes./, 'a server without a process left says so');

# The clock is set back: what waits for a time that is far away does not.
$node->safe_psql('postgres', q{
	UPDATE mem.setting SET value = '1 h' WHERE name = 'maintain_interval';
	SELECT agentmem.remember('mem', 'new', 'one more', 'fact', expires_at => now() - interval '1 hour');
	UPDATE agentmem.maintenance_run SET next_try = now() + interval '10 years', failures = 1 WHERE store = 'mem';
});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM mem.memory}), 'a time of trial that is years away does not count');

$node->stop;
done_testing();
