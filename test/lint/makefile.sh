# The Makefile lists every C file and every SQL part: a forgotten one would go unnoticed.
for file in src/*.c src/*/*.c; do
	grep -q "\b${file%.c}\.o\b" Makefile || echo "$file is not in OBJS"
done
for file in src/*/*.sql; do
	case $file in src/upgrade/*) continue ;; esac
	grep -q "\b$file\b" Makefile || echo "$file is not in SQL_PARTS"
done
exit 0
