-- The server's version, and the time zone in which expressions of this user's queries see days begin.
-- params:
-- columns:
--   version    String
--   time_zone  String
-- cost: cheap, no table
-- engines: 18.16+
SELECT version() AS version, timezone() AS time_zone
