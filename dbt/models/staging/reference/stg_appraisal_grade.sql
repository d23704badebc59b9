select
    scheme_id,
    grade,
    score_from,
    score_below
from {{ source('reference', 'appraisal_grades') }}
