# index_check beside inserts, deletes, VACUUM and, on a standby, their replay: it never calls a sound index corrupted, and a
# search that is under way never finds one.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_connections = 20");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j)) FROM generate_series(1, d) j$$;
	CREATE TABLE plain (id serial, embedding agentmem.vector(16));
	CREATE TABLE tenants (tenant int, embedding agentmem.vector(6));
	INSERT INTO plain (embedding) SELECT some_vector(i, 16)::agentmem.vector FROM generate_series(1, 500) i;
	CREATE INDEX plain_idx ON plain USING ivfbq (embedding agentmem.vector_l2_ops) WITH (flat_limit = 1000, list_size = 100);
	CREATE INDEX tenants_idx ON tenants USING ivfbq (tenant, embedding agentmem.vector_cosine_ops) WITH (flat_limit = 500, list_size = 100);
});

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;

my $seconds = $ENV{AGENTMEM_FULL} ? 60 : 12;
my %scripts = (
	write => q{
		\set n random(1, 1000000)
		\set t random(1, 40)
		INSERT INTO plain (embedding) SELECT some_vector(i, 16)::agentmem.vector FROM generate_series(:n, :n + 9) i;
		INSERT INTO tenants SELECT CASE WHEN :t = 1 THEN NULL WHEN :t < 20 THEN :t ELSE :n END, CASE WHEN i % 7 > 0 THEN some_vector(i, 6)::agentmem.vector END
			FROM generate_series(:n, :n + :t) i;
	},
	remove => q{
		\set n random(0, 9)
		DELETE FROM plain WHERE ctid IN (SELECT ctid FROM plain OFFSET :n * 100 LIMIT 60);
		DELETE FROM tenants WHERE tenant % 10 = :n AND random() < 0.2;
		\sleep 50 ms
	},
	vacuum => q{
		VACUUM plain;
		VACUUM tenants;
		\sleep 100 ms
	},
	check => q{
		SELECT agentmem.index_check('plain_idx', true);
		SELECT agentmem.index_check('tenants_idx', true);
		SELECT agentmem.index_stats('tenants_idx');
		\sleep 30 ms
	},
);
# One client each, at once; what fails ends its client.
my $dir = PostgreSQL::Test::Utils::tempdir;
my %running;
for my $name (sort keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
	my ($out, $err) = ('', '');
	my $clients = $name eq 'write' ? 2 : 1;
	$running{$name} = {out => \$out, err => \$err};
	$running{$name}{process} = IPC::Run::start(
		['pgbench', '-n', '-T', $seconds, '-c', $clients, '-f', "$dir/$name.sql", '-h', $node->host, '-p', $node->port, 'postgres'],
		'>', \$out, '2>', \$err);
}

# Meanwhile on the standby: sound, or changed while it was looked at.
my ($sound, $changed, @bad) = (0, 0);
my $end = time + $seconds;
while (time < $end)
{
	for my $index ('plain_idx', 'tenants_idx')
	{
		my ($out, $err);
		$standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT agentmem.index_check('$index', true)", stdout => \$out, stderr => \$err, on_error_stop => 0);
		if ($err =~ /ERROR:  40001|conflict with recovery/) { $changed++; }
		elsif ($err =~ /ERROR/) { push @bad, $err; }
		else { $sound++; }
	}
}
is(scalar(@bad), 0, 'no fault on the standby') or diag($bad[0]);
cmp_ok($sound, '>', 0, "checks on the standby came to an end ($sound; $changed were beside a move)");

for my $name (sort keys %running)
{
	$running{$name}{process}->finish;
	is(${$running{$name}{err}} =~ /error|FATAL|aborted/i ? ${$running{$name}{err}} : '', '', "$name: no errors");
	like(${$running{$name}{out}}, qr/number of transactions actually processed: [1-9]/, "$name: did something");
}

for my $index ('plain_idx', 'tenants_idx')
{
	my ($table) = $index =~ /^(\w+)_idx$/;
	my $rows = $node->safe_psql('postgres', "SELECT agentmem.index_check('$index', true)");
	is($node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP ON) $table; SELECT agentmem.index_check('$index', true) = (SELECT count(*) FROM $table)"), 't', "$index: sound, and as many rows as the table after VACUUM");
	$node->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', "SELECT agentmem.index_check('$index', true) = (SELECT count(*) FROM $table)"), 't', "$index: on the standby, too");
}
# What another connection holds is waited for, and can be cancelled.
my $holder = $node->background_psql('postgres');
$holder->query_safe(q{BEGIN; SELECT agentmem.index_check('plain_idx')});
is($node->safe_psql('postgres', q{SET statement_timeout = '5s'; SELECT agentmem.index_check('plain_idx') > 0}), 't', 'the lock is let go of at the end of the check');
$holder->query_safe('COMMIT');
$holder->quit;

$standby->stop;
$node->stop;
done_testing();
