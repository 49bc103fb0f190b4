-- What the server itself warns of.
-- params:
-- columns:
--   message  String
-- needs: system.warnings
-- cost: cheap, messages in memory
-- engines: 21.12+
SELECT substring(warnings.message, 1, 500) AS message
FROM system.warnings AS warnings
