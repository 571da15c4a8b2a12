# A preloaded server: the launcher finds databases, obeys its lists and its number, and nothing that happens to a
# database, a store or a worker keeps it from the others.
use strict;
use warnings;

use Workers qw(at_work preload set_settings settled slow_store worker_count);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
preload($node, 'agentmem.worker_databases_denied = scratch', 'restart_after_crash = on');
$node->start;

sub store
{
	my ($database, $store) = @_;
	$node->safe_psql($database, qq{
		CREATE EXTENSION IF NOT EXISTS agentmem;
		SELECT agentmem.create_store('$store');
		INSERT INTO $store.setting VALUES ('maintain_interval', '1 s');
	});
	forgettable($database, $store);
	return;
}

sub forgettable
{
	my ($database, $store) = @_;
	$node->safe_psql($database, "SELECT agentmem.remember('$store', 'n', 'a thing to forget', 'fact', expires_at => now() - interval '1 hour')");
	return;
}

sub forgotten
{
	my ($database, $store) = @_;
	return $node->poll_query_until($database, "SELECT count(*) = 0 FROM $store.memory");
}

is($node->safe_psql('postgres', q{SELECT application_name, datname IS NULL FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'}),
	'agentmem launcher|t', 'there is one launcher, in no database');
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(one two scratch empty);
store($_, 'mem') for qw(one two scratch);
ok(forgotten('one', 'mem'), 'the launcher finds a database');
ok(forgotten('two', 'mem'), 'and another');
is($node->safe_psql('scratch', 'SELECT count(*) FROM mem.memory'), '1', 'one that is denied is left alone');
like(slurp_file($node->logfile), qr/agentmem worker maintained 1 namespaces of 1 stores in database "one" in \d+ ms/, 'a round that did something is in the log');

set_settings($node, 'agentmem.worker_databases_denied' => "''", 'agentmem.worker_databases' => 'scratch');
ok(forgotten('scratch', 'mem'), 'settings are reloaded');
forgettable($_, 'mem') for qw(one scratch);
ok(forgotten('scratch', 'mem'), 'one that is allowed is looked after');
is($node->safe_psql('one', 'SELECT count(*) FROM mem.memory'), '1', 'one that is not allowed is left alone');

# start_worker() is of use there, too.
is($node->safe_psql('one', 'SELECT agentmem.start_worker() > 0'), 't', 'a worker by hand beside the launcher');
ok(forgotten('one', 'mem'), 'works where the launcher does not');
set_settings($node, 'agentmem.worker_databases' => "''");
$node->safe_psql('one', 'SELECT agentmem.stop_worker()');

# An error of one store, of one namespace: the others go on.
$node->safe_psql('two', q{
	SELECT agentmem.create_store('broken');
	ALTER TABLE broken.namespace RENAME COLUMN maintained TO gone;
	SELECT agentmem.create_store('moody');
	INSERT INTO moody.setting VALUES ('maintain_interval', '1 h');
	CREATE FUNCTION moody.refuse() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN IF old.namespace = 'bad' THEN RAISE 'not this one' USING DETAIL = 'A detail.'; END IF; RETURN old; END$$;
	CREATE TRIGGER refuse BEFORE DELETE ON moody.memory FOR EACH ROW EXECUTE FUNCTION moody.refuse();
	SELECT agentmem.remember('moody', n, 'a thing to forget', 'fact', expires_at => now() - interval '1 hour') FROM unnest('{bad,good}'::text[]) n;
});
forgettable('two', 'mem');
ok(forgotten('two', 'mem'), 'a store beside a broken one is maintained');
ok($node->poll_query_until('two', q{SELECT failures > 1 AND next_try > now() AND last_error LIKE '%maintained%(42703)' FROM agentmem.maintenance_status WHERE store = 'broken'}),
	'maintenance_status has the error of the broken store, which waits');
my $tries = () = slurp_file($node->logfile) =~ /could not maintain store "broken"/g;
ok($node->poll_query_until('two', q{SELECT failures >= 3 FROM agentmem.maintenance_status WHERE store = 'broken'}), 'it is tried again');
cmp_ok($node->safe_psql('two', q{SELECT extract(epoch FROM next_try - last_error_at) FROM agentmem.maintenance_status WHERE store = 'broken'}), '>=', 7.9, 'later each time');
is($node->safe_psql('two', q{SELECT count(*) FROM moody.memory}), '1', 'the namespace beside one that fails is maintained');
is($node->safe_psql('two', q{SELECT failures, last_error FROM agentmem.maintenance_status WHERE store = 'moody'}), '0|namespace "bad": not this one (P0001)', 'whose error is there');
my $log = slurp_file($node->logfile);
is(scalar(() = $log =~ /could not maintain namespace "bad" of store "moody" in database "two": not this one\n.*DETAIL:  A detail/g), 1, 'one line a failure in the log, with its detail');
unlike($log, qr/ERROR:.*not this one/, 'and no other');
# It mends by itself.
$node->safe_psql('two', q{ALTER TABLE broken.namespace RENAME COLUMN gone TO maintained; UPDATE agentmem.maintenance_run SET next_try = now() WHERE store = 'broken'});
ok($node->poll_query_until('two', q{SELECT failures = 0 AND next_try IS NULL AND last_error IS NOT NULL FROM agentmem.maintenance_status WHERE store = 'broken'}), 'mended, it is maintained again');

# A store of several owners.
$node->safe_psql('two', q{CREATE ROLE stranger; GRANT ALL ON SCHEMA moody TO stranger; ALTER TABLE moody.setting OWNER TO stranger});
ok($node->poll_query_until('two', q{SELECT last_error LIKE 'table "setting" is not of the owner%' FROM agentmem.maintenance_status WHERE store = 'moody'}), 'a store of several owners is left alone');
$node->safe_psql('two', q{SELECT agentmem.drop_store('moody', true), agentmem.drop_store('broken', true)});
ok($node->poll_query_until('two', q{SELECT string_agg(store, ',') = 'mem' FROM agentmem.maintenance_run}), 'what was dropped is no longer in the table of runs');

# At most so many at a time.
slow_store($node, $_, 3) for qw(one two scratch);
my $most = 0;
for (1 .. 60)
{
	my $n = worker_count($node);
	$most = $n if $n > $most;
	last if $node->safe_psql('scratch', 'SELECT count(*) FROM slow.memory') + $node->safe_psql('one', 'SELECT count(*) FROM slow.memory') + $node->safe_psql('two', 'SELECT count(*) FROM slow.memory') == 0;
	select(undef, undef, undef, 0.2);
}
is($most, '2', 'two workers at a time, not three');
set_settings($node, 'agentmem.max_workers' => 1);
$node->safe_psql($_, q{SELECT agentmem.remember('slow', 'n', 'another', 'fact', expires_at => now() - interval '1 hour'); UPDATE slow.namespace SET maintained = NULL}) for qw(one two);
ok(at_work($node, 'one') || at_work($node, 'two'), 'one works');
is(worker_count($node), '1', 'and one only');
ok($node->poll_query_until($_, 'SELECT count(*) = 0 FROM slow.memory'), "$_ has its turn") for qw(one two);
set_settings($node, 'agentmem.max_workers' => 0);
forgettable('one', 'mem');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'agentmem worker'}), 'none');
sleep 2;
is($node->safe_psql('one', 'SELECT count(*) FROM mem.memory'), '1', 'none does anything');
set_settings($node, 'agentmem.max_workers' => 4);
ok(forgotten('one', 'mem'), 'until it may');

# DROP DATABASE and DROP EXTENSION while a worker works.
$node->safe_psql('postgres', 'CREATE DATABASE doomed');
slow_store($node, 'doomed', 60);
ok(at_work($node, 'doomed'), 'a worker is at work for long');
my $began = time;
$node->safe_psql('postgres', 'DROP DATABASE doomed');
cmp_ok(time - $began, '<', 10, 'its database is dropped at once');
$node->safe_psql('postgres', 'CREATE DATABASE doomed');
slow_store($node, 'doomed', 60);
ok(at_work($node, 'doomed'), 'again');
$node->safe_psql('postgres', 'DROP DATABASE doomed WITH (FORCE)');
pass('by force, too');
like(slurp_file($node->logfile), qr/agentmem worker leaves database "doomed", which another session wants for itself/, 'the log says why the worker went');
$node->safe_psql('postgres', 'CREATE DATABASE doomed');
slow_store($node, 'doomed', 3);
ok(at_work($node, 'doomed'), 'a worker is at work');
$node->safe_psql('doomed', 'DROP EXTENSION agentmem CASCADE');
$node->safe_psql('postgres', 'ALTER DATABASE doomed RENAME TO renamed');
pass('DROP EXTENSION waits for it, and the database can be renamed');
unlike(slurp_file($node->logfile), qr/could not maintain.*database "doomed"/, 'nobody calls that an error');
$node->safe_psql('postgres', 'DROP DATABASE renamed');

# kill -9 of a worker: the server restarts, launcher and all; the store is as it was, and is maintained then.
slow_store($node, 'empty', 3);
ok(at_work($node, 'empty'), 'a worker is at work');
my $pid = $node->safe_psql('empty', 'SELECT agentmem.worker_pid()');
my $launcher = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'});
kill 'KILL', $pid;
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'});
isnt($node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'}), $launcher, 'after a crash there is a new launcher');
ok($node->poll_query_until('empty', 'SELECT count(*) = 0 FROM slow.memory'), 'whose worker does what the killed one did not');

# The launcher is killed by hand while a worker works.
$node->safe_psql('empty', q{SELECT agentmem.remember('slow', 'n', 'another', 'fact', expires_at => now() - interval '1 hour'); UPDATE slow.namespace SET maintained = NULL});
ok(at_work($node, 'empty'), 'a worker is at work');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'});
ok($node->poll_query_until('empty', 'SELECT count(*) = 0 FROM slow.memory'), 'it goes on without the launcher');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'}), 'which comes back');
forgettable('one', 'mem');
ok(forgotten('one', 'mem'), 'and starts workers');

$node->restart;
forgettable('one', 'mem');
ok(forgotten('one', 'mem'), 'after a restart all goes on');

$node->stop;
done_testing();
