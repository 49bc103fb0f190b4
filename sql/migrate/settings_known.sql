-- Which of some settings this server knows.
-- params:
--   names  Array(String)
-- columns:
--   name  String
-- needs: system.settings
-- cost: cheap, in memory
-- engines: 18.16+
SELECT name
FROM system.settings
WHERE has({names:Array(String)}, name)
