-- Incidents of the year to date, with the cell each came from.
select
    incident_id, occurred_on, enterprise_id, township_code, category, deaths, serious_injuries, class, submission_id,
    file_name, sheet, cell, raw_text, received_at
from marts.fct_safety_incident
where occurred_on >= $january and occurred_on <= last_day($period::date)
order by occurred_on, incident_id
