-- Whether this user may see all tables. A user who may not gets an empty, healthy-looking server with HTTP 200.
-- params:
-- columns:
--   result  UInt8
-- cost: cheap, no table
-- engines: 25.8+ (CHECK GRANT, which 24.8 does not know); an older server with grants is asked SHOW GRANTS, one without grants shows all
CHECK GRANT SHOW TABLES, SHOW COLUMNS ON *.*
