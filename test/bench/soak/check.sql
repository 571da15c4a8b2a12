-- What holds after the soak, whatever was killed: each line is a name and how often it does not hold.
SELECT 'versions of a memory overlap', count(*)
FROM (SELECT lower(p) < lag(upper(p)) OVER (PARTITION BY namespace, id ORDER BY lower(p), upper(p)) AS wrong
      FROM (SELECT namespace, id, system_period AS p FROM soak.memory UNION ALL SELECT namespace, id, system_period FROM soak.memory_history) v) o WHERE wrong
UNION ALL SELECT 'a version has no time or no end', count(*) FROM soak.memory_history WHERE isempty(system_period) OR upper_inf(system_period)
UNION ALL SELECT 'a memory that is held has an end', count(*) FROM soak.memory WHERE NOT upper_inf(system_period)
UNION ALL SELECT 'values of a key overlap', count(*)
FROM (SELECT lower(valid_period) < lag(coalesce(upper(valid_period), 'infinity')) OVER (PARTITION BY namespace, key_hash ORDER BY lower(valid_period)) AS wrong
      FROM soak.memory m WHERE key_hash IS NOT NULL AND EXISTS (SELECT FROM soak.kind k WHERE k.name = m.kind AND k.supersede = 'replace')) o WHERE wrong
UNION ALL SELECT 'edges from or to what never was', count(*) FROM soak.edge e
WHERE NOT EXISTS (SELECT FROM soak.memory m WHERE m.namespace = e.namespace AND m.id = e.source)
  AND NOT EXISTS (SELECT FROM soak.memory_history m WHERE m.namespace = e.namespace AND m.id = e.source)
UNION ALL SELECT 'versions of an edge overlap', count(*)
FROM (SELECT lower(p) < lag(upper(p)) OVER (PARTITION BY namespace, source, target, type ORDER BY lower(p), upper(p)) AS wrong
      FROM (SELECT namespace, source, target, type, system_period AS p FROM soak.edge UNION ALL SELECT namespace, source, target, type, system_period FROM soak.edge_history) v) o WHERE wrong
UNION ALL SELECT 'counters of what never was', count(*) FROM soak.activity a
WHERE NOT EXISTS (SELECT FROM soak.memory m WHERE m.namespace = a.namespace AND m.id = a.id) AND NOT EXISTS (SELECT FROM soak.memory_history m WHERE m.namespace = a.namespace AND m.id = a.id)
UNION ALL SELECT 'conflicts of what never was', count(*) FROM soak.conflict c
WHERE NOT EXISTS (SELECT FROM soak.memory m WHERE m.namespace = c.namespace AND m.id = c.a) AND NOT EXISTS (SELECT FROM soak.memory_history m WHERE m.namespace = c.namespace AND m.id = c.a)
UNION ALL SELECT 'what was acknowledged is lost', count(*) FROM soak_client.said s
WHERE NOT EXISTS (SELECT FROM soak.memory m WHERE m.namespace = s.namespace AND m.id = s.id) AND NOT EXISTS (SELECT FROM soak.memory_history m WHERE m.namespace = s.namespace AND m.id = s.id)
UNION ALL SELECT 'words of a memory are not those of its content', count(*) FROM soak.memory m WHERE m.lexemes IS DISTINCT FROM agentmem.lexemes(m.language, m.content)
UNION ALL SELECT 'two summaries of one turn', count(*) FROM (SELECT FROM soak.edge e WHERE e.type = 'summary_of' AND NOT EXISTS (SELECT FROM (TABLE soak.memory UNION ALL TABLE soak.memory_history) c
  WHERE c.namespace = e.namespace AND c.id = e.source AND c.key LIKE 'maintain/community/%') GROUP BY e.namespace, e.target HAVING count(*) > 1) t
UNION ALL SELECT 'two reflections of one episode', count(*) FROM (SELECT FROM soak.edge e JOIN soak.memory r ON r.namespace = e.namespace AND r.id = e.source AND r.kind = 'reflection'
  WHERE e.type = 'derived_from' GROUP BY e.namespace, e.target HAVING count(*) > 1) t;
