# Sixteen clients say the same eight things at once, singly and in shuffled batches: one
# memory a statement, every other call a confirmation, no deadlock; at REPEATABLE READ
# nothing but serialization failures, which a retry cures.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_connections = 50");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION agentmem CASCADE');

my $dir = $node->basedir;
append_to_file("$dir/one.pgbench", <<'END');
\set i random(1, 8)
SELECT agentmem.remember('mem', 'n', 'statement ' || :i, 'fact', tags => ARRAY['t' || :i]);
END
append_to_file("$dir/batch.pgbench", <<'END');
\set i random(1, 8)
\set j random(1, 8)
\set k random(1, 8)
SELECT count(*) FROM agentmem.remember_many('mem', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'Statement ' || n, 'kind', 'fact')) FROM unnest(ARRAY[:i, :j, :k]) n));
END
append_to_file("$dir/key.pgbench", <<'END');
\set i random(1, 8)
SELECT agentmem.remember('mem', 'n', 'turn ' || :i, 'episode', key => 'k' || :i);
END

for my $isolation ('read committed', 'repeatable read')
{
	$node->safe_psql('postgres', "SELECT agentmem.create_store('mem')");
	my %calls;
	for my $script ('one', 'batch', 'key')
	{
		local $ENV{PGOPTIONS} = "-c default_transaction_isolation=" . ($isolation =~ s/ /\\ /r);
		my ($stdout, $stderr) = run_command(
			[ 'pgbench', '-n', '-c', '16', '-j', '2', '-t', '40', '--max-tries=1000', '-f', "$dir/$script.pgbench", $node->connstr('postgres') ]);
		like($stdout, qr{actually processed: 640/640}, "$isolation, $script: all calls succeed") or diag($stderr);
		$calls{$script} = 640;
	}
	is($node->safe_psql('postgres', q{SELECT count(*) FROM mem.memory WHERE kind = 'fact'}), '8', "$isolation: one memory a statement");
	is($node->safe_psql('postgres', q{SELECT sum(confirmations) + 8 FROM mem.activity}), $calls{one} + 3 * $calls{batch},
		"$isolation: every other call confirmed");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM mem.memory WHERE kind = 'episode'}), '8', "$isolation: one memory a key");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM mem.memory WHERE kind = 'fact' AND tags <> ARRAY['t' || substr(content, 11)]}), '0',
		"$isolation: no tag lost or doubled");
	$node->safe_psql('postgres', "SELECT agentmem.drop_store('mem', cascade => true)");
}
is($node->safe_psql('postgres', 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'), '0', 'no deadlock');
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|server process .* was terminated/, 'nor anything worse in the log');

$node->stop;
done_testing();
