# What settings of workers do: the budget of a namespace, and the role that workers connect as, which may be missing
# or not let in. Nobody else is the worse for it.
use strict;
use warnings;

use Workers qw(preload set_settings);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
preload($node, 'agentmem.worker_budget = 1ms', "agentmem.worker_role = 'nobody_there'");
$node->start;

sub forgettable
{
	my ($database) = @_;
	$node->safe_psql($database, q{SELECT agentmem.remember('mem', 'n', 'a thing to forget', 'fact', expires_at => now() - interval '1 hour')});
	return;
}

sub forgotten
{
	my ($database) = @_;
	return $node->poll_query_until($database, 'SELECT count(*) = 0 FROM mem.memory');
}

# Waits for a line of the log that comes after what is there.
my $read = 0;

sub logged
{
	my ($line, $name) = @_;
	return ok($node->wait_for_log($line, $read), $name);
}

for my $database ('one', 'two')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, q{CREATE EXTENSION agentmem; SELECT agentmem.create_store('mem'); INSERT INTO mem.setting VALUES ('maintain_interval', '1 s')});
	forgettable($database);
}

# A role that is not there.
logged(qr/WARNING:  agentmem starts no workers: role "nobody_there" does not exist\n.*HINT:  Create it, or set agentmem.worker_role to another/, 'a role that is missing is told of');
is($node->safe_psql('one', 'SELECT count(*) FROM mem.memory'), '1', 'nothing is maintained');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'agentmem launcher'}), '1', 'the launcher stays');
is($node->safe_psql('one', q{SELECT changed FROM agentmem.maintain('mem') WHERE step = 'expire'}), '1', 'and all can be done by hand');

# One that may not log in, then not everywhere: databases that it may connect to are maintained.
forgettable('one');
$node->safe_psql('postgres', q{CREATE ROLE nobody_there SUPERUSER NOLOGIN});
logged(qr/FATAL:  role "nobody_there" is not permitted to log in/, 'so is one that may not log in');
is($node->safe_psql('one', 'SELECT count(*) FROM mem.memory'), '1', 'nothing is maintained by it');
$read = -s $node->logfile;
$node->safe_psql('postgres', q{
	CREATE ROLE keeper LOGIN;
	REVOKE CONNECT ON DATABASE one FROM PUBLIC});
$node->safe_psql($_, q{DO $$ DECLARE t record; BEGIN
	ALTER SCHEMA mem OWNER TO keeper;
	FOR t IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class c WHERE c.relnamespace = 'mem'::regnamespace AND c.relkind IN ('r', 'v', 'S') LOOP
		EXECUTE format('ALTER %s %s OWNER TO keeper', CASE t.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE 'SEQUENCE' END, t.name);
	END LOOP; END $$}) for qw(one two);
set_settings($node, 'agentmem.worker_role' => 'keeper', 'agentmem.worker_budget' => "'1min'");
$node->restart;
ok(forgotten('two'), 'a role that may connect to one database maintains that');
logged(qr/FATAL:  permission denied for database "one"/, 'that it may not connect to another is told of');
is($node->safe_psql('one', 'SELECT count(*) FROM mem.memory'), '1', 'which waits');
$node->safe_psql('postgres', 'GRANT CONNECT ON DATABASE one TO keeper');
ok(forgotten('one'), 'until it may');

# The budget: where it is over before all steps had their turn, the namespace says with which the next call begins.
my $next = q{SELECT steps ? 'next' FROM mem.namespace};
ok($node->poll_query_until('two', "SELECT NOT coalesce((steps ? 'next'), true) FROM mem.namespace"), 'with a minute each step has its turn');
set_settings($node, 'agentmem.worker_budget' => "'1ms'");
ok($node->poll_query_until('two', $next), 'with a millisecond not');
set_settings($node, 'agentmem.worker_budget' => "'1min'");
ok($node->poll_query_until('two', "SELECT NOT (steps ? 'next') FROM mem.namespace"), 'and with a minute again');

$node->stop;
done_testing();
