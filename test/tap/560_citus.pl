# A store over two workers of Citus (distribute()): every function answers as on one server, whatever Citus refuses has an error of its own,
# and shards can be moved. Needs a Citus built for this server, which Debian does not package.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'slow' unless $ENV{AGENTMEM_FULL};

my %node = map { $_ => PostgreSQL::Test::Cluster->new($_) } 'coordinator', 'w1', 'w2';
my $extensions = `$ENV{PG_CONFIG} --sharedir` if $ENV{PG_CONFIG};
$extensions = `pg_config --sharedir` unless $extensions;
chomp $extensions;
plan skip_all => 'Citus is not installed in this server' unless -f "$extensions/extension/citus.control";

sub start
{
	my ($name, $libraries) = @_;
	$node{$name}->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
	$node{$name}->append_conf('postgresql.conf', <<"CONF");
fsync = off
wal_level = logical
max_prepared_transactions = 20
max_wal_senders = 10
max_replication_slots = 10
shared_preload_libraries = '$libraries'
agentmem.worker_databases = 'none'
citus.node_conninfo = 'sslmode=prefer'
citus.local_hostname = '@{[ $node{$name}->host ]}'
citus.shard_count = 4
CONF
	$node{$name}->start;
	$node{$name}->safe_psql('postgres', 'SET client_min_messages = error; CREATE EXTENSION citus');
	return;
}
# One that knows nothing of our functions, first.
start($_, $_ eq 'w2' ? 'citus' : 'citus, agentmem') for 'coordinator', 'w1', 'w2';
my $main = $node{coordinator};
my @workers = @node{qw(w1 w2)};
# The store `mem` is over servers; `one`, in another database, is not.
sub ask { return $main->safe_psql('postgres', "SET client_min_messages = error; $_[0]"); }
sub ask_of { return $_[0] eq 'mem' ? ask($_[1]) : $main->safe_psql('plain', "SET client_min_messages = error; $_[1]"); }

# refused SQL, LIKE, NAME: its error; the server lives on.
sub refused
{
	my ($sql, $like, $name) = @_;
	my ($ret, $out, $err) = $main->psql('postgres', "SET client_min_messages = error; $sql");
	like($err, $like, "refused: $name");
	return;
}

ask(sprintf(q{SELECT citus_set_coordinator_host('%s', %s)}, $main->host, $main->port));
ask(sprintf(q{SELECT citus_add_node('%s', %s)}, $_->host, $_->port)) for @workers;
# agentmem comes to all nodes; the warnings of create_store are of views, which stay on the coordinator.
ask(q{CREATE EXTENSION agentmem; SELECT agentmem.create_store('mem', dimensions => 3), agentmem.create_store('parts', partitions => 2)});
ask('SET citus.enable_create_database_propagation = off; CREATE DATABASE plain');
ask_of('one', q{CREATE EXTENSION agentmem; SELECT agentmem.create_store('one', dimensions => 3)});
ask_of($_, qq{INSERT INTO $_.setting VALUES ('concepts', '4'), ('embed_jobs', 'on')}) for 'mem', 'one';
# What is there before comes along, with its past.
for my $store ('mem', 'one')
{
	ask_of($store, qq{SELECT agentmem.remember('$store', 'before', 'Tea in Oslo', 'fact', '[1,0,0]')});
	ask_of($store, qq{SELECT agentmem.revise('$store', 'before', 1, 'Tea in Bergen', '[1,0,0]')});
}
my $before = ask(q{SELECT id, content, system_period FROM agentmem.history('mem', 'before', 1)});
is(scalar split(/\n/, $before), 2, 'there is a past');
refused(q{SELECT agentmem.distribute('mem')}, qr/not preloaded on 1 of the servers/, 'where a server has not preloaded agentmem');
$node{w2}->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'citus, agentmem'");
$node{w2}->restart;
refused(q{SELECT agentmem.distribute('parts')}, qr/is in partitions/, 'partitions');
refused(q{SELECT agentmem.distribute('mem', 0)}, qr/shards must be between/, 'no shards');
ask(q{SELECT agentmem.distribute('mem')});
ask(q{SELECT agentmem.distribute('mem')});
is(ask(q{SELECT string_agg(DISTINCT citus_table_type || ' ' || shard_count, ', ') FROM citus_tables WHERE table_name::text LIKE 'mem.%'}), 'distributed 4, reference 1', 'all tables, once');
is(ask(q{SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = 'mem.memory'::regclass}), '2', 'over both servers');
is(ask(q{SELECT id, content, system_period FROM agentmem.history('mem', 'before', 1)}), $before, 'the past came along');
is(ask(q{SELECT content FROM agentmem.recall('mem', 'before', 'bergen')}), 'Tea in Bergen', 'and is found');

# The same calls on the store over servers and on one that is not: the same answers, but for ids, times and order of ties.
my @namespaces = map { "u$_" } 1 .. 6;
my %id;
sub both
{
	my ($name, $sql) = @_;
	for my $namespace (@namespaces)
	{
		my @answers;
		for my $store ('mem', 'one')
		{
			my $here = $sql =~ s/STORE/$store/gr =~ s/NS/$namespace/gr =~ s/ID\((\w+)\)/$id{"$store $namespace $1"}/gr;
			push @answers, ask_of($store, $here);
		}
		is($answers[0], $answers[1], "$name, $namespace");
	}
	return;
}
sub note_ids
{
	my ($name, $where) = @_;
	for my $namespace (@namespaces)
	{
		$id{"$_ $namespace $name"} = ask_of($_, "SELECT min(l.id) FROM agentmem.list('$_', '$namespace', $where) l") for 'mem', 'one';
	}
	return;
}
both('remember', q{SELECT action, cardinality(related) FROM agentmem.remember('STORE', 'NS', 'NS drinks tea in Oslo', 'fact', '[1,0,0]', subject => 'NS', predicate => 'drinks', key => 'k')});
both('remember again', q{SELECT action, cardinality(related) FROM agentmem.remember('STORE', 'NS', 'NS drinks tea in Oslo', 'fact', '[1,0,0]', subject => 'NS', predicate => 'drinks')});
both('another value', q{SELECT action, cardinality(related) FROM agentmem.remember('STORE', 'NS', 'NS drinks coffee in Bergen', 'fact', '[0,1,0]', subject => 'NS', predicate => 'drinks')});
both('for a time', q{SELECT action, cardinality(related) FROM agentmem.remember('STORE', 'NS', 'NS drank water', 'fact', '[0,1,1]', subject => 'NS', predicate => 'drinks', valid_from => '2020-01-01', valid_to => '2021-01-01')});
both('remember_many', q{SELECT ordinal, action FROM agentmem.remember_many('STORE', 'NS', '[{"content": "Ann met Bob in Rome on 3 May 2024", "kind": "episode", "session": "s"}, {"content": "Bob likes trains", "kind": "episode", "session": "s"}, {"content": "bad", "kind": "nope"}]', embeddings => '{"[1,1,0]","[0,0,1]","[1,1,1]"}', on_error => 'skip')});
both('a secret', q{SELECT action FROM agentmem.remember('STORE', 'NS', 'Password of NS', 'secret', attributes => '{"value": "xyz"}')});
note_ids('coffee', q{kinds => '{fact}', n => 1});
note_ids('secret', q{kinds => '{secret}'});
note_ids('episode', q{kinds => '{episode}'});
both('list', q{SELECT kind, content, subject, accesses, confirmations FROM agentmem.list('STORE', 'NS', during => '(,)') ORDER BY 2});
both('count', q{SELECT agentmem.count('STORE', 'NS')});
both('get', q{SELECT content FROM agentmem.get('STORE', 'NS', keys => '{k}')});
both('recall', q{SELECT content, round(score::numeric, 4) FROM agentmem.recall('STORE', 'NS', 'Bergen coffee', '[0,1,0]')});
both('recall by all channels', q{SELECT content, channels FROM agentmem.recall('STORE', 'NS', 'Bob in May 2024', '[0,1,0]', weights => '{"semantic": 1, "lexical": 1, "graph": 1, "temporal": 1, "entity": 1}')});
both('recall exactly', q{SELECT content FROM agentmem.recall('STORE', 'NS', 'tea', '[1,0,0]', mode => 'exact', during => '(,)')});
both('recall of nothing', q{SELECT content FROM agentmem.recall('STORE', 'NS')});
both('recall at an instant', q{SELECT content FROM agentmem.recall('STORE', 'NS', 'tea bob', '[1,0,0]', known_at => now())});
both('recall_context', q{SELECT agentmem.recall_context('STORE', 'NS', 'bob')});
both('concepts', q{SELECT * FROM agentmem.concepts('STORE', 'NS')});
both('link', q{SELECT agentmem.link('STORE', 'NS', ID(coffee), ID(episode), 'similar', 0.5)});
both('neighbors', q{SELECT n.type, n.depth FROM agentmem.neighbors('STORE', 'NS', ARRAY[ID(coffee)], types => '{similar}') n});
both('ppr', q{SELECT 'score', round(score::numeric, 6) FROM agentmem.ppr('STORE', 'NS', ARRAY[ID(coffee)]) ORDER BY 2 DESC});
both('spread', q{SELECT count(*) FROM agentmem.spread('STORE', 'NS', ARRAY[ID(coffee)])});
both('shortest_path', q{SELECT count(*) FROM agentmem.shortest_path('STORE', 'NS', ID(coffee), ID(episode))});
both('transitions', q{SELECT count(*) FROM agentmem.transitions('STORE', 'NS')});
both('outline', q{SELECT count(*) FROM agentmem.outline('STORE', 'NS')});
both('unlink', q{SELECT agentmem.unlink('STORE', 'NS', ID(coffee), ID(episode), 'similar')});
both('revise', q{SELECT agentmem.revise('STORE', 'NS', ID(episode), 'Ann met Bob in Rome on 4 May 2024')});
both('history', q{SELECT content, upper_inf(system_period) FROM agentmem.history('STORE', 'NS', ID(episode))});
both('restore', q{SELECT agentmem.restore('STORE', 'NS', ID(episode))});
both('as it was', q{SELECT content FROM agentmem.get('STORE', 'NS', ARRAY[ID(episode)])});
both('forget', q{SELECT agentmem.forget('STORE', 'NS', ID(coffee), 'why')});
both('undone', q{SELECT agentmem.restore('STORE', 'NS', ID(coffee))});
both('changes', q{SELECT change, after ->> 'content' FROM agentmem.changes('STORE', 'NS', now() - interval '1 day')});
both('as_of', q{SELECT content FROM agentmem.as_of('STORE', 'NS', known_at => now())});
both('forget_where', q{SELECT agentmem.forget_where('STORE', 'NS', subject => 'nobody')});
both('feedback', q{SELECT agentmem.feedback('STORE', 'NS', ID(coffee), true)});
both('reveal', q{SELECT agentmem.reveal('STORE', 'NS', ID(secret))});
both('cache_put', q{SELECT c > 0 AS kept FROM agentmem.cache_put('STORE', 'NS', 'talk', 'p', '[1,0,0]', 'answer') c});
both('cache_get', q{SELECT response FROM agentmem.cache_get('STORE', 'NS', 'talk', '[1,0.1,0]')});
both('cache_claim', q{SELECT state FROM agentmem.cache_claim('STORE', 'NS', 'talk', 'q')});
both('cache_claim taken', q{SELECT state FROM agentmem.cache_claim('STORE', 'NS', 'talk', 'q')});
both('cache_clear', q{SELECT agentmem.cache_clear('STORE', 'NS')});
both('enqueue_job', q{SELECT j > 0 AS queued FROM agentmem.enqueue_job('STORE', 'NS', 'extract', ARRAY[ID(episode)]) j});
both('enqueue_embeddings', q{SELECT agentmem.enqueue_embeddings('STORE', 'NS')});
both('set_namespace', q{SELECT agentmem.set_namespace('STORE', 'NS', quota => 5)});
both('maintain', q{SELECT step, changed FROM agentmem.maintain('STORE', 'NS')});
both('maintain later', q{SELECT step, changed FROM agentmem.maintain('STORE', 'NS', at => now() + interval '400 days')});
both('and then', q{SELECT content, state FROM agentmem.list('STORE', 'NS', during => '(,)', states => '{active,warm,cold,archived}') ORDER BY 1});
both('hold', q{SELECT agentmem.hold('STORE', 'NS', 'law')});
both('release', q{SELECT agentmem.release('STORE', 'NS')});
is(ask(q{SELECT count(*), count(DISTINCT namespace) FROM agentmem.namespaces('mem', n => 50)}), ask_of('one', q{SELECT count(*), count(DISTINCT namespace) FROM agentmem.namespaces('one', n => 50)}), 'namespaces');

# Policies, from the coordinator.
ask(q{SELECT agentmem.add_kind('mem', 'ticket', 'working', 'A ticket', '{"number": "int"}'), agentmem.add_edge_type('mem', 'odd', 1, true, 'x'), agentmem.set_cache_category('mem', 'talk', 0.5)});
is(ask(q{SELECT action FROM agentmem.remember('mem', 'u1', 'A ticket', 'ticket', attributes => '{"number": 7}')}), 'inserted', 'a new kind');
refused(q{SELECT agentmem.remember('mem', 'u1', 'A ticket', 'ticket', attributes => '{"number": "x"}')}, qr/must be integer/, 'what it does not take');
ask(q{SELECT agentmem.alter_kind('mem', 'ticket', attributes => '{"number": "text"}')});
refused(q{SELECT agentmem.alter_kind('mem', 'ticket', attributes => '{"number": "date"}')}, qr/must be date, not "7"/, 'what is held does not fit');
is(ask(q{SELECT agentmem.upgrade_store('mem')}), ask(q{SELECT extversion FROM pg_extension WHERE extname = 'agentmem'}), 'upgrade_store');

# By hand, through Citus: triggers on shards complete rows and keep the past beside them.
ask(q{INSERT INTO mem.memory (namespace, kind, content) SELECT 'hand' || i, 'fact', 'By hand in Paris ' || i FROM generate_series(1, 6) i});
ask(qq{UPDATE mem.memory SET content = 'By hand in London' WHERE namespace = 'hand$_'}) for 1 .. 6;
is(ask(qq{SELECT content FROM agentmem.recall('mem', 'hand$_', 'london')}), 'By hand in London', "by hand, hand$_") for 1 .. 6;
is(ask(q{SELECT count(*) FROM mem.memory_history WHERE content LIKE 'By hand in Paris%'}), '6', 'with its past');
is(ask(q{INSERT INTO mem.kind_fact (namespace, content) VALUES ('hand1', 'Through a view'); SELECT count(*) FROM mem.kind_fact WHERE namespace = 'hand1'}), '2', 'the view of a kind');
refused(q{UPDATE mem.kind_fact SET content = 'x' WHERE namespace = 'hand1'}, qr/cannot modify views/, 'an UPDATE of a view');

# Transactions over servers.
ask(q{BEGIN; } . join('', map { "SELECT agentmem.remember('mem', 't$_', 'Never');" } 1 .. 6) . q{ROLLBACK});
is(ask(q{SELECT count(*) FROM mem.memory WHERE namespace LIKE 't_'}), '0', 'rolled back on all');
is(ask(q{BEGIN; } . join('', map { "SELECT action FROM agentmem.remember('mem', 't$_', 'For ever');" } 1 .. 6) . q{SELECT content FROM agentmem.recall('mem', 't3', 'ever'); COMMIT}), join("\n", ('inserted') x 6, 'For ever'), 'a transaction');
is(ask(q{SELECT count(*) FROM mem.memory WHERE namespace LIKE 't_'}), '6', 'committed on all');

# What is not a call of its own is not sent: an error that says where to, and none ends a server.
my $elsewhere = qr/namespace "u\d" of store "mem" is not on this server\nDETAIL:  It is on /;
for my $sql (
	q{WITH r AS (SELECT * FROM agentmem.recall('mem', 'u1', 'bob')) SELECT count(*) FROM r},
	q{SELECT * FROM (SELECT * FROM agentmem.recall('mem', 'u1', 'bob')) r},
	q{CREATE TEMP VIEW v AS SELECT * FROM agentmem.recall('mem', 'u1', 'bob'); SELECT * FROM v},
	q{SELECT agentmem.count('mem', 'u1') FROM (SELECT 1) x},
	q{SELECT content FROM agentmem.recall('mem', 'u1', 'bob') WHERE score > 0},
	q{SELECT count(*) FROM unnest('{u1,u2,u3}'::text[]) n, agentmem.recall('mem', n, 'bob')},
	q{SELECT (agentmem.remember('mem', 'u1', 'x')).id},
	q{DO $$ BEGIN PERFORM agentmem.remember('mem', 'u1', 'x'); END $$},
	q{SELECT agentmem.count('mem', (SELECT 'u1'))})
{
	refused($sql, $elsewhere, $sql);
}
for my $sql (
	q{SELECT count(*) FROM agentmem.recall('mem', 'u1', 'bob')},
	q{SELECT content FROM agentmem.recall('mem', 'u1', 'bob') ORDER BY score DESC LIMIT 2},
	q{CREATE TEMP TABLE found AS SELECT * FROM agentmem.recall('mem', 'u1', 'bob')},
	q{DO $$ DECLARE r record; n text := 'u1'; BEGIN FOR r IN SELECT * FROM agentmem.recall('mem', n, 'bob') LOOP END LOOP; END $$},
	q{PREPARE p (text) AS SELECT * FROM agentmem.recall('mem', $1, 'bob'); EXECUTE p('u1'); EXECUTE p('u2'); EXECUTE p('u3'); EXECUTE p('u1'); EXECUTE p('u2'); EXECUTE p('u3'); EXECUTE p('u1')})
{
	my ($ret, $out, $err) = $main->psql('postgres', $sql);
	is($err, '', "sent: $sql");
}
refused(q{SELECT * FROM agentmem.recall('mem', NULL, 'bob')}, qr/namespace must not be null/, 'no namespace');
refused(q{PREPARE p (text) AS SELECT * FROM agentmem.recall('mem', $1, 'bob'); EXECUTE p(NULL)}, qr/namespace must not be null/, 'no namespace, prepared');
refused(q{SELECT * FROM agentmem.maintain('mem')}, qr/namespace must not be null/, 'maintain without a namespace');
refused(q{CALL agentmem.maintain_all('mem')}, qr/has no shard on this server/, 'maintain_all on the coordinator');
refused(q{SELECT * FROM agentmem.claim_jobs('mem')}, qr/has no shard on this server/, 'claim_jobs on the coordinator');
refused(q{SELECT * FROM agentmem.recall('mem', 'u1', 'bob', prefix => true)}, qr/recall by prefix is not possible/, 'recall by prefix');
refused(q{SELECT * FROM agentmem.recall('mem', 'u1', 'bob', shared => '{u2,u3,u4,u5,u6}')}, qr/not in the same shard/, 'recall with shared');
refused(q{SELECT agentmem.begin_space('mem', 4, 'new')}, qr/the model of a distributed store cannot be changed/, 'another model');

# What is of the whole store, on each server.
my $claimed = 0;
for my $worker (@workers)
{
	my ($ret, $out, $err) = $worker->psql('postgres', q{CALL agentmem.maintain_all('mem')});
	is($err, '', 'maintain_all, ' . $worker->name);
	$claimed += $worker->safe_psql('postgres', q{SELECT count(*) FROM agentmem.claim_jobs('mem', n => 1000)});
}
is($claimed, ask(q{SELECT count(*) FROM mem.job WHERE state = 'leased'}), 'all jobs are claimed');
cmp_ok($claimed, '>', 5, 'and there were some');
is(ask(q{SELECT count(*) FROM mem.namespace WHERE maintained IS NULL}), '0', 'all namespaces were maintained');
is($workers[0]->safe_psql('postgres', qq{SELECT content FROM agentmem.recall('mem', 'u$_', 'rome') LIMIT 1}), 'Ann met Bob in Rome on 3 May 2024', "asked at a worker, u$_") for 1 .. 6;

# Row security, and who is granted what.
ask(q{CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA mem TO app; GRANT SELECT ON ALL TABLES IN SCHEMA mem TO app; REVOKE ALL ON mem.secret FROM app});
ask(q{SELECT agentmem.enable_row_security('mem')});
my $as_app = q{SET ROLE app; SET citus.propagate_set_commands = 'local'; BEGIN; SET LOCAL ROLE app; SET LOCAL agentmem.namespace = 'u1'; };
sub app { return ($main->psql('postgres', "$as_app $_[0]; COMMIT", extra_params => [ '-U', 'app' ]))[ $_[1] // 1 ]; }
is(app(q{SELECT count(*) > 0 FROM agentmem.recall('mem', 'u1', 'bob')}), 't', 'its own namespace');
is(app(q{SELECT count(*) FROM agentmem.recall('mem', 'u2', 'bob')}), '0', 'and no other');
like(app(q{SELECT agentmem.remember('mem', 'u1', 'x')}, 2), qr/permission denied for the memories of store "mem"/, 'who may only read');
ask(q{SELECT agentmem.disable_row_security('mem')});

# A shard moves, in both ways, and back; nothing is lost, and restore() knows what was last.
my $export = q{SELECT l - 'exported_at' - 'precision' FROM agentmem.export('mem', 'u1', true) l ORDER BY 1};
my $shard = ask(q{SELECT get_shard_id_for_distribution_column('mem.memory', 'u1')});
for my $mode ('block_writes', 'force_logical')
{
	my $was = ask($export);
	my $from = ask("SELECT nodeport FROM citus_shards WHERE shardid = $shard");
	my ($source) = grep { $_->port == $from } @workers;
	my ($target) = grep { $_->port != $from } @workers;
	ask(sprintf(q{SELECT citus_move_shard_placement(%s, '%s', %s, '%s', %s, '%s')}, $shard, $source->host, $source->port, $target->host, $target->port, $mode));
	is(ask($export), $was, "moved, $mode: the same, with its past");
	my $new = ask(qq{SELECT id FROM agentmem.remember('mem', 'u1', 'After moving by $mode')});
	ask(qq{SELECT agentmem.revise('mem', 'u1', $id{'mem u1 episode'}, 'Changed after moving by $mode')});
	is(ask(qq{SELECT content FROM agentmem.recall('mem', 'u1', 'changed $mode') LIMIT 1}), "Changed after moving by $mode", 'it goes on there');
	is(ask(qq{SELECT agentmem.restore('mem', 'u1', $id{'mem u1 episode'})}), 't', 'what was last can be undone');
	is(ask(qq{SELECT content FROM agentmem.get('mem', 'u1', ARRAY[$id{'mem u1 episode'}])}), 'Ann met Bob in Rome on 3 May 2024', 'and is');
	is(ask(q{SELECT count(*) FILTER (WHERE step = 'statistics') FROM agentmem.maintain('mem', 'u1')}), '1', 'it is maintained there');
}

# Out of it, into it, and for good.
my $lines = ask($export =~ s/ ORDER BY 1$//r);
ask(q{SELECT agentmem.import('mem', 'copy', ARRAY[} . join(', ', map { "\$x\$$_\$x\$::jsonb" } split /\n/, $lines) . q{], remap => true)});
is(ask(q{SELECT count(*) FROM agentmem.list('mem', 'copy', during => '(,)')}), ask(q{SELECT count(*) FROM agentmem.list('mem', 'u1', during => '(,)')}), 'export and import');
my $receipt = ask(q{SELECT agentmem.erase('mem', 'copy', everything => true)});
is(ask(qq{SELECT sum(remaining) FROM agentmem.erase_verify('mem', \$x\$$receipt\$x\$)}), '0', 'erase');

# Another store, beside the first; both go. One that is not distributed cannot be called where others are.
ask(q{SELECT agentmem.create_store('two')});
refused(q{SELECT agentmem.remember('two', 'a', 'x')}, qr/schema "two" is not a store|store "two" does not exist/, 'a store that is not distributed beside one that is');
ask(q{SELECT agentmem.distribute('two')});
is(ask(q{SELECT count(DISTINCT colocationid) FROM pg_dist_partition WHERE partmethod = 'h'}), '1', 'stores are beside each other');
is(ask(q{SELECT action FROM agentmem.remember('two', 'u2', 'x')}), 'inserted', 'the second store');
ask(q{SELECT agentmem.drop_store('mem', cascade => true)});
is(ask(q{SELECT content FROM agentmem.recall('two', 'u2', 'x')}), 'x', 'it outlives the first');
refused(q{SELECT agentmem.drop_store('two')}, qr/holds memories/, 'a store with memories');
ask(q{SELECT agentmem.drop_store('two', cascade => true)});
ask(q{SELECT agentmem.create_store('three'), agentmem.distribute('three', 2)});
is(ask(q{SELECT action FROM agentmem.remember('three', 'a', 'y')}), 'inserted', 'a third, after all were gone');
ask(q{SELECT agentmem.erase('three', 'a', everything => true)});
ask(q{SELECT agentmem.drop_store('three'), agentmem.drop_store('parts')});
is(ask(q{SELECT count(*) FROM pg_dist_partition}), '0', 'nothing is left');

is($_->safe_psql('postgres', 'SELECT 1'), '1', $_->name . ' is there') for $main, @workers;
unlike(slurp_file($_->logfile), qr/was terminated by signal|PANIC/, $_->name . ' was never ended') for $main, @workers;
$_->stop for $main, @workers;
done_testing();
