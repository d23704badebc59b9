-- Nothing read is lost between raw and the versions, and one version of a key at most is in force.
{{ config(meta={'dagster': {'ref': {'name': 'fct_observation_version'}}}) }}
select
    'cells lost or multiplied' as rule,
    cast(raw_count.n - version_count.n as string) as detail
from (
    select count(*) as n
    from {{ ref('stg_observation') }} as observation
    inner join {{ ref('stg_submission') }} as submission on observation.submission_id = submission.submission_id
) as raw_count
cross join (select count(*) as n from {{ ref('fct_observation_version') }}) as version_count
where raw_count.n <> version_count.n
union all
select
    'observations without a submission' as rule,
    min(observation.submission_id) as detail
from {{ ref('stg_observation') }} as observation
left join {{ ref('stg_submission') }} as submission on observation.submission_id = submission.submission_id
where submission.submission_id is null
having count(*) > 0
