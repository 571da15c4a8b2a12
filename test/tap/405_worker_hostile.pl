# Workers of a superuser among stores of owners whom nobody trusts.
use strict;
use warnings;

use Workers qw(preload settled);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
preload($node, "agentmem.worker_statement_timeout = '1s'");
$node->start;
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	CREATE ROLE eve;
	GRANT CREATE ON DATABASE postgres TO eve;
	CREATE SCHEMA tricks AUTHORIZATION eve;
	SET ROLE eve;
	SELECT agentmem.create_store('aaa');
	RESET ROLE;
	SELECT agentmem.create_store('zzz');
	INSERT INTO zzz.setting VALUES ('maintain_interval', '1 s');
	SELECT agentmem.remember('aaa', 'n', 'a thing', 'fact');
});

# A recall of the owner's within maintenance, and code of his where it would be written: neither outlives his turn.
$node->safe_psql('postgres', q{
	SET ROLE eve;
	CREATE FUNCTION tricks.payload() RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'payload as %', current_user; RETURN 1; END$$;
	CREATE FUNCTION tricks.check_it(bigint) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('default_transaction_read_only', 'on', false);
		EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT tricks.payload()';
		RETURN true;
	END$$;
	ALTER TABLE aaa.access ADD CHECK (tricks.check_it(id));
	CREATE FUNCTION tricks.recall_it() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('agentmem.access_log', 'on', false);
		PERFORM agentmem.recall('aaa', 'n', 'thing');
		RETURN new;
	END$$;
	CREATE TRIGGER recall_it BEFORE UPDATE ON aaa.namespace FOR EACH ROW EXECUTE FUNCTION tricks.recall_it();
});
sub zzz_is_maintained
{
	my ($what) = @_;
	$node->safe_psql('postgres', q{SELECT agentmem.remember('zzz', 'n', 'a thing to forget ' || clock_timestamp(), 'fact', expires_at => now() - interval '1 hour')});
	return ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM zzz.memory WHERE namespace = 'n'}), $what);
}
ok(settled($node, 'postgres', 'aaa'), 'a store that recalls while it is maintained is maintained');
zzz_is_maintained('and so is the other');
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server was not restarted');
is($node->safe_psql('postgres', 'SELECT count(*) FROM aaa.access'), '0', 'workers note nothing');

# The same in a session: his own store's commit fails, with all that was set put back; another's does not.
my ($ret, $out, $err) = $node->psql('postgres', q{
	SELECT count(*) FROM agentmem.recall('aaa', 'n', 'thing');
	SELECT action FROM agentmem.remember('aaa', 'n', 'another', 'fact');
	SHOW default_transaction_read_only;
}, on_error_stop => 0);
like($err, qr/security-restricted operation/, 'a commit runs nothing that outlasts it');
like($out, qr/^off$/m, 'nor keeps what was set');
($ret, $out, $err) = $node->psql('postgres', q{
	BEGIN;
	SELECT count(*) FROM agentmem.recall('aaa', 'n', 'thing');
	SELECT action FROM agentmem.remember('zzz', 'm', 'mine', 'fact');
	COMMIT;
	SELECT count(*) FROM zzz.memory WHERE namespace = 'm';
});
is($err, '', 'what was only read does not make a commit fail');
like($out, qr/^1$/m, 'and it is there');

# Code that goes on after its time is over: the process ends, the next leaves the store alone.
$node->safe_psql('postgres', q{
	SET ROLE eve;
	CREATE OR REPLACE FUNCTION tricks.recall_it() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(5);
			EXCEPTION WHEN query_canceled THEN
				RAISE LOG 'not me';
			END;
		END LOOP;
	END$$;
	UPDATE aaa.setting SET value = '1 s' WHERE name = 'maintain_interval';
	INSERT INTO aaa.setting SELECT 'maintain_interval', '1 s' WHERE NOT EXISTS (SELECT FROM aaa.setting WHERE name = 'maintain_interval');
});
ok($node->poll_query_until('postgres', q{SELECT last_error = 'the worker was ended while it maintained this store' AND next_try > now() FROM agentmem.maintenance_status WHERE store = 'aaa'}),
	'a store that does not obey its time waits');
zzz_is_maintained('the other is maintained');
$node->safe_psql('postgres', 'DROP TRIGGER recall_it ON aaa.namespace');

# What the database is set to is not for workers.
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET default_transaction_read_only = on');
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=off';
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'agentmem worker'});
	zzz_is_maintained('in a database that is read-only by default');
}

$node->stop;
done_testing();
