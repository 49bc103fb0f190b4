-- Who may read what of some databases; those rights that hold for all databases, or all of some beginning, among them.
-- params:
--   databases  Array(String)
-- columns:
--   user_name   String
--   role_name   String
--   database    String
--   table       String
--   column      String
--   is_revoked  UInt8
-- needs: system.grants
-- cost: cheap, in memory
-- engines: 20.5+
SELECT
    ifNull(grants.user_name, '') AS user_name,
    ifNull(grants.role_name, '') AS role_name,
    ifNull(grants.database, '') AS database,
    ifNull(grants.table, '') AS table,
    ifNull(grants.column, '') AS column,
    grants.is_partial_revoke AS is_revoked
FROM system.grants AS grants
WHERE toString(access_type) IN ('SELECT', 'ALL')
    AND (grants.database IS NULL OR has({databases:Array(String)}, grants.database) OR endsWith(ifNull(grants.database, ''), '*'))
