-- Which roles users and roles have.
-- params:
-- columns:
--   user_name        String
--   role_name        String
--   granted_role     String
-- needs: system.role_grants
-- cost: cheap, in memory
-- engines: 20.5+
SELECT
    ifNull(grants.user_name, '') AS user_name,
    ifNull(grants.role_name, '') AS role_name,
    granted_role_name AS granted_role
FROM system.role_grants AS grants
