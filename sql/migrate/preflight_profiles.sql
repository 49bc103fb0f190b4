-- Some settings as profiles, users and roles of the server have them, and whether they are this user's, by way of a profile too.
-- params:
--   names  Array(String)
-- columns:
--   owner   String
--   is_own  UInt8
--   name    String
--   value   String
-- needs: system.settings_profile_elements
-- cost: cheap, in memory
-- engines: 21.9+
SELECT
    multiIf(
        isNotNull(profile_name), concat('profile ', assumeNotNull(profile_name)),
        isNotNull(user_name), concat('user ', assumeNotNull(user_name)),
        concat('role ', ifNull(role_name, ''))
    ) AS owner,
    has(enabledProfiles(), ifNull(profile_name, '')) OR ifNull(user_name, '') = currentUser() AS is_own,
    assumeNotNull(setting_name) AS name,
    ifNull(elements.value, '') AS value
FROM system.settings_profile_elements AS elements
WHERE isNotNull(setting_name) AND isNotNull(elements.value) AND has({names:Array(String)}, assumeNotNull(setting_name))
ORDER BY owner, name
