-- The server's macros.
-- params:
-- columns:
--   macro         String
--   substitution  String
-- needs: system.macros
-- cost: cheap, reads the server's configuration
-- engines: 18.16+
SELECT macro, substitution
FROM system.macros
