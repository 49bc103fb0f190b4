-- Has the server write its logs out, so that what ended until now can be read from them.
-- params:
-- columns:
-- cost: cheap, what was logged within the last seconds
-- engines: 18.16+
SYSTEM FLUSH LOGS
