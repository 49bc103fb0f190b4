-- Replicated tables of the host with their paths; asks Keeper nothing.
-- params:
--   databases  Array(String)
-- columns:
--   database            String
--   table               String
--   zookeeper_path      String
--   replica_name        String
--   is_readonly         UInt8
--   is_session_expired  UInt8
-- needs: system.replicas
-- cost: cheap, in memory
-- engines: 18.16+
SELECT database, table, zookeeper_path, replica_name, is_readonly, is_session_expired
FROM system.replicas
WHERE has({databases:Array(String)}, database)
