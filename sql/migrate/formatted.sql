-- Statements in the form in which the server itself keeps them, each on one line.
-- params:
--   texts  Array(String)
-- columns:
--   text  String
-- cost: cheap, parses texts
-- engines: 23.10+
SELECT formatQuerySingleLine(arrayJoin({texts:Array(String)})) AS text
