# Each folder of src explains itself.
for folder in src src/*/; do
	compgen -G "$folder/*.[ch]" >/dev/null || compgen -G "$folder/*.sql" >/dev/null || continue
	[ -s "$folder/README.md" ] || echo "${folder%/} has no README.md"
done
exit 0
