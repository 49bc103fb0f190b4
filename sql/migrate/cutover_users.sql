-- The users of a server, and how they prove who they are; no password and no hash.
-- params:
-- columns:
--   name       String
--   auth_type  String
-- needs: system.users
-- cost: cheap, in memory
-- engines: 20.5+
SELECT name, toString(users.auth_type) AS auth_type
FROM system.users AS users
