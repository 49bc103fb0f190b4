-- Writes the log tables now, and makes them where nothing was logged yet: until its first write a log table does not exist.
-- cost: moderate, one part a table
-- engines: 24.8+
SYSTEM FLUSH LOGS
