-- What a person is told to run so that a row policy of v1 holds on v2 too. Never sent by chtui.
-- params:
--   name        Identifier
--   where       Sql  `database`.`table`, or `database`.*
--   condition   Sql  as v1's server tells it
--   kind        Sql  RESTRICTIVE, or empty for a permissive one
--   applies_to  Sql  roles and users as v1's server tells them
-- cost: cheap, one right
-- engines: 20.4+ (row policies that are not in users.xml)
CREATE ROW POLICY {name:Identifier} ON {where:Sql} USING {condition:Sql}
AS {kind:Sql}
TO {applies_to:Sql}
