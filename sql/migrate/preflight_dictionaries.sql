-- The dictionaries that read a database or belong to it.
-- params:
--   database  String
-- columns:
--   name    String
--   source  String
-- needs: system.dictionaries
-- cost: cheap, in memory
-- engines: 18.16+
SELECT name, source
FROM system.dictionaries
WHERE position(source, concat({database:String}, '.')) > 0
ORDER BY name
