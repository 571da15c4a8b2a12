# The pages of docs/reference have what the catalog has, and docs/reference.md leads to it: each function with the arguments, defaults and result that it has, the columns of views,
# types and the tables of a store, operators, operator classes, and settings with their defaults.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Page qw(blocks reference_pages);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = 'docs/reference.md';
plan(skip_all => "$file is not here") unless -f $file;
my $index = slurp_file($file);
my %page = map { $_ => slurp_file($_) } reference_pages();
my $page = join('', map { $page{$_} } reference_pages());
my ($internal) = $page{'docs/reference/errors-and-limits.md'} =~ /^## Internal objects\n(.*?)(?=^## |\z)/ms or BAIL_OUT('no section Internal objects');
# Operators of vectors, and what they are made of, are in tables: a name in backquotes will do there.
my $vectors = join('', map { $page{"docs/reference/vector-$_.md"} // BAIL_OUT("no page of vector $_") } qw(type index));

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'shared_preload_libraries = agentmem');
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION agentmem; SELECT agentmem.create_store('mem', dimensions => 3)));

# Signatures: what a block without language, or of text, says of functions, and what says so in a line.
my @signatures;
for my $block (blocks($page))
{
	my ($language, $text) = @$block;
	next unless $language eq '' || $language eq 'text';
	push @signatures, grep { /^(?:CALL )?[a-z_]+\(/ && (/^CALL/ || /\)\s*->/) } split(/\n(?=\S)/, $text);
}
push @signatures, $page =~ /`([a-z_]+\(\w+ \w[^`]*\) -> [a-z][^`]*)`/g;
my ($recall) = map { /^recall\((.*)\)\s*->/s ? $1 : () } @signatures;
cmp_ok(scalar(@signatures), '>', 80, 'the page has signatures');

# Each made anew as the page has it, in a schema of its own: the catalog then says whether it is the same.
my ($sql, @listed, %written) = ("SET search_path = agentmem, public;\nSET check_function_bodies = off;\nCREATE SCHEMA written;\n");
for my $signature (@signatures)
{
	$signature =~ s/\s+/ /g;
	if ($signature =~ /^CALL ([a-z_]+)(\(.*\)) ?$/)
	{
		$written{$1}++;
		$sql .= "CREATE PROCEDURE written.$1$2 LANGUAGE plpgsql AS 'BEGIN END';\n";
		next;
	}
	my ($name, $arguments, $result) = $signature =~ /^([a-z_]+)\((.*?)\) -> (.*?) ?$/ or BAIL_OUT("no signature: $signature");
	$written{$name}++;
	$arguments = $recall if $arguments eq 'the arguments of recall';
	# A row of which only some columns are said; the others are in a table.
	if ($result =~ /\.\.\.\)/) { push @listed, $name; next; }
	if ($result =~ /^(setof )?\((.*)\)$/)
	{
		my $set = $1;
		$arguments .= join('', map { ", OUT $_" } split(/, (?=[a-z_]+ )/, $2));
		$result = $set ? 'SETOF record' : 'record';
	}
	$sql .= "CREATE FUNCTION written.$name($arguments) RETURNS $result LANGUAGE plpgsql AS 'BEGIN END';\n";
}
is(($node->psql('postgres', $sql, on_error_stop => 0))[2], '', 'they are SQL');

$node->safe_psql('postgres', <<'END');
CREATE VIEW signature AS
  -- A row of a type is its columns.
  SELECT p.pronamespace::regnamespace::text AS schema, proname::text AS name,
         format('%s(%s) -> %s(%s)', proname,
           (SELECT string_agg(concat_ws(' ', nullif(a.name, ''), format_type(a.type, NULL), 'DEFAULT ' || pg_get_function_arg_default(p.oid, a.i::int)), ', ' ORDER BY a.i)
            FROM (SELECT proargnames[i] AS name, type, i
                  FROM unnest(coalesce(proallargtypes, proargtypes::oid[])) WITH ORDINALITY AS t (type, i) WHERE coalesce(proargmodes[i], 'i') IN ('i', 'b')) a),
           CASE WHEN proretset THEN 'setof ' ELSE '' END || CASE WHEN c.oid IS NULL THEN format_type(prorettype, NULL) ELSE 'record' END || ' ',
           coalesce((SELECT string_agg(proargnames[i] || ' ' || format_type(type, NULL), ', ' ORDER BY i)
                     FROM unnest(proallargtypes) WITH ORDINALITY AS t (type, i) WHERE proargmodes[i] IN ('o', 't', 'b')),
                    (SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0))) AS signature
  FROM pg_proc p LEFT JOIN pg_class c ON c.reltype = prorettype AND c.relname NOT LIKE '%sphere'
  WHERE pronamespace = 'written'::regnamespace
     OR EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'agentmem');
END
is($node->safe_psql('postgres', q(SELECT signature FROM signature w WHERE schema = 'written'
	AND NOT EXISTS (SELECT FROM signature h WHERE h.schema = 'agentmem' AND h.signature = w.signature) ORDER BY 1)),
	'', 'each signature is that of a function');
is($node->safe_psql('postgres', q(SELECT signature FROM signature h WHERE schema = 'agentmem' AND name IN (SELECT name FROM signature WHERE schema = 'written')
	AND NOT EXISTS (SELECT FROM signature w WHERE w.schema = 'written' AND w.signature = h.signature) ORDER BY 1)),
	'', 'and the other way round');

# Names that are not there in backquotes.
sub missing
{
	my ($where, @names) = @_;
	my %there = map { $_ => 1 } map { s/[(),.]/ /gr =~ /(\S+)/g } $where =~ s/^```.*?^```$//msgr =~ /`([^`]+)`/g;
	return join("\n", grep { !$there{$_} } @names);
}
sub rows { return split(/\n/, $node->safe_psql('postgres', $_[0])); }

# Said without a result, or as what is behind an operator, or a trigger's.
my %said = map { $_ => 1 } grep { defined } $page =~ /`([a-z_]+)\([^`]*\)|\(function `([a-z_]+)`\)|^(versioning)\(/mg;
is(missing("$vectors$internal", grep { !$written{$_} && !$said{$_} } rows(q(SELECT DISTINCT name FROM signature WHERE schema = 'agentmem' ORDER BY 1))),
	'', 'every other function is there, or is internal');

# The index: a row for each of them, to the section that has it, with the purpose that the section begins with.
my %purpose;
my @astray;
while ($index =~ /^\| \[`([a-z_0-9]+)`\]\((reference\/[\w-]+\.md)#([\w-]+)\) \| (.*) \|$/mg)
{
	my ($name, $where, $anchor, $purpose) = ($1, "docs/$2", $3, $4);
	my ($section) = grep { /^## (.*)/ && lc($1) =~ s/[^\w -]//gr =~ s/ /-/gr eq $anchor } split(/^(?=## )/m, $page{$where} // '');
	push @astray, "$name is not at $where#$anchor" unless defined $section && $section =~ /\b\Q$name\E\b/;
	push @astray, "$name: its section does not begin so" if defined $section && (grep { $_ eq $name } split(/, /, $section =~ s/^## (.*?)\n.*/$1/sr)) && $section !~ /^(?:\* )?\Q$name - $purpose\E$/m;
	push @astray, "$name is there twice" if $purpose{$name};
	$purpose{$name} = $purpose;
}
is(join("\n", @astray), '', 'the index leads to sections, and says what they say');
my %internal = map { $_ => 1 } map { /(\w+)/g } $internal =~ /`([^`]+)`/g;
my @functions = rows(q(SELECT DISTINCT name FROM signature WHERE schema = 'agentmem' ORDER BY 1));
is(join("\n", grep { !$purpose{$_} && !$internal{$_} } @functions), '', 'and to every function that is not internal');
is(join("\n", grep { my $name = $_; !grep { $_ eq $name } @functions } sort keys %purpose), '', 'and to no other');
is(missing($page, rows("SELECT argument FROM pg_proc, unnest(proargnames, proargmodes) AS a (argument, mode) WHERE mode IN ('o', 't') AND pronamespace = 'agentmem'::regnamespace AND proname = '$_'")),
	'', "$_: every column is there")
  for @listed;

is(missing($page, rows(q(SELECT attname FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
	WHERE relnamespace = 'agentmem'::regnamespace AND relkind IN ('v', 'c') AND relname NOT IN ('sphere', 'halfvec_sphere')))), '', 'columns of views and types');
my $tables = $page{'docs/reference/tables.md'};
is(missing($page, rows(q(SELECT DISTINCT attname FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
	WHERE relnamespace = 'mem'::regnamespace AND relkind = 'r'))), '', 'columns of tables of a store');
is(join("\n", grep { $tables !~ /^## Tables? [^\n]*\b$_\b|`$_`/m }
	rows(q(SELECT relname FROM pg_class WHERE relnamespace = 'mem'::regnamespace AND relkind = 'r'))), '', 'tables of a store');

is(join("\n", grep { my $operator = s/\|/\\|/gr; $page !~ /`[^`\n]*\Q$operator\E[^`\n]*`/ }
	rows(q(SELECT DISTINCT oprname FROM pg_operator WHERE oprnamespace = 'agentmem'::regnamespace))), '', 'operators');
is(missing($page, rows(q(SELECT DISTINCT opcname FROM pg_opclass WHERE opcnamespace = 'agentmem'::regnamespace))), '', 'operator classes');

my %default = $page =~ /^\| `(agentmem\.[a-z_]+)` \| ([^|]*?) \|/mg;
is(join("\n", grep { !defined $default{$_} } rows(q(SELECT name FROM pg_settings WHERE name LIKE 'agentmem.%'))), '', 'settings');
is(join("\n", grep { my $shown = $node->safe_psql('postgres', "SHOW $_"); $shown ne ($default{$_} eq 'empty' ? '' : $default{$_} =~ s/[` ]//gr) && ($_ .= " is $shown, not $default{$_}") }
	sort keys %default), '', 'their defaults');
is($node->safe_psql('postgres', q(SELECT name FROM pg_settings WHERE name LIKE 'agentmem.%' AND short_desc !~ '^Sets .*\.$' ORDER BY 1)), '', 'and each says what it does');

$node->stop;
done_testing();
