-- a list applied twice is the list applied once (domain.md D.3.8)
select distinct
    from_code,
    to_code,
    op,
    effective_from,
    weight,
    weight_method,
    doc_no,
    confidence,
    approved_by
from {{ source('reference', 'township_links') }}
