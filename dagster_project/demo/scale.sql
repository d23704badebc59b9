-- One year of a synthetic city or province, as raw observations (demo/scale.py runs it year by year).
-- Parameters: seed, year, first_month, last_month, first_year, county, sample (townships), newest (month), label.
-- Money 万元, mass 吨, energy tce, electricity 万千瓦时, people 人.
CREATE OR REPLACE TEMP TABLE scale_figure AS
WITH months AS (
    SELECT cast(range AS DATE) AS period FROM range($first_month::DATE, $last_month::DATE + INTERVAL 1 DAY, INTERVAL 1 MONTH)
),
reported AS (
    SELECT enterprise_id, township_code, number, indicator_code, share FROM raw.scale_register CROSS JOIN flow
    UNION ALL
    SELECT enterprise_id, township_code, number, 'CO01', 20.0 FROM raw.scale_register WHERE is_coal_mine
    UNION ALL
    SELECT enterprise_id, township_code, number, 'EN00', 1.1 FROM raw.scale_register WHERE is_key_energy
),
drawn AS (
    SELECT
        r.enterprise_id, r.township_code, r.indicator_code, m.period,
        -- output of a month: size of the enterprise × growth × season × noise, each drawn by hash and so repeatable
        round(
            r.share * exp(4.5 + 1.1 * (hash(r.number, $seed, 'size') % 10000 / 5000.0 - 1))
            * (1.04 + hash(r.number, $seed, 'growth') % 1000 / 10000.0) ** ($year - $first_year)
            * (1 + 0.12 * cos(month(m.period) * 0.5236 + 1))
            * (0.94 + hash(r.number, m.period, $seed) % 1200 / 10000.0)
            * (0.99 + hash(r.number, r.indicator_code, m.period, $seed) % 200 / 10000.0), 2
        )::DECIMAL(24, 6) AS value_month
    FROM reported AS r CROSS JOIN months AS m
)
SELECT *, (sum(value_month) OVER (PARTITION BY enterprise_id, indicator_code ORDER BY period))::DECIMAL(24, 6) AS value_ytd
FROM drawn;

CREATE OR REPLACE TEMP TABLE scale_submission AS
WITH wanted AS (
    SELECT DISTINCT
        period, CASE indicator_code WHEN 'CO01' THEN 'CO-M1' WHEN 'EN00' THEN 'EN-M1' ELSE 'TE-M3' END AS form_code
    FROM scale_figure
    UNION ALL SELECT DISTINCT period, 'TE-M1' FROM scale_figure
    UNION ALL SELECT make_date($year, 12, 1), 'TG-Y1'
    UNION ALL SELECT make_date($year, 1, 1), 'RO-Y1' WHERE $year = $first_year
)
SELECT
    w.form_code, w.period,
    -- older than everything received, and in the order of time
    -- 10 a month leave room for the forms
    (year(w.period) - 3000) * 200 + month(w.period) * 10
    + CASE w.form_code WHEN 'RO-Y1' THEN 0 WHEN 'TE-M3' THEN 1 WHEN 'CO-M1' THEN 2 WHEN 'EN-M1' THEN 3 WHEN 'TE-M1' THEN 4 ELSE 5 END AS seq,
    'G' || strftime(w.period, '%Y%m') || '-' || w.form_code AS submission_id,
    CASE
        WHEN w.form_code = 'TG-Y1' THEN make_timestamp($year, 1, 20, 2, 0, 0)
        WHEN w.form_code = 'RO-Y1' THEN make_timestamp($year, 1, 5, 2, 0, 0)
        ELSE w.period::TIMESTAMP + INTERVAL 1 MONTH + INTERVAL 98 HOUR
    END AS received_at
FROM wanted AS w;

INSERT INTO raw.observation
SELECT
    s.submission_id, s.seq, s.form_code, f.indicator_code, 'enterprise', f.enterprise_id, f.township_code, f.period, m.measure, 1,
    CASE m.measure WHEN 'month' THEN f.value_month ELSE f.value_ytd END, NULL, false, false, NULL, 'Sheet1',
    chr((65 + hash(f.indicator_code, m.measure) % 26)::INTEGER) || (5 + e.number), NULL, i.unit, 1, $label, 'accepted', s.received_at
FROM scale_figure AS f
JOIN raw.scale_register AS e USING (enterprise_id)
JOIN reference.indicators AS i ON f.indicator_code = i.indicator_code
CROSS JOIN (SELECT unnest(['month', 'ytd']) AS measure) AS m
JOIN scale_submission AS s
    ON f.period = s.period
    AND s.form_code = CASE f.indicator_code WHEN 'CO01' THEN 'CO-M1' WHEN 'EN00' THEN 'EN-M1' ELSE 'TE-M3' END
WHERE s.form_code <> 'TE-M3' OR (e.is_above_scale AND NOT (f.period = $newest AND list_contains($sample, f.township_code)))
ORDER BY s.seq, f.township_code, f.enterprise_id, f.indicator_code;

INSERT INTO raw.observation
WITH sums AS (
    -- the townships' own table: above-scale enterprises and an estimate for the rest
    SELECT township_code, period, t.indicator_code, round(sum(value_month) * t.share, 0)::DECIMAL(24, 6) AS value_month
    FROM scale_figure AS f
    JOIN (VALUES ('TE01', 'TE02', 1.4), ('TE02', 'TE02', 1.05), ('TE03', 'TE03', 1.2), ('TE08', 'TE02', 0.35)) AS t (indicator_code, source, share)
        ON f.indicator_code = t.source
    GROUP BY township_code, period, t.indicator_code, t.share
),
both_measures AS (
    SELECT township_code, period, indicator_code, 'month' AS measure, value_month AS value FROM sums
    UNION ALL
    SELECT township_code, period, indicator_code, 'ytd', sum(value_month) OVER (PARTITION BY township_code, indicator_code ORDER BY period) FROM sums
    UNION ALL
    SELECT township_code, period, 'TE04', 'stock', round(sum(value_month) * 0.9, 0)
    FROM scale_figure WHERE indicator_code = 'BF02' GROUP BY ALL
)
SELECT
    s.submission_id, s.seq, 'TE-M1', b.indicator_code, 'township', b.township_code, b.township_code, b.period, b.measure, 1,
    b.value::DECIMAL(24, 6), NULL, false, false, NULL, 'Sheet1', 'B' || right(b.township_code, 4)::INTEGER, NULL, i.unit, 1, $label, 'accepted', s.received_at
FROM both_measures AS b
JOIN reference.indicators AS i USING (indicator_code)
JOIN scale_submission AS s ON b.period = s.period AND s.form_code = 'TE-M1';

INSERT INTO raw.observation
-- next year's targets are set on this year's months: 108 % of their pace
WITH pace AS (
    SELECT unit_id, township_code, indicator_code, sum(value) * 12 / count(*) * 1.08 AS value
    FROM raw.observation
    WHERE form_code = 'TE-M1' AND measure = 'month' AND year(period) = $year - 1
    GROUP BY ALL
)
SELECT
    s.submission_id, s.seq, 'TG-Y1', p.indicator_code, 'township', p.unit_id, p.township_code, s.period, 'target', 1,
    round(p.value, 0)::DECIMAL(24, 6), NULL, false, false, NULL, 'Sheet1', 'C' || right(p.township_code, 4)::INTEGER, NULL, '万元', 1, $label, 'accepted', s.received_at
FROM pace AS p
JOIN scale_submission AS s ON s.form_code = 'TG-Y1'
UNION ALL
SELECT
    s.submission_id, s.seq, 'TG-Y1', p.indicator_code, 'county', $county, NULL, s.period, 'target', 1,
    round(sum(p.value), 0)::DECIMAL(24, 6), NULL, false, false, NULL, 'Sheet1', 'C4', NULL, '万元', 1, $label, 'accepted', max(s.received_at)
FROM pace AS p
JOIN scale_submission AS s ON s.form_code = 'TG-Y1'
GROUP BY ALL;

INSERT INTO raw.coverage
SELECT DISTINCT o.submission_id, o.seq, o.form_code, o.level, o.unit_id, o.period, 'reported', 'Sheet1', o.cell, o.received_at
FROM raw.observation AS o
WHERE year(o.period) = $year AND o.form_code IN ('TE-M1', 'TE-M3', 'CO-M1', 'EN-M1')
QUALIFY row_number() OVER (PARTITION BY o.form_code, o.unit_id, o.period ORDER BY o.indicator_code, o.measure) = 1;

INSERT INTO raw.enterprise
SELECT
    s.submission_id, s.seq, e.enterprise_id, e.enterprise_id, e.name_zh, e.township_code, e.industry_code, e.is_above_scale, e.is_agro, e.is_pharma,
    e.is_coal_mine, e.is_key_energy, CASE WHEN e.is_coal_mine THEN 300000 END, 'active', false, s.period, 'Sheet1', 'C' || (4 + e.number), s.received_at
FROM raw.scale_register AS e
JOIN scale_submission AS s ON s.form_code = 'RO-Y1';

INSERT INTO raw.submission
SELECT
    s.submission_id, s.seq, $label || ' ' || s.form_code || ' ' || strftime(s.period, '%Y-%m'), sha256(s.submission_id), 0, 'xlsx', s.form_code, f.layout,
    f.reporter_level, $county, s.period, s.received_at, s.received_at, 'accepted', NULL, coalesce(o.n, 0), 0, 0
FROM scale_submission AS s
JOIN reference.forms AS f USING (form_code)
LEFT JOIN (SELECT submission_id, count(*) AS n FROM raw.observation WHERE year(period) = $year GROUP BY submission_id) AS o USING (submission_id);
