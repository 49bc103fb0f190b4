-- The user's own grants as statements, for servers that know grants but not CHECK GRANT.
-- params:
-- columns:
--   grants  String
-- cost: cheap, no table
-- engines: 20.4+
SHOW GRANTS
