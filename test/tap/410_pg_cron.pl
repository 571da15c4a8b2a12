# pg_cron calls maintain_all() as docs/operations.md has it, by a connection and by a background worker of its own,
# with a worker of ours beside it.
use strict;
use warnings;

use Workers qw(preload settled);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'slow' unless $ENV{AGENTMEM_FULL};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
plan skip_all => 'pg_cron is not installed in this server'
	if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'}) eq '0';
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_cron,agentmem'", "cron.database_name = 'app'", "cron.host = '" . $node->host . "'",
		'agentmem.max_workers = 0', 'agentmem.worker_naptime = 1s', 'log_statement = none', ''));
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE DATABASE app OWNER keeper');
$node->restart;
$node->safe_psql('app', q{
	CREATE EXTENSION pg_cron;
	CREATE EXTENSION agentmem;
	GRANT USAGE ON SCHEMA cron TO keeper;
	SET ROLE keeper;
	SELECT agentmem.create_store('mem');
	INSERT INTO mem.setting VALUES ('maintain_interval', '1 s');
});

my $page = slurp_file('docs/operations.md');
my ($schedule) = $page =~ /^(SELECT cron\.schedule\(.*\$\$CALL agentmem\.maintain_all.*)$/m;
ok($schedule, 'the page has the call');
$schedule =~ s{\*/5 \* \* \* \*}{* * * * *} or fail('its interval was not found');
$node->connect_ok("dbname=app user=keeper", 'the owner can connect');

# By a connection, as it comes; then by a background worker.
for my $how ('off', 'on')
{
	$node->safe_psql('postgres', "ALTER SYSTEM SET cron.use_background_workers = $how");
	$node->restart;
	$node->safe_psql('app', qq{SET SESSION AUTHORIZATION keeper; $schedule;
		SELECT agentmem.remember('mem', n, 'a thing to forget', 'fact', expires_at => now() - interval '1 hour') FROM unnest('{a,b,c}'::text[]) n});
	ok($node->poll_query_until('app', q{SELECT count(*) = 0 FROM mem.memory}), "cron.use_background_workers = $how: it was maintained");
	ok($node->poll_query_until('app', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded' AND username = 'keeper'}), 'and the run succeeded');
	is($node->safe_psql('app', q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}), '0', 'none failed');
	is($node->safe_psql('app', q{SELECT due, last_run IS NOT NULL, worker IS NULL FROM agentmem.maintenance_status}), '0|t|t', 'maintenance_status knows, though no worker ran');
	$node->safe_psql('app', q{SET SESSION AUTHORIZATION keeper; SELECT cron.unschedule(jobid) FROM cron.job});
	$node->safe_psql('app', 'TRUNCATE cron.job_run_details');
}

# Both at once.
$node->safe_psql('postgres', 'ALTER SYSTEM SET agentmem.max_workers = 2');
$node->restart;
$node->safe_psql('app', qq{SET SESSION AUTHORIZATION keeper; UPDATE mem.setting SET value = '0' WHERE name = 'maintain_interval'; $schedule});
for my $i (1 .. 70)
{
	$node->safe_psql('app', qq{SET ROLE keeper; SELECT agentmem.remember('mem', 'n' || i % 5, 'item ' || i || ' of $i', 'observation', expires_at => now() - interval '1 hour') FROM generate_series(1, 10) i});
	sleep 1;
	last if $i > 10 && $node->safe_psql('app', q{SELECT count(*) FROM cron.job_run_details WHERE status = 'succeeded'});
}
ok($node->poll_query_until('app', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'}), 'pg_cron ran beside the worker');
ok($node->poll_query_until('app', q{SELECT count(*) = 0 FROM mem.memory}), 'all is forgotten');
is($node->safe_psql('app', q{SELECT count(*) - count(DISTINCT i) FROM mem.audit a, unnest(a.ids) i WHERE a.action = 'forget'}), '0', 'each once');
is($node->safe_psql('app', q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}), '0', 'no run failed');
ok($node->safe_psql('app', q{SELECT duration IS NOT NULL AND last_error IS NULL FROM agentmem.maintenance_status}) eq 't', 'and the worker met no error');

$node->stop;
done_testing();
