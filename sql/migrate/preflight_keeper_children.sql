-- The names below one path of Keeper.
-- params:
--   path  String
-- columns:
--   name   String
--   value  String
-- needs: system.zookeeper
-- cost: moderate, a Keeper request for the path and one for each name below
-- engines: 18.16+
SELECT name, value
FROM system.zookeeper
WHERE path = {path:String}
