-- What a person is told to run so that a reader of v1 may read the same of v2. Never sent by chtui.
-- params:
--   where  Sql  `database`.`table`, or `database`.*
--   user   Identifier
-- cost: cheap, one right
-- engines: 20.4+ (users that are not in users.xml)
GRANT SELECT ON {where:Sql} TO {user:Identifier}
