-- Schema `raw` of work/warehouse.duckdb: everything ever read, every version, every issue.
-- Written by warehouse/store.py alone, from ingest's records (ingest/model.py); read by dbt staging as sources.
-- Everything here can be rebuilt from archive/. Money 万元, mass 吨, energy tce, people 人, rates %.
CREATE SCHEMA IF NOT EXISTS raw;

CREATE TABLE IF NOT EXISTS raw.submission (
    submission_id VARCHAR NOT NULL,      -- S000001, in order of intake
    seq BIGINT NOT NULL,
    file_name VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    size_bytes BIGINT NOT NULL,
    file_kind VARCHAR,
    form_code VARCHAR,                   -- the first recognised sheet's form; NULL where none was
    layout VARCHAR,
    reporter_level VARCHAR,
    reporter_unit_id VARCHAR,
    period DATE,
    received_at TIMESTAMP NOT NULL,      -- the file's modification time, capped at intake (UTC)
    ingested_at TIMESTAMP NOT NULL,      -- when the archive took it in (UTC)
    status VARCHAR NOT NULL,             -- accepted, rejected (nothing could be read), withdrawn
    withdrawn_at TIMESTAMP,
    observations INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    warnings INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS raw.observation (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    form_code VARCHAR NOT NULL,
    indicator_code VARCHAR NOT NULL,
    level VARCHAR,                       -- county, township, enterprise; NULL while the unit is not resolved
    unit_id VARCHAR,
    township_code VARCHAR,               -- the row's own; for an enterprise without one, its register's
    period DATE NOT NULL,
    measure VARCHAR NOT NULL,
    line_no INTEGER NOT NULL,
    value DECIMAL(24, 6),
    null_reason VARCHAR,
    is_estimated BOOLEAN NOT NULL,
    is_carried BOOLEAN NOT NULL,
    target_form VARCHAR,
    sheet VARCHAR NOT NULL,
    cell VARCHAR NOT NULL,
    raw_text VARCHAR,
    raw_unit VARCHAR,
    unit_factor DECIMAL(24, 12) NOT NULL,
    heading VARCHAR,                     -- the header path as written, parts joined by ' / '
    status VARCHAR NOT NULL,             -- accepted, quarantined
    received_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS raw.declared_total (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    form_code VARCHAR NOT NULL,
    indicator_code VARCHAR NOT NULL,
    period DATE NOT NULL,
    measure VARCHAR NOT NULL,
    scope_unit_id VARCHAR,               -- NULL: the grand total; else the township of a subtotal
    value DECIMAL(24, 6) NOT NULL,
    sheet VARCHAR NOT NULL,
    cell VARCHAR NOT NULL,
    raw_text VARCHAR
);

CREATE TABLE IF NOT EXISTS raw.enterprise (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    enterprise_id VARCHAR NOT NULL,
    credit_code VARCHAR,
    name_zh VARCHAR,
    township_code VARCHAR,
    industry_code VARCHAR,
    is_above_scale BOOLEAN,
    is_agro_processing BOOLEAN,
    is_pharma BOOLEAN,
    is_coal_mine BOOLEAN,
    is_key_energy_user BOOLEAN,
    capacity_tonnes_per_year DECIMAL(24, 6),
    unit_status VARCHAR NOT NULL,
    is_provisional BOOLEAN NOT NULL,
    valid_from DATE NOT NULL,
    sheet VARCHAR,
    cell VARCHAR,
    received_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS raw.township (
    submission_id VARCHAR NOT NULL,
    township_code VARCHAR NOT NULL,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    kind VARCHAR NOT NULL
);

CREATE TABLE IF NOT EXISTS raw.incident (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    form_code VARCHAR NOT NULL,
    incident_id VARCHAR NOT NULL,        -- stable over resubmissions: date, unit, ordinal of that day
    occurred_on DATE NOT NULL,
    enterprise_id VARCHAR,
    township_code VARCHAR,
    category VARCHAR,
    deaths INTEGER NOT NULL,
    serious_injuries INTEGER NOT NULL,
    direct_loss DECIMAL(24, 6),
    declared_class VARCHAR,
    counted_in_rate BOOLEAN NOT NULL,
    sheet VARCHAR NOT NULL,
    cell VARCHAR NOT NULL,
    raw_text VARCHAR,
    status VARCHAR NOT NULL,
    received_at TIMESTAMP NOT NULL
);

-- Registers of changes of township-level units: one predecessor and one successor a row, or one of them alone.
CREATE TABLE IF NOT EXISTS raw.unit_change (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    form_code VARCHAR NOT NULL,
    change_id VARCHAR NOT NULL,          -- year, predecessor, successor
    subject VARCHAR NOT NULL,            -- year and predecessor, else successor: a later register replaces by it
    event_no INTEGER NOT NULL,           -- rows of a sheet that share a unit are one event
    structure VARCHAR NOT NULL,          -- 0:1, 1:0, 1:1, n:1, 1:n, n:n
    op VARCHAR NOT NULL,
    year INTEGER NOT NULL,
    effective_on DATE,
    province VARCHAR,
    predecessor_code VARCHAR,
    predecessor_name VARCHAR,
    predecessor_kind VARCHAR,            -- street, town, township, other
    predecessor_county VARCHAR,
    successor_code VARCHAR,
    successor_name VARCHAR,
    successor_kind VARCHAR,
    successor_county VARCHAR,
    is_continued BOOLEAN NOT NULL,       -- the predecessor goes on as this successor
    reason VARCHAR,
    doc_no VARCHAR,
    order_no VARCHAR,
    sheet VARCHAR NOT NULL,
    cell VARCHAR NOT NULL,
    predecessor_cell VARCHAR,
    successor_cell VARCHAR,
    repeats_cell VARCHAR,
    raw_text VARCHAR,
    status VARCHAR NOT NULL,             -- accepted, repeated (the same row stands above already)
    received_at TIMESTAMP NOT NULL
);

-- Ledgers of tasks: projects, certifications, training, closures; one row a task of a ledger.
CREATE TABLE IF NOT EXISTS raw.task (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    form_code VARCHAR NOT NULL,
    task_id VARCHAR NOT NULL,            -- year, responsible unit, name: a later ledger replaces by it
    year INTEGER,
    name_zh VARCHAR NOT NULL,
    indicator_code VARCHAR,              -- NULL where the category is no indicator's name
    category VARCHAR,                    -- as written
    township_code VARCHAR,               -- NULL: the county's own
    reported_for DATE,                   -- month of the ledger, where it names one
    planned_on DATE,
    done_on DATE,
    progress_pct DOUBLE,
    state VARCHAR,                       -- done, open, cancelled; NULL where the row does not say
    state_text VARCHAR,
    evidence VARCHAR,
    remark VARCHAR,
    sheet VARCHAR NOT NULL,
    cell VARCHAR NOT NULL,
    raw_text VARCHAR,
    status VARCHAR NOT NULL,
    received_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS raw.coverage (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    form_code VARCHAR NOT NULL,
    level VARCHAR,
    unit_id VARCHAR,
    period DATE NOT NULL,
    status VARCHAR NOT NULL,             -- reported, not_reported, suspended, closed, zero_report, carried
    sheet VARCHAR,
    cell VARCHAR,
    received_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS raw.issue (
    submission_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    issue_no INTEGER NOT NULL,
    sheet VARCHAR,
    cell VARCHAR,
    severity VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    message_zh VARCHAR NOT NULL,
    message_en VARCHAR NOT NULL,
    raw_text VARCHAR,
    indicator_code VARCHAR,
    level VARCHAR,
    unit_id VARCHAR,
    period DATE,
    status VARCHAR NOT NULL              -- open, accepted (with a reason), resolved
);

-- What people said about issues, replayed from the journal (acts.py).
CREATE TABLE IF NOT EXISTS raw.act (
    act_no BIGINT NOT NULL,
    submission_id VARCHAR NOT NULL,
    sheet VARCHAR,
    cell VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,               -- explained, accepted
    text VARCHAR NOT NULL,
    said_by VARCHAR NOT NULL,
    said_at TIMESTAMP NOT NULL
);

-- Rounds of closing a month, replayed from the journal (closing.py).
CREATE TABLE IF NOT EXISTS raw.closing (
    period DATE NOT NULL,
    round_no INTEGER NOT NULL,
    version VARCHAR NOT NULL,            -- the published version that was approved
    last_seq BIGINT NOT NULL,            -- the last submission in it
    approved_by VARCHAR NOT NULL,
    approved_at TIMESTAMP NOT NULL,
    closed_by VARCHAR,
    closed_at TIMESTAMP,
    reopened_by VARCHAR,
    reopened_at TIMESTAMP,
    reopened_seq BIGINT,                 -- the last submission received before it was reopened
    reason VARCHAR
);

CREATE TABLE IF NOT EXISTS raw.meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
