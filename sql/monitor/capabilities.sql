-- Every column of every system table this user may see: what the server can be asked.
-- params:
-- columns:
--   table    String
--   columns  Array(String)
-- cost: moderate, walks the columns of database system; asked once a connection
-- engines: 18.16+
SELECT table, groupArray(name) AS columns
FROM system.columns
WHERE database = 'system'
GROUP BY table
