-- Which of some types the server has.
-- params:
--   names  Array(String)
-- columns:
--   name  String
-- needs: system.data_type_families
-- cost: cheap, in memory
-- engines: 18.16+
SELECT name
FROM system.data_type_families
WHERE has({names:Array(String)}, name)
