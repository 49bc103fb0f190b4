-- Whether this user has some rights. With `readonly` = 1 the server denies every right to change something.
-- params:
--   rights  Sql
--   where   Sql  `db`.*, *.* or the name of what the right is for
-- columns:
--   result  UInt8
-- cost: cheap, no table
-- engines: 25.8+ (CHECK GRANT, which 24.8 does not know)
CHECK GRANT {rights:Sql} ON {where:Sql}
