-- Quotas that hold for some users, and settings profiles, piece by piece: what a user may use of a server.
-- params:
--   users  Array(String)
-- columns:
--   kind        String
--   name        String
--   definition  String
--   inherits    String
-- needs: system.quotas system.quota_limits system.settings_profile_elements
-- cost: cheap, in memory
-- engines: 20.8+
SELECT
    'quota' AS kind,
    quotas.name AS name,
    toString((toString(quotas.keys), apply_to_all, arraySort(arrayIntersect(apply_to_list, {users:Array(String)})), arraySort(arrayIntersect(apply_to_except, {users:Array(String)})))) AS definition,
    '' AS inherits
FROM system.quotas AS quotas
WHERE apply_to_all OR hasAny(apply_to_list, {users:Array(String)})
UNION ALL
SELECT
    'limit' AS kind,
    quota_name AS name,
    toString((duration, is_randomized_interval, max_queries, max_errors, max_result_rows, max_result_bytes, max_read_rows, max_read_bytes, max_execution_time)) AS definition,
    '' AS inherits
FROM system.quota_limits
UNION ALL
SELECT
    if(user_name IS NULL, 'profile', 'user') AS kind,
    ifNull(user_name, ifNull(profile_name, '')) AS name,
    toString((setting_name, value, min, max)) AS definition,
    ifNull(inherit_profile, '') AS inherits
FROM system.settings_profile_elements
WHERE role_name IS NULL
