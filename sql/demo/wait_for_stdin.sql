-- Reads standard input until its end: the query while which a node serves. The interval keeps it from waking up for progress.
-- cost: cheap, it sleeps in read()
-- engines: 23.8+
SELECT count() FROM file('/dev/stdin', 'LineAsString') SETTINGS interactive_delay = 60000000
