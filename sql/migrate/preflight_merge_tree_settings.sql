-- Some of the server's defaults for tables.
-- params:
--   names  Array(String)
-- columns:
--   name   String
--   value  String
-- needs: system.merge_tree_settings
-- cost: cheap, in memory
-- engines: 18.16+
SELECT name, value
FROM system.merge_tree_settings
WHERE has({names:Array(String)}, name)
