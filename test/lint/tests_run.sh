# Every test is run, and every test has an expected result, and the other way round.
shopt -s nullglob
for sql in sql/*.sql; do
	[ -f "expected/$(basename "$sql" .sql).out" ] || echo "$sql has no expected/*.out"
done
for out in expected/*.out; do
	[ -f "sql/$(basename "$out" .out).sql" ] || echo "$out has no sql/*.sql"
done
for spec in test/isolation/specs/*.spec; do
	[ -f "test/isolation/expected/$(basename "$spec" .spec).out" ] || echo "$spec has no expected result"
done
# Unquoted: the names of TAP files are a pattern that the shell expands.
# shellcheck disable=SC2005,SC2046
run=" $(echo $(make -sn installcheck)) "
find sql test -name '*.sql' -o -name '*.spec' -o -name '*.pl' | grep -v '^test/\(bench\|fixtures\)/' | while read -r test; do
	name=$(basename "$test" .sql)
	name=$(basename "$name" .spec)
	case $run in *" $name "* | *" $test "*) ;; *) echo "$test is not run by make installcheck" ;; esac
done
# Blocks of SQL are run where 601 and 602 look for them: another language says that a block is not.
find . -name '*.md' -not -path './docs/*' -not -path './README.md' -not -path './tmp_check/*' | while read -r page; do
	grep -n '^ *```sql' "$page" | sed "s|^|$page has SQL that no test runs: |"
done
exit 0
