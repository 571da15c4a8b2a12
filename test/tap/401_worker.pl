# A worker without preloading: who may start it, what it does and as whom, and that it makes way.
use strict;
use warnings;

use Workers qw(at_work set_settings settled slow_store);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "agentmem.worker_naptime = 1s\nagentmem.worker_log_min_duration = 0\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE keeper LOGIN;
	CREATE ROLE other LOGIN;
	CREATE DATABASE app OWNER keeper;
});
$node->safe_psql('app', 'CREATE EXTENSION agentmem');
$node->safe_psql('app', q{SET ROLE keeper;
	SELECT agentmem.create_store('mem', dimensions => 2);
	INSERT INTO mem.setting VALUES ('maintain_interval', '1 s');
	SELECT agentmem.remember('mem', n, 'a thing to forget', 'fact', '[1,1]', expires_at => now() - interval '1 hour') FROM unnest('{a,b}'::text[]) n;
});
my $count = 'SELECT count(*) FROM mem.memory';

# Who may.
for my $function ('start_worker()', 'stop_worker()')
{
	my ($ret, $out, $err) = $node->psql('app', "SET ROLE keeper; SELECT agentmem.$function");
	like($err, qr/permission denied for function/, "$function is for who was granted it");
}
is($node->safe_psql('app', 'SELECT agentmem.stop_worker()'), 'f', 'there is no worker to stop');
is($node->safe_psql('app', $count), '2', 'nobody has maintained the store');

my $pid = $node->safe_psql('app', 'SELECT agentmem.start_worker()');
like($pid, qr/^\d+$/, 'start_worker() returns a process number');
ok(settled($node, 'app', 'mem'), 'the worker does what is due');
is($node->safe_psql('app', $count), '0', 'what has expired is forgotten');
is($node->safe_psql('app', 'SELECT agentmem.start_worker()'), $pid, 'a second call returns the same worker');
# Cancelled while it naps, when there is nothing to cancel.
ok($node->poll_query_until('app', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $pid AND state = 'idle'"), 'it is cancelled') for 1 .. 3;
sleep 3;
is($node->safe_psql('app', 'SELECT agentmem.worker_pid()'), $pid, 'a cancel between rounds does not end it');
is($node->safe_psql('app', 'SELECT worker FROM agentmem.maintenance_status'), $pid, 'maintenance_status names it');
is($node->safe_psql('postgres', "SELECT datname, application_name, backend_type FROM pg_stat_activity WHERE pid = $pid"),
	'app|agentmem worker app|agentmem worker', 'pg_stat_activity does, too');
ok($node->poll_query_until('app', 'SELECT duration IS NOT NULL AND failures = 0 AND last_error IS NULL FROM agentmem.maintenance_status'), 'how long it took is there');

# Another session finds it by the lock alone; a reader sees it, who has no right to start it.
$node->safe_psql('app', q{SET ROLE keeper; GRANT USAGE ON SCHEMA mem TO other; GRANT SELECT ON ALL TABLES IN SCHEMA mem TO other});
is($node->safe_psql('app', 'SET ROLE other; SELECT store, worker FROM agentmem.maintenance_status'), "mem|$pid", 'a reader sees how it stands');
my ($ret, $out, $err) = $node->psql('app', 'SET ROLE other; TABLE agentmem.maintenance_run');
like($err, qr/permission denied/, 'but not the table');

# Code of an owner runs as the owner, cannot become another, and leaves no setting behind.
$node->safe_psql('app', q{
	CREATE TABLE public.seen (who text, path text, memory text, allowed text);
	GRANT INSERT ON public.seen TO keeper;
	GRANT USAGE ON SCHEMA public TO keeper;
	SET ROLE keeper;
	CREATE FUNCTION mem.spy() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE allowed text := 'yes';
	BEGIN
		BEGIN
			EXECUTE 'RESET SESSION AUTHORIZATION';
		EXCEPTION WHEN OTHERS THEN allowed := 'no';
		END;
		INSERT INTO public.seen VALUES (current_user, current_setting('search_path'), current_setting('work_mem'), allowed);
		SET work_mem = '99MB';
		PERFORM set_config('search_path', 'mem', false);
		PERFORM pg_advisory_lock(4711);
		RETURN NULL;
	END $$;
	CREATE TRIGGER spy AFTER DELETE ON mem.memory FOR EACH ROW EXECUTE FUNCTION mem.spy();
	SELECT agentmem.remember('mem', 'a', 'to be watched going', 'fact', '[1,1]', expires_at => now() - interval '1 hour');
});
ok($node->poll_query_until('app', q{SELECT count(*) > 0 FROM public.seen}), 'a trigger of the owner was run');
is($node->safe_psql('app', 'SELECT DISTINCT who, allowed FROM public.seen'), 'keeper|no', 'as the owner, who cannot become the worker');
like($node->safe_psql('app', 'SELECT path FROM public.seen LIMIT 1'), qr/^pg_catalog/, 'with a search_path that is pinned');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'}), 'and it leaves no lock behind');
$node->safe_psql('app', q{SELECT agentmem.remember('mem', 'a', 'to be watched going, too', 'fact', '[1,1]', expires_at => now() - interval '1 hour')});
ok($node->poll_query_until('app', q{SELECT count(*) > 1 FROM public.seen}), 'it was run again');
is($node->safe_psql('app', q{SELECT count(*) FROM public.seen WHERE memory = '99MB'}), '0', 'it has left no setting behind');
$node->safe_psql('app', q{SET ROLE keeper; DROP TRIGGER spy ON mem.memory});

# Forced row security: the whole store is maintained all the same, and a reader under it sees no numbers.
# Commands that lock one table after the other may meet a deadlock with any writer: not beside the worker.
$node->safe_psql('app', q{
	SELECT agentmem.stop_worker();
	SELECT agentmem.enable_row_security('mem');
	SELECT agentmem.remember('mem', 'a', 'behind a policy', 'fact', '[1,1]', expires_at => now() - interval '1 hour')});
$pid = $node->safe_psql('app', 'SELECT agentmem.start_worker()');
ok($node->poll_query_until('app', "SELECT count(*) = 0 FROM mem.memory"), 'a store under forced row security is maintained');
is($node->safe_psql('app', q{SET ROLE other; SELECT due IS NULL, jobs IS NULL, last_error IS NULL FROM agentmem.maintenance_status}), 't|t|t', 'under row security a reader sees no numbers');
is($node->safe_psql('app', q{SELECT due IS NULL FROM agentmem.maintenance_status}), 'f', 'who bypasses it does');
$node->safe_psql('app', 'SELECT agentmem.stop_worker()');
$node->safe_psql('app', q{SELECT agentmem.disable_row_security('mem')});
$pid = $node->safe_psql('app', 'SELECT agentmem.start_worker()');

$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION agentmem');

# DROP EXTENSION: the worker leaves.
my $second = $node->safe_psql('second', 'SELECT agentmem.start_worker()');
isnt($second, $pid, 'another database has a worker of its own');
$node->safe_psql('second', 'DROP EXTENSION agentmem');
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $second"), 'DROP EXTENSION: its worker leaves');

# DROP DATABASE and CREATE DATABASE ... TEMPLATE while the worker naps.
$node->safe_psql('second', 'CREATE EXTENSION agentmem; SELECT agentmem.start_worker()');
set_settings($node, 'agentmem.worker_naptime' => "'1h'");
$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE second');
pass('a database is copied while its worker naps');
is($node->safe_psql('second', 'SELECT agentmem.worker_pid() IS NULL'), 't', 'the worker has left');
$node->safe_psql('second', 'SELECT agentmem.start_worker()');
$node->safe_psql('postgres', 'DROP DATABASE second');
pass('a database is dropped while its worker naps');
is($node->safe_psql('third', 'SELECT agentmem.worker_pid() IS NULL'), 't', 'workers of others do not count');

# ... while it works: what was begun is finished first, and only that.
set_settings($node, 'agentmem.worker_naptime' => "'1s'");
slow_store($node, 'third', 6);
$node->safe_psql('third', 'SELECT agentmem.start_worker()');
ok(at_work($node, 'third'), 'the worker is at work');
$node->safe_psql('postgres', 'DROP DATABASE third');
pass('a database is dropped while its worker works, though that takes longer than DROP DATABASE waits for sessions');

is($node->safe_psql('app', 'SELECT agentmem.stop_worker()'), 't', 'stop_worker() says that there was one');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid"), '0', 'and returns when it has gone');

# The role that workers connect as decides whose stores they maintain.
$node->safe_psql('postgres', 'CREATE ROLE agent LOGIN');
set_settings($node, 'agentmem.worker_role' => "'agent'");
$node->safe_psql('app', 'SELECT agentmem.start_worker()');
$node->safe_psql('app', q{SELECT agentmem.remember('mem', 'd', 'not yours', 'observation', expires_at => now() - interval '1 hour')});
sleep 3;
is($node->safe_psql('app', q{SELECT count(*) FROM mem.memory WHERE namespace = 'd'}), '1', 'stores of owners that the role is no member of are left alone');
$node->safe_psql('app', 'GRANT keeper TO agent');
ok($node->poll_query_until('app', q{SELECT count(*) = 0 FROM mem.memory WHERE namespace = 'd'}), 'a member maintains');
is($node->safe_psql('app', q{SELECT usename FROM pg_stat_activity WHERE backend_type = 'agentmem worker'}), 'agent', 'and is who the worker is');
set_settings($node, 'agentmem.worker_role' => "'no_such_role'");
$node->safe_psql('app', 'SELECT agentmem.stop_worker()');
($ret, $out, $err) = $node->psql('app', 'SELECT agentmem.start_worker()');
like($err, qr/could not start a worker\nDETAIL:  The role/, 'a role that is not there is an error');
for my $list ('"unclosed', 'a b')
{
	($ret, $out, $err) = $node->psql('app', "LOAD 'agentmem'; ALTER SYSTEM SET agentmem.worker_databases = '$list'");
	like($err, qr/invalid value for parameter "agentmem.worker_databases".*\nDETAIL:  Names of databases are parted by commas/, "a list that is none is refused: $list");
}

$node->stop;
done_testing();
