# Workers and a standby: none there, and it takes over when it is promoted.
use strict;
use warnings;

use Workers qw(preload);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
preload($primary);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem');
	INSERT INTO mem.setting VALUES ('maintain_interval', '1 s');
	SELECT agentmem.remember('mem', 'n', 'a thing to forget', 'fact', expires_at => now() - interval '1 hour');
});
ok($primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM mem.memory'), 'the primary maintains');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my $ours = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'agentmem%'};
sleep 2;
is($standby->safe_psql('postgres', $ours), '0', 'no process of ours on the standby');
is($standby->safe_psql('postgres', q{SELECT store, last_run IS NOT NULL, duration IS NOT NULL, due IS NOT NULL, worker IS NULL FROM agentmem.maintenance_status}), 'mem|t|t|t|t', 'maintenance_status answers there');
my ($ret, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT agentmem.start_worker()");
like($err, qr/25006: cannot execute start_worker\(\) on a standby/, 'start_worker() says why it cannot');
is($standby->safe_psql('postgres', 'SELECT agentmem.stop_worker()'), 'f', 'stop_worker() finds none');

$primary->stop('immediate');
$standby->promote;
$standby->safe_psql('postgres', q{SELECT agentmem.remember('mem', 'n', 'another', 'fact', expires_at => now() - interval '1 hour')});
ok($standby->poll_query_until('postgres', 'SELECT count(*) = 0 FROM mem.memory'), 'promoted, it maintains');
is($standby->safe_psql('postgres', $ours . " AND backend_type = 'agentmem launcher'"), '1', 'by a launcher of its own');

$standby->stop;
done_testing();
