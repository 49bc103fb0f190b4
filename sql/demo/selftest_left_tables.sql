-- Gives the tables a run made for itself and did not drop; its lease stays on purpose.
-- params:
--   database  String
--   run       String
-- columns:
--   name  String
-- needs: system.tables
-- cost: cheap, the names of one database's tables
-- engines: 18.16+
SELECT name
FROM system.tables
WHERE database = {database:String}
    AND substring(name, 1, 6) = 'chtui_'
    AND position(name, {run:String}) > 0
    AND substring(name, 1, 12) != 'chtui_lease_'
