# Only src/lexical/icu.c includes ICU.
grep -rn '#include.*unicode/' src --include='*.[ch]' | grep -v '^src/lexical/icu\.c:'
exit 0
