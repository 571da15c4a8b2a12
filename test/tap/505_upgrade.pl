# Every way from an older version of the extension ends where a new one begins: the extension's objects, and the
# tables of a store after upgrade_store.  Released versions are those of src/upgrade, with their install scripts in
# test/fixtures; two made-up ones, written here from the present script, see that the way itself works.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = $node->safe_psql('postgres', q{SELECT setting || '/extension' FROM pg_config WHERE name = 'SHAREDIR'});
plan skip_all => "cannot write to $dir" unless -w $dir;
my ($current) = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'agentmem'});

# Taken away again, however the test ends.
my @written;
END { unlink @written }

sub install
{
	my ($name, $text) = @_;
	push @written, "$dir/$name";
	append_to_file("$dir/$name", $text);
}

# The definition of a function in a script, with its comment.
sub definition
{
	my ($script, $name) = @_;
	$script =~ /^(CREATE FUNCTION agentmem\.$name\(.*?^COMMENT ON FUNCTION agentmem\.$name\(.*?';\n)/ms or die "no function $name";
	return $1 =~ s/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/r;
}

# Replaces what must be there.
sub replaced
{
	my ($text, $from, $to) = @_;
	my $at = index $text, $from;
	die "not there: $from" if $at < 0;
	substr($text, $at, length $from) = $to;
	return $text;
}

# Version 0.0.2 has a column, an index and a table more than 0.0.1, and a function; 0.0.3 has the same tables.
my $present = slurp_file("$dir/agentmem--$current.sql");
my $step = q[
CREATE FUNCTION agentmem.create_notes(store name) RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF to_regclass(format('%I.note', store)) IS NULL THEN
    PERFORM agentmem.create_table(store, 'note', 'Notes', 'namespace text COLLATE "C" NOT NULL, id bigint NOT NULL, note text, CONSTRAINT note_pkey PRIMARY KEY (namespace, id)', '{"note": "A note"}', 'fillfactor = 90',
      (SELECT count(*)::int FROM pg_inherits WHERE inhparent = format('%I.memory', store)::regclass));
  END IF;
END $$;
COMMENT ON FUNCTION agentmem.create_notes(name) IS 'Makes the table note';
CREATE FUNCTION agentmem.upgrade_to_0_0_2(store name) RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('ALTER TABLE %I.memory ADD COLUMN IF NOT EXISTS colour text', store);
  EXECUTE format('ALTER TABLE %I.memory_history ADD COLUMN IF NOT EXISTS colour text', store);
  EXECUTE format('CREATE INDEX IF NOT EXISTS memory_colour_idx ON %I.memory (namespace, colour)', store);
  PERFORM agentmem.create_versioning(store);
  PERFORM agentmem.create_notes(store);
END $$;
COMMENT ON FUNCTION agentmem.upgrade_to_0_0_2(name) IS 'A step of upgrade_store';
];
my $second = replaced($present, "      operation bigint,\n      CONSTRAINT memory_pkey", "      operation bigint,\n      colour text,\n      CONSTRAINT memory_pkey");
$second = replaced($second, 'CREATE INDEX memory_parent_idx ON %1$I.memory', 'CREATE INDEX memory_colour_idx ON %1$I.memory (namespace, colour);' . "\n    " . 'CREATE INDEX memory_parent_idx ON %1$I.memory');
$second = replaced($second, 'key_hash,operation', 'key_hash,operation,colour');
$second = replaced($second, '  PERFORM agentmem.create_access_tables(store, partitions);', "  PERFORM agentmem.create_access_tables(store, partitions);\n  PERFORM agentmem.create_notes(store);");
$second = replaced($second, "\n  RETURN;\nEND\n\$\$;\nCOMMENT ON FUNCTION agentmem.upgrade_steps", "\n  RETURN QUERY VALUES ('0.0.1'::text, '0.0.2'::text, 'upgrade_to_0_0_2'::name), ('0.0.2', '0.0.3', NULL);\nEND\n\$\$;\nCOMMENT ON FUNCTION agentmem.upgrade_steps") . $step;
install('agentmem--0.0.1.sql', $present);
install('agentmem--0.0.2.sql', $second);
install('agentmem--0.0.3.sql', $second);
install('agentmem--0.0.1--0.0.2.sql', definition($second, 'create_store') . definition($second, 'create_versioning') . definition($second, 'upgrade_steps') . $step);
install('agentmem--0.0.2--0.0.3.sql', "-- The library alone is another.\n");
for my $file (glob 'test/fixtures/agentmem--*.sql')
{
	my ($name) = $file =~ m{([^/]*)$};
	install($name, slurp_file($file)) unless -e "$dir/$name";
}

# What a store is made of.
my $shape = q{
	SELECT c.relname, c.relkind, c.reloptions, c.relrowsecurity, obj_description(c.oid, 'pg_class') FROM pg_class c WHERE c.relnamespace = 'STORE'::regnamespace ORDER BY 1;
	SELECT c.relname, a.attname, col_description(c.oid, a.attnum), format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relnamespace = 'STORE'::regnamespace ORDER BY 1, a.attnum;
	SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'STORE'::regnamespace ORDER BY 1;
	SELECT c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.connamespace = 'STORE'::regnamespace ORDER BY c.conrelid::regclass::text, 2;
	SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'STORE'::regnamespace ORDER BY 1;
	SELECT pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relnamespace = 'STORE'::regnamespace AND c.relkind = 'v' ORDER BY c.relname;
	SELECT polrelid::regclass, polname, pg_get_expr(polqual, polrelid) FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE c.relnamespace = 'STORE'::regnamespace ORDER BY c.relname;
	SELECT k FROM STORE.kind k ORDER BY name; SELECT k FROM STORE.kind_attribute k ORDER BY kind, name; SELECT s FROM STORE.setting s ORDER BY name;
};
my $make = q{SELECT agentmem.create_store('mem', 3); SELECT agentmem.create_store('parts', 3, partitions => 2); SELECT agentmem.create_store('own'); SELECT agentmem.create_store('role');
	SELECT agentmem.enable_row_security('own'); SELECT agentmem.enable_row_security('role', by => 'role');};
my $fill = q{SELECT agentmem.remember(s, 'n', 'a lamp', 'fact', '[1,0,0]', subject => 'lamp', predicate => 'is') FROM unnest('{mem,parts}'::name[]) s; SELECT agentmem.revise(s, 'n', 1, 'a lamp of brass', '[1,0,0]') FROM unnest('{mem,parts}'::name[]) s;};
my $answers = q{SELECT s, content FROM unnest('{mem,parts}'::name[]) s, LATERAL agentmem.recall(s, 'n', 'lamp', '[1,0,0]'); SELECT s, h.content FROM unnest('{mem,parts}'::name[]) s, LATERAL agentmem.history(s, 'n', 1) h;
	SELECT s, agentmem.restore(s, 'n', 1) FROM unnest('{mem,parts}'::name[]) s; SELECT agentmem.remember(s, 'n', 'new', 'fact') FROM unnest('{mem,parts}'::name[]) s;};
my $members = q{SELECT pg_describe_object(classid, objid, 0), CASE classid WHEN 'pg_proc'::regclass THEN (SELECT md5(p.prosrc) || coalesce(p.proconfig::text, '') FROM pg_proc p WHERE p.oid = objid) END,
	obj_description(objid, (SELECT relname FROM pg_class WHERE oid = classid)) FROM pg_depend
	WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem') ORDER BY 1};

my $paths = 0;
for my $path (split /\n/, $node->safe_psql('postgres', q{SELECT source || ' ' || target FROM pg_extension_update_paths('agentmem') WHERE path IS NOT NULL ORDER BY 1}))
{
	my ($from, $to) = split / /, $path;
	my $name = "$from to $to";
	$paths++;
	$node->safe_psql('postgres', "CREATE DATABASE \"$_\"") for ('from', 'at', 'restored');
	$node->safe_psql('at', "CREATE EXTENSION agentmem VERSION '$to' CASCADE; $make");
	$node->safe_psql('restored', "CREATE EXTENSION agentmem VERSION '$to' CASCADE");
	$node->safe_psql('from', "CREATE EXTENSION agentmem VERSION '$from' CASCADE; $make $fill");
	my $dump = $node->basedir . "/$from.$to.sql";
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('from'), '-f', $dump, map { ('-n', $_) } 'mem', 'parts', 'own', 'role' ], "$name: dumped");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], "$name: restored");
	$node->safe_psql('from', "ALTER EXTENSION agentmem UPDATE TO '$to'");
	is($node->safe_psql('from', $members), $node->safe_psql('at', $members), "$name: the same objects");
	for my $database ('from', 'restored')
	{
		is($node->safe_psql($database, q{SELECT string_agg(DISTINCT version, ',') FROM agentmem.stores}), $from, "$name, $database: the stores are as they were");
		is($node->safe_psql($database, 'SELECT string_agg(agentmem.upgrade_store(store), \',\') FROM agentmem.stores'), join(',', ($to) x 4), "$name, $database: the stores follow");
		for my $store ('mem', 'parts', 'own', 'role')
		{
			my $ask = $shape =~ s/STORE/$store/gr;
			is($node->safe_psql($database, $ask), $node->safe_psql('at', $ask), "$name, $database: $store is as a new one");
		}
		like($node->safe_psql($database, $answers), qr/mem\|a lamp of brass\nparts\|a lamp of brass\n.*mem\|t\nparts\|t\n\(\d+,inserted,\{\}\)/s, "$name, $database: it answers");
	}
	# Every step again, as after a version that was put back.
	my $again = $node->safe_psql('from', $shape =~ s/STORE/parts/gr);
	$node->safe_psql('from', "UPDATE parts.setting SET value = '$from' WHERE name = 'version'; SELECT agentmem.upgrade_store('parts')");
	is($node->safe_psql('from', $shape =~ s/STORE/parts/gr), $again, "$name: again changes nothing");
	$node->safe_psql('postgres', "DROP DATABASE \"$_\"") for ('from', 'at', 'restored');
}
cmp_ok($paths, '>=', 3, 'there were ways');

# All or nothing, one after the other, and only known versions.
$node->safe_psql('postgres', 'CREATE DATABASE broken');
$node->safe_psql('broken', "CREATE EXTENSION agentmem VERSION '0.0.1' CASCADE; $make $fill ALTER EXTENSION agentmem UPDATE TO '0.0.3'; CREATE TYPE mem.note AS ENUM ('in the way')");
my $before = $node->safe_psql('broken', $shape =~ s/STORE/mem/gr);
my ($ret, $stdout, $stderr) = $node->psql('broken', q{SELECT agentmem.upgrade_store('mem')});
like($stderr, qr/"note"/, 'what is in the way of a step is named');
is($node->safe_psql('broken', $shape =~ s/STORE/mem/gr), $before, 'and the store is as it was');
$node->safe_psql('broken', q{DROP TYPE mem.note});
my $first = $node->background_psql('broken');
$first->query_safe(q{BEGIN});
is($first->query_safe(q{SELECT agentmem.upgrade_store('mem')}), '0.0.3', 'without it the store follows');
my $other = $node->background_psql('broken');
$other->query_until(qr/begins/, "\\echo begins\nSELECT agentmem.upgrade_store('mem');\n");
$node->poll_query_until('broken', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%upgrade_store%'}) or die 'nobody waits';
$first->query_safe('COMMIT');
$first->quit;
$other->quit;
is($node->safe_psql('broken', q{SELECT value FROM mem.setting WHERE name = 'version'}), '0.0.3', 'two of them take turns');
for my $case ([ '0.0.4', '0A000' ], [ '0', '0A000' ])
{
	($ret, $stdout, $stderr) = $node->psql('broken', "\\set VERBOSITY verbose\nUPDATE own.setting SET value = '$case->[0]' WHERE name = 'version'; SELECT agentmem.upgrade_store('own')");
	like($stderr, qr/ERROR:  $case->[1]: store "own" is of version \Q$case->[0]\E, which agentmem 0.0.3 does not know/, "$case->[0] is refused");
}

$node->stop;
done_testing();
