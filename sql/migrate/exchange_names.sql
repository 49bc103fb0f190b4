-- Gives a table's name to another table, and the one that had it a new name, in one step of the host asked.
-- params:
--   table      Table
--   aside      Table       the new name of what is called `table`
--   successor  Table       what is called `table` from then on
--   cluster    Identifier  empty for the host asked alone
-- cost: cheap, names alone
-- engines: 18.16+
RENAME TABLE {table:Table} TO {aside:Table}, {successor:Table} TO {table:Table}
ON CLUSTER {cluster:Identifier}
