-- The dictionaries that read a database or belong to it. Of one that was not loaded yet the server tells no source.
-- params:
--   database  String
-- columns:
--   name    String
--   source  String
-- needs: system.dictionaries, system.tables
-- cost: cheap, in memory
-- engines: 18.16+
SELECT name, max(found.source) AS source
FROM
(
    SELECT name, dictionaries.source AS source
    FROM system.dictionaries AS dictionaries
    WHERE position(dictionaries.source, concat({database:String}, '.')) > 0
    UNION ALL
    SELECT name, '' AS source
    FROM system.tables
    WHERE engine = 'Dictionary'
        AND (database = {database:String} OR position(create_table_query, concat('\'', {database:String}, '\'')) > 0)
) AS found
GROUP BY name
ORDER BY name
