-- Drops a database of the self test or of a rehearsal, where there is one.
-- params:
--   database  Identifier
-- cost: cheap
-- engines: 18.16+
DROP DATABASE IF EXISTS {database:Identifier}
