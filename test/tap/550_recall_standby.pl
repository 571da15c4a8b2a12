# A standby answers recall, by all channels, while the primary writes and maintains; promoted, it goes on where the primary stopped.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_standby_streaming_delay = 300ms");
$primary->start;
# Vectors, words, edges, days and names to find by.
$primary->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem', dimensions => 8), agentmem.create_store('parts', dimensions => 8, partitions => 2);
	INSERT INTO mem.setting VALUES ('concepts', '4'), ('similar', '2');
	CREATE FUNCTION some_vector(i int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233))::real[]::agentmem.vector FROM generate_series(1, 8) j$$;
	SELECT count(*) FROM unnest('{mem,parts}'::name[]) s, generate_series(1, 300) i, agentmem.remember(s, 'n' || i % 3, 'Turn ' || i || ' about word' || i % 20 || ' and Oslo', 'episode', some_vector(i),
		session => 's' || i / 30, valid_from => '2024-01-01'::timestamptz + i * interval '1 hour');
	SELECT count(*) FROM unnest('{mem,parts}'::name[]) s, generate_series(1, 30) i, agentmem.remember(s, 'n' || i % 3, 'Person ' || i || ' likes tea', 'fact', some_vector(1000 + i), subject => 'Person ' || i, predicate => 'likes');
});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my @ask = map { my $s = $_; (
	qq{SELECT string_agg(r::text, ' ') FROM agentmem.recall('$s', 'n1', 'word4 Oslo', some_vector(7), during => '(,)') r},
	qq{SELECT string_agg(r::text, ' ') FROM agentmem.recall('$s', 'n1', 'what does Person 4 like', k => 5) r},
	qq{SELECT string_agg(r::text, ' ') FROM agentmem.recall('$s', 'n1', 'Oslo turn', during => '[2024-01-03,2024-01-04)', mode => 'exact') r},
	qq{SELECT agentmem.recall_context('$s', 'n1', 'tea', some_vector(1001))},
	qq{SELECT string_agg(r.id::text, ' ') FROM agentmem.recall('$s', 'n1', 'tea', some_vector(1001), known_at => now()) r},
	qq{SELECT string_agg(n.id::text, ' ') FROM agentmem.neighbors('$s', 'n1', '{4}', depth => 2) n},
	qq{SELECT string_agg(p.id::text, ' ') FROM agentmem.ppr('$s', 'n1', '{4}') p},
	qq{SELECT agentmem.count('$s', 'n1')}) } 'mem', 'parts';
sub compare
{
	my ($when) = @_;
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	for my $ask (@ask)
	{
		my $answer = $primary->safe_psql('postgres', "SET agentmem.access_log = off; $ask");
		isnt($answer, '', 'answered: ' . substr($ask, 0, 90)) if $when eq 'before';
		is($standby->safe_psql('postgres', $ask), $answer, "$when, the same on the standby: " . substr($ask, 0, 90));
	}
}
compare('before');
my $channels = $standby->safe_psql('postgres', q{
	SELECT string_agg(DISTINCT c, ' ' ORDER BY c) FROM agentmem.recall('mem', 'n1', 'word4 Oslo, and what Person 4 likes', some_vector(7), during => '(,)', k => 100) r, jsonb_object_keys(r.channels) c});
like($channels, qr/entity.*graph.*lexical.*semantic/, "channels: $channels");

# While the primary writes.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/write.sql", q{
	\set n random(1, 1000000)
	SELECT agentmem.remember('mem', 'n' || :n % 3, 'Turn ' || :n || ' about word' || :n % 20, 'episode', some_vector(:n), session => 'late' || :n % 5);
	SELECT agentmem.remember('parts', 'n' || :n % 3, 'Person ' || :n % 30 || ' likes ' || :n, 'fact', some_vector(:n), subject => 'Person ' || :n % 30, predicate => 'likes');
	SELECT agentmem.forget('mem', 'n' || :n % 3, 1 + :n % 300);
});
append_to_file("$dir/maintain.sql", q{
	SELECT count(*) FROM agentmem.maintain('mem', 'n1', at => now() + interval '3 days');
	VACUUM mem.memory, parts.memory;
	\sleep 300 ms
});
my %said;
my @running = map { my $name = $_; $said{$name} = ''; IPC::Run::start(
	[ 'pgbench', '-n', '-T', 8, '-c', 1, '-f', "$dir/$name.sql", '-h', $primary->host, '-p', $primary->port, 'postgres' ], '>&', \$said{$name}) } 'write', 'maintain';
my ($right, $cancelled, @wrong) = (0, 0);
my $end = time + 8;
while (time < $end)
{
	# One snapshot: the same question twice, and the sum of what it is made of.
	my ($ret, $out, $err) = $standby->psql('postgres', qq{BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT count(*) > 0 AND bool_and(r.content ~ 'word4|Oslo|Turn|Person') AND count(*) = count(DISTINCT r.id) FROM agentmem.recall('mem', 'n1', 'word4 Oslo', some_vector(7), during => '(,)', k => 50) r;
		SELECT ($ask[0]) IS NOT DISTINCT FROM ($ask[0]), ($ask[8]) IS NOT DISTINCT FROM ($ask[8])});
	if ($err =~ /conflict with recovery/) { $cancelled++; }
	elsif ($err ne '' || $out ne "t\nt|t") { push @wrong, "$out $err"; }
	else { $right++; }
}
$_->finish for @running;
is(scalar @wrong, 0, 'no wrong answer while the primary wrote') or diag($wrong[0]);
cmp_ok($right, '>', 0, "right answers: $right; cancelled: $cancelled");
for my $name (sort keys %said)
{
	like($said{$name}, qr/transactions actually processed: [1-9]/, "$name did something");
	unlike($said{$name}, qr/ERROR|FATAL|aborted/, "$name met no error");
}
compare('after');
like(($standby->psql('postgres', q{SELECT agentmem.remember('mem', 'n1', 'x')}))[2], qr{on a standby}, 'a standby does not write');

# Promoted.
my $last = $primary->safe_psql('postgres', q{SELECT max(id) FROM mem.memory});
my @before = map { $standby->safe_psql('postgres', $_) } @ask;
$primary->stop('immediate');
$standby->promote;
is(join("\n", map { $standby->safe_psql('postgres', "SET agentmem.access_log = off; $_") } @ask), join("\n", @before), 'promoted, it answers as before');
cmp_ok($standby->safe_psql('postgres', q{SELECT id FROM agentmem.remember('mem', 'n1', 'After the promotion', 'fact', some_vector(4711))}), '>', $last, 'it writes, with a new id');
is($standby->safe_psql('postgres', q{SELECT content FROM agentmem.recall('mem', 'n1', 'promotion', some_vector(4711), k => 1)}), 'After the promotion', 'and finds it');
is($standby->safe_psql('postgres', q{SELECT action FROM agentmem.remember('parts', 'n1', 'Person 4 likes milk', 'fact', subject => 'Person 4', predicate => 'likes')}), 'superseded', 'in partitions too');
cmp_ok($standby->safe_psql('postgres', q{SELECT count(*) FROM agentmem.maintain('mem', 'n1', at => now() + interval '9 days')}), '>', 0, 'it maintains');
cmp_ok($standby->safe_psql('postgres', q{
	SELECT count(agentmem.index_check(c.oid::regclass, true)) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'ivfbq' AND c.relkind = 'i'}), '>', 4, 'the indexes are sound');

$standby->stop;
done_testing();
