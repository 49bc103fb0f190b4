-- Some settings as they are for this user, and whether the user may change them.
-- params:
--   names  Array(String)
-- columns:
--   name        String
--   value       String
--   is_changed  UInt8
--   lowest      Nullable(String)
--   highest     Nullable(String)
--   is_fixed    Nullable(UInt8)
-- needs: system.settings
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    name,
    value,
    changed AS is_changed,
    settings.min AS lowest, -- optional: system.settings.min
    settings.max AS highest, -- optional: system.settings.max
    toNullable(settings.readonly) AS is_fixed -- optional: system.settings.readonly
FROM system.settings AS settings
WHERE has({names:Array(String)}, name)
