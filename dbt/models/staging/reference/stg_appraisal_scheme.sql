select
    scheme_id,
    year,
    unit_class,
    indicator_code,
    full_mark,
    rule_family,
    parameters,
    score_min,
    score_max,
    missing_policy,
    doc_no,
    source_dept
from {{ source('reference', 'appraisal_schemes') }}
