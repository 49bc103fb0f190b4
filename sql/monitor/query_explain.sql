-- The plan of a SELECT with the indexes it uses, one row a line. The SELECT is the server's own text of `monitor/query_explainable`.
-- params:
--   statement  Statement
-- columns:
--   line  String
-- needs: system.query_log system.query_log.hostname system.query_log.query_kind
-- cost: costly, runs the scalar subqueries of the SELECT and reads its indexes; on a key press only
-- engines: 23.11+
EXPLAIN indexes = 1 {statement:Statement}
