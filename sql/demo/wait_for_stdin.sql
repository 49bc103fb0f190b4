-- Reads standard input until its end: the query while which a node serves. The file is read by the client's half of the process, so
-- that `default`, whom anybody on the machine can be, needs no right to read files. The interval keeps it from waking up for progress.
-- cost: cheap, it sleeps in read()
-- engines: 23.8+
INSERT INTO FUNCTION null('line String') FROM INFILE '/dev/stdin' SETTINGS interactive_delay = 60000000 FORMAT LineAsString
