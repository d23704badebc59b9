-- Table macros of the published file: what stood at the end of an earlier day (UTC), for whoever queries it.
-- Whole marts of an earlier day, figures too: `tew query --as-of DAY SQL`. Each is made where its tables are there.

-- needs: fct_observation_version dim_indicator dim_form
CREATE OR REPLACE MACRO marts.fct_observation_as_of(d) AS TABLE
-- Values in force at the end of day d: per form the latest submission known then and not withdrawn then, per key the
-- form that goes first. Resolved again, since a version that superseded another may itself be withdrawn since.
WITH known AS (
    SELECT v.*
    FROM marts.fct_observation_version AS v
    WHERE v.status <> 'quarantined'
      AND v.valid_from < CAST(d AS DATE) + 1
      AND (v.status <> 'withdrawn' OR v.valid_to >= CAST(d AS DATE) + 1)
),
latest AS (
    SELECT * FROM known
    QUALIFY seq = max(seq) OVER (PARTITION BY form_code, level, unit_id, indicator_code, period, measure)
),
placed AS (
    SELECT latest.*,
        first_value(latest.form_code) OVER (
            PARTITION BY latest.level, latest.unit_id, latest.indicator_code, latest.period, latest.measure
            ORDER BY latest.value IS NULL,
                CASE WHEN instr('|' || i.source_form || '|', '|' || latest.form_code || '|') > 0
                    THEN instr('|' || i.source_form || '|', '|' || latest.form_code || '|')
                    ELSE 100000 + coalesce(f.source_rank, 99999) END,
                latest.seq DESC
        ) AS going_first
    FROM latest
    LEFT JOIN marts.dim_indicator AS i USING (indicator_code)
    LEFT JOIN marts.dim_form AS f USING (form_code)
)
SELECT * EXCLUDE (going_first, valid_to, form_precedence, status) FROM placed
WHERE form_code = going_first
-- one key twice in one submission: the first cell stands (int_observation_version)
QUALIFY row_number() OVER (
    PARTITION BY level, unit_id, indicator_code, period, measure, line_no
    ORDER BY sheet, length(cell), cell
) = 1;

-- needs: fct_submission
CREATE OR REPLACE MACRO marts.fct_submission_as_of(d) AS TABLE
SELECT * REPLACE (
    CASE WHEN status = 'withdrawn' AND withdrawn_at >= CAST(d AS DATE) + 1 THEN 'accepted' ELSE status END AS status,
    CASE WHEN withdrawn_at < CAST(d AS DATE) + 1 THEN withdrawn_at END AS withdrawn_at)
FROM marts.fct_submission WHERE known_from < CAST(d AS DATE) + 1;

-- needs: fct_submission fct_issue
CREATE OR REPLACE MACRO marts.fct_issue_as_of(d) AS TABLE
SELECT i.* FROM marts.fct_issue AS i
JOIN marts.fct_submission AS s USING (submission_id) WHERE s.known_from < CAST(d AS DATE) + 1;
