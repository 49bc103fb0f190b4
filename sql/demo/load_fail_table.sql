-- A question that fails: a table that is not there.
-- cost: cheap
-- engines: 24.8+
SELECT count() FROM demo.orders_2019
